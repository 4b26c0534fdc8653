"""The status of a dossier at a glance: whose turn it is, on what, since when, and by when.

Rules:
1. A line never paints policy as law: the law's limit, a party's deadline and the exchange's target are named apart,
   and where the law has no limit the line says so.
2. The turn is the state's, so a question shows as the asker's wait for an answer although the law's clock may run on;
   such a clock, and an open status query, get lines of their own.
3. Measures with the same status share a line (`M1–M2`). A viewer sees its own legs only; null sees all, as an auditor
   does.
4. What silence has closed by `now` shows as closed. A closed measure shows how it ended, and what is still owed on it.
5. Names of holders come from the caller: the leg holds ids only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Any, Final

from shared.domain.calendars import NO_CALENDARS, UTC_DAYS, Calendars, calendar_of
from shared.domain.clocks import end_of_day
from shared.domain.dossier import shown_state
from shared.domain.ids import encode_time
from shared.domain.leg import DueBasis, Leg, Measure, Obligation, measure_order
from shared.domain.obligations import ESTIMATE, falls_due, is_overdue, set_by, waiting_on
from shared.domain.profile_format import CLOSED, Side
from shared.domain.profiles import profile_of
from shared.domain.silence import lapsed
from shared.domain.speech import ENGLISH, Speech

EXCHANGE = "the exchange"
NOON: Final = time(12)
"""A day, as a moment that most zones have on it."""
_BASES = (DueBasis.law, DueBasis.deadline, DueBasis.policy)


@dataclass(frozen=True, slots=True)
class Holder:
    """A competent authority as people call it; `offline` means that it is not enrolled and its central authority
    signs."""

    name: str
    offline: bool


@dataclass(frozen=True, slots=True)
class Due:
    """One date by which something is owed. `set_by` is the party whose deadline or estimate it is. `due` is the last
    second, `day` the debtor's day in which it lies, both by the version `calendar`, as the exchange's clocks count. A
    limit in hours is an instant: `by_hour`."""

    basis: DueBasis
    due: datetime | None
    source: str
    set_by: str | None
    overdue: bool
    day: date | None = None
    calendar: str = UTC_DAYS
    by_hour: bool = False


@dataclass(frozen=True, slots=True)
class StatusLine:
    """One line: the measures of one leg that wait for the same party, on the same matter, with the same dates."""

    requested: str
    label: str
    measures: tuple[str, ...]
    state: str
    phase: str
    waiting_on: str | None
    holder: str | None
    holder_name: str | None
    offline: bool
    since: datetime
    dues: tuple[Due, ...]
    outcome: str | None = None
    late: bool = False
    asked_in: str | None = None
    """Of what runs beside a state: the message that made it owed. Two questions are two lines."""


NO_TRANSPORT: Mapping[str, str] = MappingProxyType({})
NO_HOLDERS: Mapping[str, Holder] = MappingProxyType({})


def status_of(
    legs: Iterable[Leg],
    viewer: str | None,
    now: datetime,
    transport: Mapping[str, str] = NO_TRANSPORT,
    holders: Mapping[str, Holder] = NO_HOLDERS,
    calendars: Calendars = NO_CALENDARS,
) -> list[StatusLine]:
    """The lines of a dossier for this viewer, legs in the order given, measures in their order.

    `transport` says how far the request has come towards each requested party (a TransportState), where that is known.
    `calendars` decide what is overdue.
    """
    seen = [lapsed(leg, now) for leg in legs if viewer is None or leg.side_of(viewer) is not None]
    countries = [leg.requested[:2] for leg in seen]
    lines = []
    for leg in seen:
        label = leg.requested[:2] if countries.count(leg.requested[:2]) == 1 else leg.requested
        found: dict[StatusLine, list[str]] = {}
        for measure in leg.measures:
            for line in _lines_of(leg, measure, label, now, transport.get(leg.requested), holders, calendars):
                found.setdefault(line, []).append(measure.id)
        lines += [replace(line, measures=tuple(measures)) for line, measures in found.items()]
    return lines


def status_lines(
    legs: Iterable[Leg],
    viewer: str | None,
    now: datetime,
    transport: Mapping[str, str] = NO_TRANSPORT,
    holders: Mapping[str, Holder] = NO_HOLDERS,
) -> list[str]:
    """The same as text: `ES M2 · decision · waiting on ES.SGCJI · since 3 Nov · no legal limit; target 5 Dec
    (policy)`."""
    return [line_text(line, viewer, now) for line in status_of(legs, viewer, now, transport, holders)]


def line_text(line: StatusLine, viewer: str | None, now: datetime, _: Speech = ENGLISH, about: str = "") -> str:
    """One line of status, in English or as `_` says it. `about` are words on the message that it was asked in."""
    ended = ([_(line.outcome)] if line.outcome else []) + ([_("late result")] if line.late else [])
    ended += [about] if about else []
    parts = [f"{line.label} {compress(line.measures)}", _(line.phase) + (f" ({', '.join(ended)})" if ended else "")]
    if line.waiting_on is not None:
        parts.append(_("waiting on {party}", party=_waiting_text(line, viewer, _)))
    parts.append(_("since {day}", day=_.day(line.since, now)))
    if line.dues:
        texts = [_due_text(due, line.waiting_on, viewer, now, _) for due in line.dues]
        has_law = any(due.basis is DueBasis.law for due in line.dues)
        parts.append(_.listed(texts if has_law else [_("no legal limit"), *texts]))
        parts += [_("calendar {version}", version=version) for version in _calendars(line)]
    return " · ".join(parts)


def _calendars(line: StatusLine) -> list[str]:
    return sorted({one.calendar for one in line.dues if one.day is not None} - {UTC_DAYS})


def encode_line(line: StatusLine) -> dict[str, Any]:
    """The line as a JSON object: times as RFC 3339 UTC, everything else as it stands."""
    return {
        "requested": line.requested,
        "measures": list(line.measures),
        "state": line.state,
        "phase": line.phase,
        "waiting_on": line.waiting_on,
        "holder": line.holder,
        "holder_name": line.holder_name,
        "offline": line.offline,
        "outcome": line.outcome,
        "late": line.late,
        "asked_in": line.asked_in,
        "since": encode_time(line.since),
        "dues": [
            {
                "basis": str(due.basis),
                "due": None if due.due is None else encode_time(due.due),
                "source": due.source,
                "set_by": due.set_by,
                "overdue": due.overdue,
                "day": None if due.day is None else due.day.isoformat(),
                "calendar": due.calendar,
            }
            for due in line.dues
        ],
    }


def compress(measures: Iterable[str]) -> str:
    """`M1–M3, M5` for M1, M2, M3 and M5."""
    runs: list[list[int]] = []
    for number in sorted(measure_order(measure) for measure in measures):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"M{run[0]}" if len(run) == 1 else f"M{run[0]}–M{run[-1]}" for run in runs)


def _lines_of(
    leg: Leg,
    measure: Measure,
    label: str,
    now: datetime,
    transport: str | None,
    holders: Mapping[str, Holder],
    calendars: Calendars,
) -> list[StatusLine]:
    """The lines of one measure, without its id: the state's own, then those of clocks and queries that run beside
    it."""
    profile = profile_of(leg.profile)
    shown = shown_state(measure.state, transport)

    def beside(one: Obligation) -> StatusLine:
        return line(profile.owed[one.act], one.debtor, one.opened_at, [one], one.opened_by)

    def line(
        phase: str, debtor: str | None, since: datetime, owed: list[Obligation], asked_in: str | None = None
    ) -> StatusLine:
        held = leg.holder if debtor == leg.requested else None
        holder = None if held is None else holders.get(held)
        return StatusLine(
            requested=leg.requested,
            label=label,
            measures=(),
            state=shown,
            phase=phase,
            waiting_on=debtor,
            holder=held,
            holder_name=holder.name if holder else None,
            offline=holder.offline if holder else False,
            since=since,
            dues=tuple(_due(leg, one, now, calendars) for basis in _BASES for one in owed if one.basis is basis),
            outcome=measure.outcome if phase == CLOSED else None,
            late=measure.late,
            asked_in=asked_in,
        )

    if shown == "undelivered" != measure.state:  # by facts of transport, before anybody's message said so
        return [line("undelivered", leg.requesting, measure.since, [])]
    if transport is not None and shown in ("submitted", "transmitted"):
        return [line("transmission", EXCHANGE, measure.since, [])]
    state = profile.states[measure.state]
    open_now = [one for one in waiting_on(leg) if measure.id in one.measures]
    if state.turn is None:
        ended = line(measure.state, None, measure.since, [])
        return [ended, *map(beside, open_now)]
    owed = next((owed for owed in state.owes if any(one.act == owed for one in open_now)), None)
    lines = [
        line(
            state.name if owed is None else profile.owed[owed],
            None if state.turn is Side.exchange else leg.party(state.turn),
            measure.since,
            [one for one in open_now if one.act == owed],
        )
    ]
    of_states = {owed for every in profile.states.values() for owed in every.owes}
    others = [one for one in open_now if one.act not in state.owes]
    return lines + [beside(one) for one in others if one.basis is DueBasis.law or one.act not in of_states]


def _due(leg: Leg, owed: Obligation, now: datetime, calendars: Calendars) -> Due:
    due, calendar = falls_due(leg, owed, calendars), calendar_of(calendars, owed.debtor)
    return Due(
        basis=owed.basis,
        due=due,
        source=owed.source,
        set_by=set_by(leg, owed),
        overdue=is_overdue(leg, owed, now, calendars),
        day=None if due is None else calendar.local_day(due),
        calendar=calendar.version,
        by_hour=owed.due is not None and owed.due != end_of_day(owed.due.date()),
    )


def _waiting_text(line: StatusLine, viewer: str | None, _: Speech) -> str:
    party = _("the exchange") if line.waiting_on == EXCHANGE else str(line.waiting_on)
    who = _("{party} (you)", party=party) if line.waiting_on == viewer else party
    if line.holder is None:
        return who
    holder = line.holder_name or line.holder
    if line.offline:
        return _("{party} for {holder} (offline)", party=who, holder=holder)
    return _("{party} for {holder}", party=who, holder=holder)


def _due_text(due: Due, debtor: str | None, viewer: str | None, now: datetime, _: Speech) -> str:
    day = _("without date") if due.day is None else _.day(datetime.combine(due.day, NOON, tzinfo=UTC), now)
    if due.by_hour and due.due is not None:
        day = f"{_.day(due.due, now)} {due.due.astimezone(UTC):%H:%M} UTC"
    is_own, party = due.set_by == viewer, str(due.set_by)
    if due.basis is DueBasis.law:
        text = _("limit {day} ({source})", day=day, source=due.source)
    elif due.basis is DueBasis.deadline and due.set_by == debtor:
        text = _("your date {day}", day=day) if is_own else _("{party}'s date {day}", party=party, day=day)
    elif due.basis is DueBasis.deadline:
        text = _("your deadline {day}", day=day) if is_own else _("{party}'s deadline {day}", party=party, day=day)
    elif due.source == ESTIMATE:
        text = _("your estimate {day}", day=day) if is_own else _("{party}'s estimate {day}", party=party, day=day)
    else:
        text = _("target {day} (policy)", day=day)
    return _("{text}, passed", text=text) if due.overdue else text
