"""When the law, the parties' dates and the exchange's targets place each event, written down from the treaties again.

Nothing here comes from the program's profiles, clocks or calendars: zones are the machine's own, holidays are typed
again, and each scenario lists what must be heard, by whom, on what date. (k): from practice, not read at the source.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MADRID, PARIS, RABAT = ZoneInfo("Europe/Madrid"), ZoneInfo("Europe/Paris"), ZoneInfo("Africa/Casablanca")
DESK = {MADRID: time(9), PARIS: time(9), RABAT: time(8, 30)}
FREE: dict[ZoneInfo, set[str]] = {
    MADRID: {
        *("2026-12-06", "2026-12-08", "2026-12-25", "2027-01-01", "2027-01-06", "2027-03-26", "2027-05-01"),
        *("2027-08-15", "2027-10-12", "2027-11-01", "2027-12-06", "2027-12-08", "2027-12-25"),
    },
    PARIS: {
        *("2026-12-25", "2027-01-01", "2027-03-29", "2027-05-01", "2027-05-06", "2027-05-08", "2027-05-17"),
        *("2027-07-14", "2027-08-15", "2027-11-01", "2027-11-11", "2027-12-25"),
    },
    RABAT: {
        *("2026-11-18", "2027-01-01", "2027-01-11", "2027-01-14", "2027-03-10", "2027-03-11", "2027-05-01"),
        *("2027-05-17", "2027-05-18", "2027-06-06", "2027-07-30", "2027-08-14", "2027-08-15", "2027-08-20"),
        *("2027-08-21", "2027-10-31", "2027-11-06", "2027-11-18"),
    },
}
Heard = tuple[str, str, str, datetime]
"""Event, what is owed, why, when."""


def is_worked(zone: ZoneInfo, day: date) -> bool:
    return day.weekday() < 5 and day.isoformat() not in FREE[zone]


def midnight_after(zone: ZoneInfo, day: date) -> datetime:
    """The first second after this day there."""
    return datetime.combine(day + timedelta(days=1), time(0), tzinfo=zone).astimezone(UTC)


def law_day(zone: ZoneInfo, start: datetime, days: int) -> date:
    """Regulation 1182/71 art. 3: the day of the event does not count, and the last day is one that is worked."""
    return roll(zone, start.astimezone(zone).date() + timedelta(days=days))


def roll(zone: ZoneInfo, day: date) -> date:
    while not is_worked(zone, day):
        day += timedelta(days=1)
    return day


def around(owed: str, basis: str, zone: ZoneInfo, last: date, since: datetime, ends: bool = True) -> list[Heard]:
    """Reminders 7, 2 and 0 days before, on a day worked, and what is overdue once the day is over."""
    heard: list[Heard] = []
    for days in (7, 2, 0):
        day = last - timedelta(days=days)
        while not is_worked(zone, day):
            day -= timedelta(days=1)
        at = datetime.combine(day, DESK[zone], tzinfo=zone).astimezone(UTC)
        if at > since:
            heard.append((f"reminder-{days}", owed, basis, at))
    return [*heard, ("overdue", owed, basis, midnight_after(zone, last))] if ends else heard


def until(heard: list[Heard], at: datetime) -> list[Heard]:
    """What falls before somebody acts at this time."""
    return [one for one in heard if one[3] <= at]


def target(zone: ZoneInfo, start: datetime, days: int) -> date:
    """A target of the exchange: so many days, worked or not."""
    return start.astimezone(zone).date() + timedelta(days=days)


def silent(owed: str, zone: ZoneInfo, start: datetime, days: int) -> list[Heard]:
    """Reminders, then closed by silence: 23:59:59 UTC of the last day, in every zone."""
    day = start.date() + timedelta(days=days)
    closes = datetime.combine(day + timedelta(days=1), time(0), tzinfo=UTC)
    reminders = around(owed, "policy", zone, target(zone, start, days), start, ends=False)
    return [*[one for one in reminders if one[3] < closes], ("closed-by-silence", owed, "policy", closes)]


FETCHED_BY = {
    "routine": (timedelta(hours=24), timedelta(hours=36)),
    "urgent": (timedelta(hours=4), timedelta(hours=12)),
    "emergency": (timedelta(minutes=30), timedelta(hours=2)),
}
"""Policy: how long after its acceptance a message that lies in a mailbox is fetched; then a warning, then it failed."""
NO_LIMIT_BEFORE = {"routine": timedelta(hours=1), "urgent": timedelta(minutes=15), "emergency": timedelta(minutes=3)}


def unfetched(urgency: str, accepted: datetime, fetched: datetime | None) -> list[Heard]:
    """What is heard of a message that was delivered at once."""
    late, failed = (accepted + limit for limit in FETCHED_BY[urgency])
    heard = [("retrieval-late", "", "", late), ("non-retrieval", "", "", failed)]
    return [one for one in heard if fetched is None or fetched > one[3]]
