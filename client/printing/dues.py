"""What is owed because of a message, and by which day: counted as the exchange's clocks count it.

Pure. Rules:
1. What stands open on the legs of then, and nothing that was settled since.
2. A day is the debtor's, by the calendar that is named; a limit in hours is named with its instant as well.
3. Law, a party's own date and a target of the exchange are told apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from shared.domain.calendars import Calendars, calendar_of
from shared.domain.clocks import end_of_day
from shared.domain.leg import DueBasis, Leg
from shared.domain.obligations import falls_due
from shared.domain.profiles import profile_of


@dataclass(frozen=True, slots=True)
class PrintedDue:
    """`instant` is null for what is due on a day."""

    debtor: str
    owed: str
    day: date
    instant: datetime | None
    basis: DueBasis
    source: str
    calendar: str


def dues_of(legs: Iterable[Leg], message: str, calendars: Calendars) -> tuple[PrintedDue, ...]:
    """Of what this message opened, leg by leg, the earliest first."""
    found: list[tuple[datetime, PrintedDue]] = []
    for leg in legs:
        for one in leg.obligations:
            due = falls_due(leg, one, calendars)
            if one.opened_by != message or one.due is None or due is None or one.paused_at is not None:
                continue
            calendar = calendar_of(calendars, one.debtor)
            printed = PrintedDue(
                debtor=one.debtor,
                owed=profile_of(leg.profile).owed[one.act],
                day=calendar.local_day(due),
                instant=None if one.due == end_of_day(one.due.date()) else due,
                basis=one.basis,
                source=one.source,
                calendar=calendar.version,
            )
            found.append((due, printed))
    return tuple(dict.fromkeys(printed for _, printed in sorted(found, key=lambda one: (one[0], one[1].debtor))))
