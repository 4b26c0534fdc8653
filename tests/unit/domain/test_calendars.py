"""When a day ends where somebody is, which days are worked, when somebody is there."""

from __future__ import annotations

import json
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.domain.calendars import NO_CALENDARS, calendar_of
from shared.domain.instruments import Registry, calendars_of, parse_registry
from shared.errors import InstrumentsInvalid
from tests.unit.domain.calendars import SPAIN, a_calendar, day, utc

SAMPLE = (Path(__file__).parents[3] / "deploy/samples/instruments.json").read_bytes()


def test_a_day_ends_at_midnight_there_in_winter_and_in_summer() -> None:
    assert a_calendar().end_of(day("2026-12-01")) == utc("2026-12-01 22:59:59")
    assert a_calendar().end_of(day("2026-07-01")) == utc("2026-07-01 21:59:59")


def test_on_the_day_of_a_change_each_hour_has_its_own_offset() -> None:
    assert a_calendar().opening(day("2026-03-29")) == utc("2026-03-29 07:00")
    assert a_calendar().end_of(day("2026-03-28")) == utc("2026-03-28 22:59:59")
    assert a_calendar().local_day(utc("2026-03-29 22:30")) == day("2026-03-30")
    assert a_calendar().local_day(utc("2026-11-01 22:30")) == day("2026-11-01")


def test_before_its_first_offset_and_after_its_last_a_calendar_goes_on() -> None:
    assert a_calendar().end_of(day("2020-07-01")) == utc("2020-07-01 22:59:59")
    assert a_calendar().end_of(day("2040-07-01")) == utc("2040-07-01 22:59:59")


def test_weekends_and_holidays_are_not_worked() -> None:
    spain = a_calendar()
    assert [spain.is_worked(day(f"2026-12-0{n}")) for n in range(3, 10)] == [1, 1, 0, 0, 0, 0, 1]
    assert spain.next_worked(day("2026-12-05")) == day("2026-12-09")
    assert spain.last_worked(day("2026-12-08")) == day("2026-12-04")
    assert spain.next_worked(day("2026-12-09")) == spain.last_worked(day("2026-12-09")) == day("2026-12-09")


def test_a_weekend_is_where_the_calendar_says() -> None:
    assert a_calendar(weekend=[5, 6]).next_worked(day("2026-12-11")) == day("2026-12-13")


def test_a_desk_is_attended_in_its_hours_and_one_for_any_hour_always() -> None:
    spain = a_calendar()
    assert spain.is_attended(utc("2026-12-09 08:00"))
    assert not spain.is_attended(utc("2026-12-09 07:59"))
    assert not spain.is_attended(utc("2026-12-09 14:00"))
    assert not spain.is_attended(utc("2026-12-08 10:00"))
    assert a_calendar(desk="ES.SGCJI").is_attended(utc("2026-12-08 03:00"))


def test_a_country_without_a_calendar_counts_in_utc_and_is_always_open() -> None:
    nowhere = calendar_of(NO_CALENDARS, "BR.MJSP")
    assert nowhere.version == "utc.1"
    assert nowhere.end_of(day("2026-12-25")) == utc("2026-12-25 23:59:59")
    assert nowhere.next_worked(day("2026-12-26")) == day("2026-12-26")
    assert nowhere.is_attended(utc("2026-12-25 23:59:59"))
    assert calendars_of(None) == {}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"offsets": []}, "at least 1"),
        ({"offsets": SPAIN["offsets"][::-1]}, "do not follow"),
        ({"offsets": [{"since": "2026-01-01T00:00:00Z", "minutes": 900}]}, "less than or equal"),
        ({"weekend": [1, 2, 3, 4, 5, 6, 7]}, "at most 6"),
        ({"weekend": [6, 6]}, "stands twice"),
        ({"holidays": ["2026-12-25", "2026-12-25"]}, "stands twice"),
        ({"holidays": ["25.12.2026"]}, "isoformat"),
        ({"opens": "15:00"}, "close before"),
        ({"opens": "9"}, "does not match"),
        ({"version": "utc.1"}, "without a calendar"),
        ({"desk": "the desk"}, "pattern"),
        ({"more": 1}, "not permitted"),
    ],
)
def test_a_calendar_that_says_nonsense_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        a_calendar(**changes)


def test_a_country_has_one_calendar_in_the_registry() -> None:
    registry = json.loads(SAMPLE)
    registry["calendars"].append(registry["calendars"][0] | {"version": "another.1"})
    with pytest.raises(InstrumentsInvalid, match="two calendars"):
        parse_registry(json.dumps(registry).encode())


def test_a_registry_without_calendars_is_one() -> None:
    registry = json.loads(SAMPLE)
    del registry["calendars"]
    assert parse_registry(json.dumps(registry).encode()).calendars == ()


def _sample() -> Registry:
    return parse_registry(SAMPLE)


@pytest.mark.parametrize("country", ["FR", "BE", "ES"])
@given(moment=st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC)))
def test_the_samples_days_are_those_of_the_zone_that_they_name(country: str, moment: datetime) -> None:
    calendar = calendars_of(_sample())[country]
    zone = zoneinfo.ZoneInfo(calendar.zone)
    assert calendar.local_day(moment) == moment.astimezone(zone).date()
    last = calendar.end_of(moment.date()).astimezone(zone)
    assert (last.date(), last.hour, last.minute, last.second) == (moment.date(), 23, 59, 59)
    assert (last + timedelta(seconds=1)).astimezone(zone).date() == moment.date() + timedelta(days=1)
