"""The registry of legal instruments, and what it says about a message: warnings, never a refusal.

Rules:
1. The exchange never blocks a sovereign act for legal reasons. `admissibility` names what looks wrong and the rule;
   intake records it, clients show it before sending, and the sender may go on.
2. A coordination of authorities is a `group`: it groups legs, each leg cites its own convention.
3. Dates are days in UTC. What is not known to be in force is not in force.
4. Clauses marked (k) in the data are from practice, not read at the source; the mark travels with the text.
5. An amendment has a day of its own, and an entry reads on each day as it was amended by then. Suspensions,
   their ends and denunciations have their days too.
The registry is a signed file; who signed it is checked elsewhere. Nothing here reads files: `parse_registry` takes the
bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from shared.domain.calendars import NO_CALENDARS, Calendar, Calendars
from shared.domain.catalogue import HEADER_MEASURES
from shared.domain.clocks import CLOCKS, NO_LIMIT
from shared.domain.header import RECIPROCITY, Basis, Code
from shared.domain.id_fields import AuthorityId, Day
from shared.domain.misfits import first_misfit
from shared.domain.strict_json import NotStrictJson, parse_strict_json
from shared.errors import InstrumentsInvalid

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


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
    """One country under one instrument: from when it is bound, since when it has suspended it and when it resumed it,
    from when it has left. `desk` is its point of contact for the channel `24-7-desk`."""

    in_force: Day | None
    suspended: Day | None
    denounced: Day | None
    central_authority: AuthorityId | None
    languages: tuple[Code, ...]
    filing: Filing
    resumed: Day | None = None
    desk: AuthorityId | None = None

    @model_validator(mode="after")
    def _resumes_what_it_suspended(self) -> Self:
        if self.resumed is not None and (self.suspended is None or self.resumed < self.suspended):
            raise ValueError("only what was suspended before is resumed")
        return self

    def is_bound(self, on: date) -> bool:
        begun = self.in_force is not None and self.in_force <= on
        return begun and not (self.denounced and self.denounced <= on) and not self.is_suspended(on)

    def is_suspended(self, on: date) -> bool:
        if self.suspended is None or self.suspended > on:
            return False
        return self.resumed is None or self.resumed > on


class Ground(_Entry):
    """One ground of refusal. `measures` limits it to some types; null means any."""

    code: Code
    clause: Text
    measures: tuple[Code, ...] | None


class Amendment(_Entry):
    """What an instrument says from this day on; null is what it leaves as it was."""

    in_force: Day
    title: Text
    measures: tuple[Code, ...] | None = None
    grounds: tuple[Ground, ...] | None = None
    clock: Code | None = None
    channels: tuple[Channel, ...] | None = None
    source: Text

    @property
    def changes(self) -> dict[str, object]:
        named = {name: getattr(self, name) for name in ("measures", "grounds", "clock", "channels")}
        return {name: value for name, value in named.items() if value is not None}


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
    amendments: tuple[Amendment, ...] = ()
    speciality: dict[Code, Text] = {}
    """What it says of the use of what was given under it, by the language of the text; empty if not known."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        for clock in (self.clock, *(one.clock for one in self.amendments)):
            if clock is not None and clock not in CLOCKS:
                raise ValueError(f"clock {clock} is unknown")
        for measures in (self.measures, *(one.measures for one in self.amendments)):
            unknown = set(measures or ()) - HEADER_MEASURES
            if unknown:
                raise ValueError(f"measure {min(unknown)} is unknown")
        if list(self.amendments) != sorted(self.amendments, key=lambda one: one.in_force):
            raise ValueError("amendments stand in the order of their days")
        if not all(one.changes for one in self.amendments):
            raise ValueError("an amendment names what it changes")
        if (self.kind is InstrumentKind.group) != bool(self.conventions):
            raise ValueError("a group names the convention of each pair of members, and only a group does")
        for party in self.parties.values():  # a bilateral one ends for both when either leaves
            leaving = self.parties.values() if self.kind is InstrumentKind.bilateral else (party,)
            left = min((one.denounced for one in leaving if one.denounced), default=date.max)
            if any(day and day >= left for day in (party.suspended, party.resumed)):
                raise ValueError("what was denounced is from that day on neither suspended nor resumed (VCLT 70 (k))")
        return self

    def as_of(self, on: date) -> Instrument:
        """As it reads on this day, amended by what had come into force."""
        entry = self
        for amendment in self.amendments:
            if amendment.in_force <= on:
                entry = entry.model_copy(update=amendment.changes)
        return entry

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

    def instrument(self, code: str, on: date | None = None) -> Instrument | None:
        """The entry, as it reads on this day if one is given."""
        entry = self._by_code.get(code)
        return entry.as_of(on) if entry and on else entry

    def clocks(self, on: date) -> Mapping[str, str]:
        """The law's clock of each instrument that has one on this day, as `open_legs` takes it."""
        return self._clocks | {one.code: one.as_of(on).clock for one in self._with_new_clocks}

    @cached_property
    def _clocks(self) -> dict[str, str]:
        return {entry.code: entry.clock for entry in self.instruments if entry.clock != NO_LIMIT}

    @cached_property
    def calendar_by_country(self) -> Calendars:
        return {one.country: one for one in self.calendars}

    @cached_property
    def _with_new_clocks(self) -> tuple[Instrument, ...]:
        return tuple(one for one in self.instruments if any(amendment.clock for amendment in one.amendments))

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
        return sorted((entry.as_of(on) for entry in bound), key=lambda entry: order.index(entry.kind))

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
        raise InstrumentsInvalid(why=first_misfit(invalid, "registry")) from None
