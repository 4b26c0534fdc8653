"""The registry of legal instruments, and what it says about a message: warnings, never a refusal.

Rules:
1. The exchange never blocks a sovereign act for legal reasons. `admissibility` names what looks wrong and the rule;
   intake records it, clients show it before sending, and the sender may go on.
2. A coordination of authorities is a `group`: it groups legs, each leg cites its own convention.
3. Dates are days in UTC. What is not known to be in force is not in force.
4. Clauses marked (k) in the data are from practice, not read at the source; the mark travels with the text.
The registry is a signed file; who signed it is checked elsewhere. Nothing here reads files: `parse_registry` takes the
bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from shared.domain.calendars import NO_CALENDARS, Calendar, Calendars
from shared.domain.catalogue import HEADER_MEASURES
from shared.domain.clocks import CLOCKS, NO_LIMIT
from shared.domain.header import Basis, Code
from shared.domain.ids import AuthorityId
from shared.domain.strict_json import NotStrictJson, parse_strict_json
from shared.errors import InstrumentsInvalid

RECIPROCITY = "reciprocity"
"""The primary basis of a leg without instrument: its assurance stands in the sealed body."""

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


def _day(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("not a date")
    return date.fromisoformat(value)


Day = Annotated[date, BeforeValidator(_day)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InstrumentKind(StrEnum):
    multilateral = "multilateral"
    bilateral = "bilateral"
    directive = "directive"
    group = "group"


class Channel(StrEnum):
    central_authority = "central-authority"
    direct = "direct"
    diplomatic = "diplomatic"
    desk = "24-7-desk"


class Filing(StrEnum):
    """Whether a party takes what arrives electronically."""

    accepted = "accepted"
    hard_copy_follows = "hard-copy-follows"
    diplomatic_channel = "diplomatic-channel"
    unknown = "unknown"


class Party(_Entry):
    """One country under one instrument: from when it is bound, since when it has suspended it, from when it has
    left."""

    in_force: Day | None
    suspended: Day | None
    denounced: Day | None
    central_authority: AuthorityId | None
    languages: tuple[Code, ...]
    filing: Filing

    def is_bound(self, on: date) -> bool:
        begun = self.in_force is not None and self.in_force <= on
        return begun and not any(end is not None and end <= on for end in (self.suspended, self.denounced))


class Ground(_Entry):
    """One ground of refusal. `measures` limits it to some types; null means any."""

    code: Code
    clause: Text
    measures: tuple[Code, ...] | None


class GroupConvention(_Entry):
    """Which instrument binds two members of a group."""

    parties: Annotated[tuple[Country, ...], Field(min_length=2, max_length=2)]
    instrument: Code


class Instrument(_Entry):
    """One entry. `measures` null means that it does not list what may be asked; `clock` names one of `clocks.py`."""

    code: Code
    title: Text
    kind: InstrumentKind
    sample: bool
    signed: Day | None
    in_force: Day | None
    parties: dict[Country, Party]
    measures: tuple[Code, ...] | None
    grounds: tuple[Ground, ...]
    clock: Code
    channels: tuple[Channel, ...]
    yields_to_treaties: bool
    conventions: tuple[GroupConvention, ...]
    source: Text
    notes: tuple[Text, ...]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.clock not in CLOCKS:
            raise ValueError(f"clock {self.clock} is unknown")
        unknown = set(self.measures or ()) - HEADER_MEASURES
        if unknown:
            raise ValueError(f"measure {min(unknown)} is unknown")
        if (self.kind is InstrumentKind.group) != bool(self.conventions):
            raise ValueError("a group names the convention of each pair of members, and only a group does")
        return self

    def is_in_force(self, one: str, other: str, on: date) -> bool:
        """Whether it binds these two countries on this day."""
        begun = self.in_force is not None and self.in_force <= on
        return begun and all(country in self.parties and self.parties[country].is_bound(on) for country in (one, other))

    @property
    def is_general_treaty(self) -> bool:
        """Whether it rules mutual assistance as a whole, so that articles which yield to such a treaty yield to it."""
        return not self.yields_to_treaties and self.measures is None and self.kind is not InstrumentKind.group

    def convention(self, one: str, other: str) -> str | None:
        """For a group: the code of the instrument that binds these two members."""
        return next((entry.instrument for entry in self.conventions if set(entry.parties) == {one, other}), None)

    def ground(self, code: str) -> Ground | None:
        return next((ground for ground in self.grounds if ground.code == code), None)


_PAIRS_KEPT = 4096


class Registry(_Entry):
    """All instruments known to the exchange, one version of the signed file."""

    v: Annotated[int, Field(strict=True, ge=1, le=1)]
    version: Code
    note: Text
    instruments: tuple[Instrument, ...]
    calendars: tuple[Calendar, ...] = ()

    @model_validator(mode="after")
    def _calendars_are_unique(self) -> Self:
        for named in ([one.country for one in self.calendars], [one.version for one in self.calendars]):
            if len(set(named)) != len(named):
                raise ValueError("a country, or the version of a calendar, has two calendars")
        return self

    @model_validator(mode="after")
    def _codes_are_unique(self) -> Self:
        codes = [instrument.code for instrument in self.instruments]
        if len(set(codes)) != len(codes) or RECIPROCITY in codes:
            raise ValueError("a code stands twice, or is the reserved word reciprocity")
        for entry in self.instruments:
            if any(convention.instrument not in codes for convention in entry.conventions):
                raise ValueError(f"group {entry.code} names an instrument that is not in the registry")
        return self

    def instrument(self, code: str) -> Instrument | None:
        return self._by_code.get(code)

    @cached_property
    def clocks(self) -> Mapping[str, str]:
        """The law's clock of each instrument that has one, as `open_legs` takes it."""
        return {entry.code: entry.clock for entry in self.instruments if entry.clock != NO_LIMIT}

    @cached_property
    def calendar_by_country(self) -> Calendars:
        return {one.country: one for one in self.calendars}

    @cached_property
    def _by_code(self) -> Mapping[str, Instrument]:
        return {entry.code: entry for entry in self.instruments}

    def between(self, one: str, other: str, on: date) -> list[Instrument]:
        """The instruments, groups apart, that bind these two countries on this day; bilateral ones first."""
        key = (one, other, on)
        if key not in self._found_between:
            if len(self._found_between) >= _PAIRS_KEPT:
                self._found_between.clear()
            self._found_between[key] = self._search_between(one, other, on)
        return list(self._found_between[key])

    @cached_property
    def _found_between(self) -> dict[tuple[str, str, date], list[Instrument]]:
        """Asked for each request that is admitted, and the same for all of a day."""
        return {}

    def _search_between(self, one: str, other: str, on: date) -> list[Instrument]:
        order = [InstrumentKind.bilateral, InstrumentKind.directive, InstrumentKind.multilateral]
        bound = [entry for entry in self.instruments if entry.kind in order and entry.is_in_force(one, other, on)]
        return sorted(bound, key=lambda entry: order.index(entry.kind))

    def basis(self, code: str, requesting: str, requested: str) -> Basis | None:
        """The legal basis of one leg between two authorities, when the sender names this instrument or group.

        A group stands for the convention between the two countries; null where it names none, or the code is unknown.
        """
        if code == RECIPROCITY:
            return Basis(primary=RECIPROCITY, cited=(), group=None)
        entry = self.instrument(code)
        if entry is None:
            return None
        if entry.kind is not InstrumentKind.group:
            return Basis(primary=code, cited=(), group=None)
        convention = entry.convention(requesting[:2], requested[:2])
        return None if convention is None else Basis(primary=convention, cited=(), group=code)


def calendars_of(registry: Registry | None) -> Calendars:
    """The calendars that count under this registry; none before the first was published."""
    return NO_CALENDARS if registry is None else registry.calendar_by_country


def parse_registry(raw: bytes) -> Registry:
    """The registry in these bytes. Raises InstrumentsInvalid naming the first thing that does not fit."""
    try:
        return Registry.model_validate(parse_strict_json(raw))
    except NotStrictJson as broken:
        raise InstrumentsInvalid(why=str(broken)) from None
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(step)[:64] for step in first["loc"]) or "registry"
        raise InstrumentsInvalid(why=f"{where}: {first['msg']}") from None
