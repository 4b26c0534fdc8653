"""Time limits of the law, and how a date becomes an instant.

Rules:
1. A clock is data with a version in its name; a leg keeps the name, so that a replay years later counts with the same
   clock.
2. Days are counted as Regulation (EEC, Euratom) No 1182/71 art. 3 does: the day of the event is not counted, and the
   period ends with the last hour of its last day. A leg keeps that day, as 23:59:59 UTC; when it ends where the debtor
   is, and whether it is worked there, is the calendar's (`clock_events.falls_due`).
3. The requester's deadline is a date, never the law; the exchange's targets are policy and stand in the profile.
4. The law's limit for a decision may be extended once, where it says by how many days: the debtor gives its estimate,
   and the limit moves there, no farther.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType

from shared.domain.profile_format import Condition, Sooner

NO_LIMIT = "none.1"
EIO = "eio.1"
POLICE = "2023-977.1"
EVIDENCE = "2023-1543.1"

DAYS_KEPT = 1024
"""Days whose last second is not made again: every date of every leg is asked for it."""

POLICE_DAYS = 7
POLICE_SOONER = (Sooner(8, Condition.if_urgent_and_direct), Sooner(72, Condition.if_urgent))
"""Directive (EU) 2023/977 art. 5(1) (k): limits where it binds, and targets of the profile where it does not."""


@dataclass(frozen=True, slots=True)
class Limit:
    """`days` after the event that opened the obligation, or the first of `sooner` that applies; `source` is the rule
    that says so."""

    days: int
    source: str
    sooner: tuple[Sooner, ...] = ()
    extension_days: int | None = None
    """By how many days at most it may be extended, once."""
    extended_by: str = ""
    """The rule that says so."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The law's limits by what is owed, and the kinds of message that suspend them; other pauses leave them running."""

    name: str
    limits: Mapping[str, Limit]
    suspended_by: frozenset[str] = frozenset()
    ends_on_working_day: bool = False
    """A period of days whose last day is not worked where the debtor is ends with the next one that is: Regulation
    1182/71 art. 3(4)."""


CLOCKS: Mapping[str, Clock] = MappingProxyType(
    {
        NO_LIMIT: Clock(NO_LIMIT, MappingProxyType({})),
        # The decision counts from the executing authority's own receipt: a `forward` opens it anew.
        EIO: Clock(
            EIO,
            MappingProxyType(
                {
                    "acknowledge": Limit(7, "Directive 2014/41/EU art. 16(1)"),
                    "decide": Limit(
                        30,
                        "Directive 2014/41/EU art. 12(3)",
                        (Sooner(24, Condition.if_provisional),),  # art. 32(2): where practicable
                        extension_days=30,
                        extended_by="art. 12(5)",
                    ),
                    "execute": Limit(90, "Directive 2014/41/EU art. 12(4)"),
                }
            ),
            suspended_by=frozenset({"postpone"}),  # art. 15: execution itself is put off (k)
            ends_on_working_day=True,
        ),
        POLICE: Clock(
            POLICE,
            MappingProxyType({"answer": Limit(POLICE_DAYS, "Directive (EU) 2023/977 art. 5(1) (k)", POLICE_SOONER)}),
            suspended_by=frozenset({"ask-information"}),  # art. 6(3) (k)
            ends_on_working_day=True,
        ),
        # A sample: production orders go to providers, and not to authorities. What is produced answers the order.
        EVIDENCE: Clock(
            EVIDENCE,
            MappingProxyType(
                {"decide": Limit(10, "Regulation (EU) 2023/1543 art. 10(3) (k)", (Sooner(8, Condition.in_emergency),))}
            ),
            ends_on_working_day=True,
        ),
    }
)


@lru_cache(maxsize=DAYS_KEPT)
def end_of_day(day: date) -> datetime:
    """The last second of this day, UTC."""
    return datetime.combine(day, time(23, 59, 59), tzinfo=UTC)


def due_after(start: datetime, days: int) -> datetime:
    """The end of a period of `days` days that an event at `start` sets going."""
    return end_of_day(start.astimezone(UTC).date() + timedelta(days=days))
