"""What the registry of instruments has to say about a message: warnings, never a refusal.

The exchange never blocks a sovereign act for legal reasons. A flag names what looks wrong and the rule behind it;
intake records it, clients show it before sending, and the sender may go on: with a reason, sealed in the body, for
what needs one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from shared.domain.header import RECIPROCITY, Header
from shared.domain.instruments import Filing, Instrument, InstrumentKind, Registry
from shared.domain.leg import Leg
from shared.domain.profile_format import LATE, FieldType
from shared.domain.profiles import kind_of
from shared.domain.routes import Route, channel, may_send

MAX_FLAGS_BYTES: Final = 4096
"""What flags may take of a leaf: the largest envelope leaves 5,500 bytes, and without a leaf there is no decision."""
LEAST_PRESERVED_DAYS: Final = 60
PRESERVES: Final = ("preservation", "preserve")
NO_REGISTRY: Final = "registry-missing"
PRACTICE: Final = "practice (k)"
REGISTRY: Final = "registry of instruments"
_DAY_AHEAD: Final = timedelta(days=1)
"""Where the sender is it may be tomorrow already: days are compared in UTC."""
_LISTED_BYTES: Final = 3  # two quotation marks and a comma


REMARKS: Final = frozenset({"basis-reciprocity", "hard-copy-follows", "late"})
"""Flags that tell what follows, or what may well be: nothing is overridden by going on."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A warning: a stable code, the sentence and what fills its gaps, the rule behind it, and the measures concerned
    (empty: all of them). Sentence and rule are of the catalogues, which know them by this class."""

    code: str
    sentence: str
    rule: str
    gaps: tuple[tuple[str, str], ...] = ()
    measures: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The sentence in English."""
        return self.sentence.format(**dict(self.gaps))

    @property
    def needs_reason(self) -> bool:
        """Whether who sends all the same says why."""
        return self.code not in REMARKS


def admissibility(header: Header, leg: Leg, registry: Registry, at: datetime) -> list[Flag]:
    """What looks wrong about this message on this leg at the time of admission `at`; empty if nothing does.

    The header has passed check_header. For a message that opens a dossier, call it once per leg of `open_legs`.
    """
    on = at.astimezone(UTC).date()
    flags = [*_of_lateness(header, leg), *_of_dates(header, on), *_of_order(header), *_of_sequence(header, leg)]
    if leg.basis.primary == RECIPROCITY:
        if header.leg is None:
            flags.append(
                Flag(
                    "basis-reciprocity",
                    "No instrument is named; the assurance of reciprocity stands in the sealed body.",
                    PRACTICE,
                )
            )
        return flags
    entry = registry.instrument(leg.basis.primary, on)
    if entry is None:
        return [*flags, _unknown(leg.basis.primary, registry)]
    if header.leg is None:
        flags += [*_of_basis(leg, entry, registry, on), *_of_channel(leg, entry), *_of_measures(header, entry)]
    return [*flags, *_of_grounds(header, entry), *_of_preservation(header, on)]


def flags_of(header: Header, legs: Iterable[Leg], registry: Registry | None, at: datetime) -> tuple[str, ...]:
    """What a decision says of all this: each code once with its leg, sorted; without the legs where these would be too
    many. Intake writes it and auditors make it again."""
    if registry is None:
        return (NO_REGISTRY,)
    found = {(flag.code, leg.requested.lower()) for leg in legs for flag in admissibility(header, leg, registry, at)}
    flags = sorted(f"{code}:{leg}" for code, leg in found)
    if sum(len(flag) + _LISTED_BYTES for flag in flags) > MAX_FLAGS_BYTES:
        flags = sorted({code for code, _ in found})
    return tuple(flags)


def _unknown(code: str, registry: Registry) -> Flag:
    return Flag(
        "instrument-unknown",
        "The registry of instruments, version {version}, knows no instrument {code}.",
        REGISTRY,
        (("version", registry.version), ("code", code)),
    )


def _of_lateness(header: Header, leg: Leg) -> Iterator[Flag]:
    moves = kind_of(header.profile, header.kind).moves
    late = tuple(one.id for one in leg.measures if one.id in header.measures and moves.get(one.state) == LATE)
    if late:
        yield Flag("late", "It came after the withdrawal of these measures.", PRACTICE, measures=late)


def _of_dates(header: Header, on: date) -> Iterator[Flag]:
    for name, rule in kind_of(header.profile, header.kind).act.items():
        days = {FieldType.date: {name: header.act.get(name)}, FieldType.duties: header.act.get(name) or {}}
        for what, day in days.get(rule.type, {}).items():
            gaps = (("what", what), ("day", str(day)), ("today", str(on)))
            if day is None:
                continue
            if rule.is_past and date.fromisoformat(day) > on + _DAY_AHEAD:
                yield Flag("date-in-the-future", "The day of “{what}”, {day}, lies after {today}.", PRACTICE, gaps)
            if not rule.is_past and date.fromisoformat(day) < on:
                yield Flag("date-in-the-past", "The day of “{what}”, {day}, lies before {today}.", PRACTICE, gaps)


def _of_order(header: Header) -> Iterator[Flag]:
    """Days that stand in the wrong order: nobody comes back before he is handed over."""
    for name, rule in kind_of(header.profile, header.kind).act.items():
        for other in rule.not_before:
            day, before = header.act.get(name), header.act.get(other)
            if day is not None and before is not None and day < before:
                gaps = (("what", name), ("day", day), ("other", other), ("before", before))
                yield Flag(
                    "dates-out-of-order",
                    "The day of “{what}”, {day}, lies before that of “{other}”, {before}.",
                    PRACTICE,
                    gaps,
                )


def _of_sequence(header: Header, leg: Leg) -> Iterator[Flag]:
    """What should have been done before, and is still owed on these measures."""
    before = kind_of(header.profile, header.kind).after
    for owed in leg.obligations:
        measures = tuple(sorted(set(owed.measures) & set(header.measures)))
        if owed.act in before and measures:
            gaps = (("owed", owed.act),)
            yield Flag("not-done-before", "Before that comes “{owed}”, which is still owed.", PRACTICE, gaps, measures)


def _of_preservation(header: Header, on: date) -> Iterator[Flag]:
    """Counted in days of UTC from the day of admission, as every date that only warns."""
    if (header.profile, header.kind) != PRESERVES:
        return
    until = date.fromisoformat(header.act["until"])
    if until < on + timedelta(days=LEAST_PRESERVED_DAYS):
        gaps = (("until", str(until)), ("days", str(LEAST_PRESERVED_DAYS)))
        yield Flag(
            "preservation-short", "Data is preserved until {until}, less than {days} days.", "Budapest 29(7) (k)", gaps
        )


def _of_basis(leg: Leg, entry: Instrument, registry: Registry, on: date) -> Iterator[Flag]:
    one, other = leg.requesting[:2], leg.requested[:2]
    for cited in leg.basis.cited:
        if registry.instrument(cited) is None:
            yield _unknown(cited, registry)
    if entry.kind is InstrumentKind.group:
        yield Flag(
            "basis-is-group",
            "{title} coordinates authorities and is no treaty: the leg needs a convention of its own.",
            entry.source,
            (("title", entry.title),),
        )
        return
    strangers = [country for country in dict.fromkeys((one, other)) if country not in entry.parties]
    for country in strangers:
        gaps = (("country", country), ("title", entry.title))
        yield Flag("party-not-bound", "{country} is no party to {title}.", entry.source, gaps)
    if not strangers and not entry.is_in_force(one, other, on):
        gone = [flag for country in (one, other) for flag in _left(country, entry, on)]
        pair = (("title", entry.title), ("one", one), ("other", other), ("day", str(on)))
        plain = Flag("not-in-force", "{title} is not in force between {one} and {other} on {day}.", entry.source, pair)
        yield from gone or [plain]
    treaty = next((known for known in registry.between(one, other, on) if known.is_general_treaty), None)
    if entry.yields_to_treaties and treaty is not None:
        yield Flag(
            "yields-to-treaty",
            "{treaty} binds both parties; {title} yields to it.",
            "UNTOC 18(7), UNCAC 46(7) (k)",
            (("treaty", treaty.title), ("title", entry.title)),
        )


def _left(country: str, entry: Instrument, on: date) -> Iterator[Flag]:
    party = entry.parties[country]
    if party.denounced is not None and party.denounced <= on:
        yield Flag(
            "not-in-force",
            "{title} is not in force: {country} denounced it with effect from {day}.",
            entry.source,
            (("title", entry.title), ("country", country), ("day", str(party.denounced))),
        )
    elif party.is_suspended(on):
        yield Flag(
            "not-in-force",
            "{title} is not in force: {country} suspended it from {day} on.",
            entry.source,
            (("title", entry.title), ("country", country), ("day", str(party.suspended))),
        )


def _of_channel(leg: Leg, entry: Instrument) -> Iterator[Flag]:
    """By which road the instrument lets requests come, and whether as electronic documents."""
    if entry.kind is InstrumentKind.group:
        return
    if channel(entry, leg.requested) is Route.outside_channel or not may_send(entry, leg.requesting):
        named = [entry.parties[party[:2]].central_authority for party in (leg.requesting, leg.requested)]
        gaps = (("title", entry.title), ("one", named[0] or leg.requesting), ("other", named[1] or leg.requested))
        yield Flag("channel-not-admitted", "{title} has requests pass from {one} to {other}.", entry.source, gaps)
    party = entry.parties.get(leg.requested[:2])
    if party is not None and party.filing is Filing.hard_copy_follows:
        wanting = (("party", leg.requested),)
        yield Flag("hard-copy-follows", "{party} wants a hard copy to follow.", entry.source, wanting)
    if party is not None and party.filing is Filing.diplomatic_channel:
        yield Flag(
            "filing-not-electronic",
            "{party} takes requests under {title} by the diplomatic channel only.",
            entry.source,
            (("party", leg.requested), ("title", entry.title)),
        )


def _of_measures(header: Header, entry: Instrument) -> Iterator[Flag]:
    if entry.measures is None:
        return
    unlisted = tuple(name for name, code in header.measures.items() if code not in entry.measures)
    if unlisted:
        gaps = (("title", entry.title),)
        yield Flag("measure-not-listed", "{title} does not list these measures.", entry.source, gaps, unlisted)


def _of_grounds(header: Header, entry: Instrument) -> Iterator[Flag]:
    for code in header.act.get("grounds", ()):
        ground = entry.ground(code)
        if ground is None:
            gaps = (("code", code), ("title", entry.title))
            yield Flag("ground-outside-instrument", "{code} is no ground of refusal of {title}.", entry.source, gaps)
        elif ground.measures is not None:
            outside = tuple(name for name, type_ in header.measures.items() if type_ not in ground.measures)
            if outside:
                yield Flag(
                    "ground-of-other-measure",
                    "{code} is a ground for other measures only.",
                    ground.clause,
                    (("code", code),),
                    outside,
                )
