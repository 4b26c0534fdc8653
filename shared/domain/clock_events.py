"""What clocks say on a leg, and when: reminders, what is overdue, what silence closed, who must be called at once.

A pure function of the leg (the fold of its messages), the calendars and the present time. Rules:
1. An open obligation with a date reminds its debtor 7, 2 and 0 days before: at the opening of the desks on the last
   day worked there that is not later. One second after its last second it is overdue, and all parties hear of it.
2. A state that closes by silence closes instead (`silence.py`), one second after the last date of what it waits for.
3. A leg opened as an emergency calls the requested party's desk one second after it arrived, and the country's desk for
   any hour where there is one. Nobody has acted on it 30 minutes later, or nobody is there at that hour: the desk is
   unattended, and the requesting party must hear it. So it is again for a holder that it is handed to. A retrieval is
   no act: a machine makes it.
4. Each is struck once. What would have come before the leg last moved is not made up for: the date that would have
   asked for it was not known then, or was over.
5. What a pause holds up has no date. What it resumes has a new one, with its own reminders.
6. An event names the version of the calendar that it was counted by. When calendars change, what was struck stands;
   what was not is counted anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from shared.domain.calendars import Calendar, Calendars, calendar_of
from shared.domain.header import Urgency
from shared.domain.ids import encode_time, parse_time
from shared.domain.leg import Leg, Obligation, measure_order
from shared.domain.obligations import falls_due
from shared.domain.profile_data.fragments import NEW
from shared.domain.profile_format import Side
from shared.domain.profiles import profile_of
from shared.domain.silence import silent_since

REMINDERS: Final = {f"reminder-{days}": timedelta(days=days) for days in (7, 2, 0)}
_REMINDED_BEFORE: Final = tuple(REMINDERS.values())
AFTERWARDS: Final = timedelta(seconds=1)
UNATTENDED_AFTER: Final = timedelta(minutes=30)
OVERDUE: Final = "overdue"
SILENCE: Final = "closed-by-silence"
DESK_CALLED: Final = "desk-called"
DESK_UNATTENDED: Final = "desk-unattended"
EVENTS: Final = (*REMINDERS, OVERDUE, SILENCE, DESK_CALLED, DESK_UNATTENDED)


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """`event` fell at `falls`, by the law or by policy as `basis` says; who was to act is `debtor`.

    `due` is the last second for what is `owed`; both and `basis` are null for a call of a desk. `message` opened what
    is owed, or holds what is asked for. `calendar` is the version that was counted by; `tell` are who must hear of it.
    """

    event: str
    falls: datetime
    dossier: str
    leg: str
    message: str
    debtor: str
    measures: tuple[str, ...]
    owed: str | None
    basis: str | None
    due: datetime | None
    calendar: str
    tell: tuple[str, ...]
    of: tuple[str, datetime]
    """What tells it from others that say the same: whose it is, and the date that no calendar moves."""

    @property
    def key(self) -> str:
        """By which it is struck once: the same under every calendar."""
        whose, nominal = self.of
        return " ".join((self.event, self.owed or "-", self.basis or "-", encode_time(nominal), whose))

    def encode(self) -> dict[str, Any]:
        """As the ledger has it: what does not apply is absent."""
        fields = {
            "message": self.message,
            "dossier": self.dossier,
            "leg": self.leg,
            "event": self.event,
            "falls": encode_time(self.falls),
            "debtor": self.debtor,
            "measures": list(self.measures),
            "owed": self.owed,
            "basis": self.basis,
            "due": None if self.due is None else encode_time(self.due),
            "calendar": self.calendar,
        }
        return {name: value for name, value in fields.items() if value is not None}


_Fall = tuple[datetime, Callable[[], ClockEvent]]
"""When an event falls, and what makes it: most are asked for their time alone."""


@dataclass(frozen=True, slots=True)
class Struck:
    """What has been struck on a leg: nothing of before `since`, when it last moved, is struck any more."""

    since: datetime
    keys: tuple[str, ...] = ()

    def encode(self) -> dict[str, Any]:
        return {"since": encode_time(self.since), "keys": list(self.keys)}


def parse_struck(document: Any) -> Struck:
    """As `Struck.encode` made it. Raises ValueError."""
    try:
        return Struck(parse_time(document["since"]), tuple(map(str, document["keys"])))
    except (KeyError, TypeError) as broken:
        raise ValueError(f"it does not say what was struck: {broken}") from None


def due_events(leg: Leg, struck: Struck, calendars: Calendars, now: datetime) -> list[ClockEvent]:
    """What is to be struck on the leg by now, in order."""
    due = _open_events(leg, struck, calendars, until=now)
    return sorted(due, key=lambda one: (one.falls, one.key))


def next_fall(leg: Leg, struck: Struck, calendars: Calendars) -> datetime | None:
    """When the next event falls, or fell; None when there is none until the leg moves."""
    if struck.keys:
        return min((one.falls for one in _open_events(leg, struck, calendars)), default=None)
    return min((falls for falls, _ in _falls(leg, calendars) if falls > struck.since), default=None)


def with_struck(struck: Struck, events: Iterable[ClockEvent]) -> Struck:
    return replace(struck, keys=(*struck.keys, *(one.key for one in events)))


def moved(leg: Leg, struck: Struck, calendars: Calendars, at: datetime) -> Struck:
    """After the leg moved at `at`, everything until then having been struck. Only what could come again is kept."""
    if not struck.keys:
        return Struck(at)
    possible = {one.key for one in events_of(leg, calendars)}
    return Struck(at, tuple(key for key in struck.keys if key in possible))


def events_of(leg: Leg, calendars: Calendars) -> Iterator[ClockEvent]:
    """Everything that clocks will say, or said, on the leg as it stands, if nobody moves it."""
    return (make() for _, make in _falls(leg, calendars))


def _falls(leg: Leg, calendars: Calendars) -> Iterator[_Fall]:
    closing = _silent(leg)
    yield from _of_silence(leg, closing, calendars)
    yield from _of_desks(leg, calendars)
    profile = profile_of(leg.profile)
    silences = {one.id: profile.states[one.state].silence for one in leg.measures}
    for obligation in leg.obligations:
        if obligation.paused_at is None and obligation.due is not None:
            closed_by_it = {measure for measure, owed in silences.items() if owed == obligation.act}
            ended_by = {} if obligation.act in profile.duties else closing
            yield from _of_obligation(leg, obligation, closed_by_it, ended_by, calendars)


def _open_events(leg: Leg, struck: Struck, calendars: Calendars, until: datetime | None = None) -> Iterator[ClockEvent]:
    since, keys = struck.since, struck.keys
    made = (make() for falls, make in _falls(leg, calendars) if falls > since and (until is None or falls <= until))
    return (one for one in made if not (keys and one.key in keys))


def _silent(leg: Leg) -> dict[str, datetime]:
    """Measure → when silence closes it."""
    profile = profile_of(leg.profile)
    found = {measure.id: silent_since(leg, measure, profile) for measure in leg.measures}
    return {measure: at for measure, at in found.items() if at is not None}


def _of_silence(leg: Leg, closing: dict[str, datetime], calendars: Calendars) -> Iterator[_Fall]:
    profile = profile_of(leg.profile)
    groups: dict[tuple[datetime, str, str], list[str]] = {}
    for measure in leg.measures:
        if measure.id in closing:
            state = profile.states[measure.state]
            debtor = leg.party(state.turn or Side.requesting)
            groups.setdefault((closing[measure.id], str(state.silence), debtor), []).append(measure.id)
    for (at, owed, debtor), measures in groups.items():
        opened = [
            one for one in leg.obligations if one.act == owed and one.due == at and set(measures) & {*one.measures}
        ]
        source = opened[0]
        falls = at + AFTERWARDS
        make = partial(
            ClockEvent,
            event=SILENCE,
            falls=falls,
            dossier=leg.dossier,
            leg=leg.requested,
            message=source.opened_by,
            debtor=debtor,
            measures=_in_order(measures),
            owed=owed,
            basis=str(source.basis),
            due=at,
            calendar=calendar_of({}, debtor).version,  # silence is the profile's, and counts in UTC
            tell=leg.parties,
            of=(source.opened_by, at),
        )
        yield falls, make


def _of_desks(leg: Leg, calendars: Calendars) -> Iterator[_Fall]:
    if leg.urgency is not Urgency.emergency:
        return
    debtor = leg.party(Side.requested)
    calendar = calendar_of(calendars, debtor)
    desk = () if calendar.desk in (None, *leg.parties) else (str(calendar.desk),)
    arrivals: dict[datetime, list[str]] = {}
    for measure in leg.measures:
        if measure.state in NEW:
            arrivals.setdefault(measure.since, []).append(measure.id)
    for since, measures in arrivals.items():
        soon = since + AFTERWARDS
        unattended = since + UNATTENDED_AFTER if calendar.is_attended(since) else soon
        for event, falls, tell in (
            (DESK_CALLED, soon, (debtor, *desk)),
            (DESK_UNATTENDED, unattended, (*leg.parties, *desk)),
        ):
            make = partial(
                ClockEvent,
                event=event,
                falls=falls,
                dossier=leg.dossier,
                leg=leg.requested,
                message=leg.original,
                debtor=debtor,
                measures=_in_order(measures),
                owed=None,
                basis=None,
                due=None,
                calendar=calendar.version,
                tell=tell,
                of=(debtor, since),
            )
            yield falls, make


def _of_obligation(
    leg: Leg, obligation: Obligation, closes: set[str], ended_by: dict[str, datetime], calendars: Calendars
) -> Iterator[_Fall]:
    """`closes` are the measures that its passing closes; `ended_by` says when silence ends it for a measure."""
    due = falls_due(leg, obligation, calendars)
    if due is None:
        return
    calendar = calendar_of(calendars, obligation.debtor)
    openings = zip(REMINDERS, calendar.last_openings(due, _REMINDED_BEFORE), strict=True)
    falling = [(event, falls) for event, falls in openings if obligation.opened_at < falls <= due]
    falling.append((OVERDUE, max(due, obligation.opened_at) + AFTERWARDS))
    for event, falls in falling:
        measures: Iterable[str] = obligation.measures
        if closes or ended_by:
            measures = [
                one
                for one in measures
                if not (event == OVERDUE and one in closes) and (one not in ended_by or falls <= ended_by[one])
            ]
        if measures:
            yield falls, partial(_event_of, leg, obligation, event, falls, measures, due, calendar)


def _event_of(
    leg: Leg,
    obligation: Obligation,
    event: str,
    falls: datetime,
    measures: Iterable[str],
    due: datetime,
    calendar: Calendar,
) -> ClockEvent:
    return ClockEvent(
        event=event,
        falls=falls,
        dossier=leg.dossier,
        leg=leg.requested,
        message=obligation.opened_by,
        debtor=obligation.debtor,
        measures=_in_order(measures),
        owed=obligation.act,
        basis=str(obligation.basis),
        due=due,
        calendar=calendar.version,
        tell=leg.parties if event == OVERDUE else (obligation.debtor,),
        of=(obligation.opened_by, obligation.due or due),
    )


def _in_order(measures: Iterable[str]) -> tuple[str, ...]:
    named = tuple(measures)
    return named if len(named) == 1 else tuple(sorted(named, key=measure_order))
