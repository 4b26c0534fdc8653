"""Calendars of countries: when a day ends there, which days nobody works, when a desk is open.

Rules:
1. A calendar is an entry of the signed registry of instruments and has a version in its name. What was counted by it
   can be counted again by the same entry: it holds the offsets of its zone itself, since every machine's list of zones
   is another one and Morocco's changes from year to year.
2. Where there is no entry for a country, days end at 23:59:59 UTC, every day is worked, and a desk is always open.
3. Beyond its last offset and its last holiday a calendar goes on with that offset and without holidays: the operators
   publish the next years in time.
Pure: no zone of this machine is asked for anything.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from shared.domain.header import Code
from shared.domain.id_fields import AuthorityId, Day, Moment

UTC_DAYS: Final = "utc.1"
"""The version of the calendar that counts where no other is published."""
MOST_MINUTES: Final = 14 * 60
"""The zone that is farthest from UTC."""
_DAYS_KEPT: Final = 8192
_LAST_SECOND: Final = time(23, 59, 59)
_A_DAY: Final = timedelta(days=1)


def _hour(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("not an hour")
    return datetime.strptime(value, "%H:%M").time()


Hour = Annotated[time, BeforeValidator(_hour)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Offset(_Entry):
    """`minutes` east of UTC, from this instant on."""

    since: Moment
    minutes: Annotated[int, Field(strict=True, ge=-MOST_MINUTES, le=MOST_MINUTES)]


class Calendar(_Entry):
    """One country. `weekend` counts Monday as 1. `zone` names the zone for people; the offsets count.

    `opens` and `closes` are the hours of ordinary desks, on working days. `desk` is the authority whose desk somebody
    attends at any hour, where the country has one.
    """

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    version: Code
    sample: bool
    zone: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    offsets: Annotated[tuple[Offset, ...], Field(min_length=1, max_length=200)]
    weekend: Annotated[tuple[Annotated[int, Field(strict=True, ge=1, le=7)], ...], Field(max_length=6)]
    holidays: Annotated[tuple[Day, ...], Field(max_length=1000)]
    opens: Hour
    closes: Hour
    desk: AuthorityId | None
    source: Annotated[str, StringConstraints(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        begins = [offset.since for offset in self.offsets]
        if begins != sorted(set(begins)):
            raise ValueError("its offsets do not follow each other")
        if len(set(self.weekend)) != len(self.weekend) or len(set(self.holidays)) != len(self.holidays):
            raise ValueError("a day of its weekend, or a holiday, stands twice")
        if self.opens >= self.closes:
            raise ValueError("its desks close before they open")
        if self.version == UTC_DAYS:
            raise ValueError(f"{UTC_DAYS} stands for countries without a calendar")
        return self

    def local_day(self, at: datetime) -> date:
        """The day that it is there at this instant."""
        return (at.astimezone(UTC) + self._offset(at)).date()

    def end_of(self, day: date) -> datetime:
        """The last second of this day there."""
        return self._instant(day, _LAST_SECOND)

    def opening(self, day: date) -> datetime:
        """When the desks open on this day, if they do."""
        return self._instant(day, self.opens)

    def is_worked(self, day: date) -> bool:
        return day.isoweekday() not in self.weekend and day not in self._holidays

    def next_worked(self, day: date) -> date:
        """This day, or the first one after it that is worked."""
        while not self.is_worked(day):
            day += _A_DAY
        return day

    def last_worked(self, day: date) -> date:
        """This day, or the last one before it that is worked."""
        while not self.is_worked(day):
            day -= _A_DAY
        return day

    def last_openings(self, due: datetime, before: tuple[timedelta, ...]) -> tuple[datetime, ...]:
        """When the desks open so long before the day of this instant, or on the last day before that that is worked."""
        found = self._openings.get((due, before))
        if found is None:
            if len(self._openings) >= _DAYS_KEPT:
                self._openings.clear()
            last = self.local_day(due)
            found = tuple(self.opening(self.last_worked(last - one)) for one in before)
            self._openings[due, before] = found
        return found

    def is_attended(self, at: datetime) -> bool:
        """Whether somebody is there at this instant: at the desk for any hour, or at the ordinary ones."""
        if self.desk is not None:
            return True
        there = at.astimezone(UTC) + self._offset(at)
        return self.is_worked(there.date()) and self.opens <= there.time() < self.closes

    @cached_property
    def _holidays(self) -> frozenset[date]:
        return frozenset(self.holidays)

    @cached_property
    def _shifts(self) -> tuple[list[datetime], list[timedelta]]:
        """When each offset begins, and how far it is."""
        return [one.since for one in self.offsets], [timedelta(minutes=one.minutes) for one in self.offsets]

    @cached_property
    def _instants(self) -> dict[tuple[date, time], datetime]:
        """Asked for each obligation of each message, and the same for all of a day."""
        return {}

    @cached_property
    def _openings(self) -> dict[tuple[datetime, tuple[timedelta, ...]], tuple[datetime, ...]]:
        """As for `_instants`."""
        return {}

    def _offset(self, at: datetime) -> timedelta:
        changes, shifts = self._shifts
        return shifts[max(0, bisect_right(changes, at) - 1)]

    def _instant(self, day: date, hour: time) -> datetime:
        """This hour on the clocks there; the later one where they show it twice."""
        found = self._instants.get((day, hour))
        if found is None:
            if len(self._instants) >= _DAYS_KEPT:
                self._instants.clear()
            found = self._instants[day, hour] = self._search(datetime.combine(day, hour, tzinfo=UTC))
        return found

    def _search(self, shown: datetime) -> datetime:
        for offset in reversed(self.offsets):
            instant = shown - timedelta(minutes=offset.minutes)
            if offset.since <= instant:
                return instant
        return shown - timedelta(minutes=self.offsets[0].minutes)


Calendars = Mapping[str, Calendar]
"""By country."""
NO_CALENDARS: Final[Calendars] = MappingProxyType({})
_EVERYWHERE: Final = Calendar.model_construct(
    country="ZZ",
    version=UTC_DAYS,
    sample=False,
    zone="UTC",
    offsets=(Offset.model_construct(since=datetime(1970, 1, 1, tzinfo=UTC), minutes=0),),
    weekend=(),
    holidays=(),
    opens=time(0),
    closes=time.max,
    desk=None,
    source="rule 2",
)


def calendar_of(calendars: Calendars, authority: str) -> Calendar:
    """The calendar by which this authority's days count."""
    return calendars.get(authority[:2], _EVERYWHERE)
