"""The machine's clock, and the one that tests set."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.clock import SystemClock
from shared.ports.clock import Clock
from tests.fakes import START, FakeClock


async def test_the_system_clock_is_in_utc_and_moves_on() -> None:
    clock: Clock = SystemClock()
    before, began = clock.now(), clock.monotonic()
    await clock.sleep(0.001)
    assert before.utcoffset() == timedelta(0)
    assert clock.now() > before
    assert clock.monotonic() > began


async def test_the_fake_clock_stands_still_until_somebody_sleeps() -> None:
    clock: Clock = FakeClock()
    assert (clock.now(), clock.monotonic()) == (START, 0.0)
    await clock.sleep(90)
    assert (clock.now(), clock.monotonic()) == (START + timedelta(seconds=90), 90.0)


def test_setting_the_wall_clock_does_not_touch_what_was_measured() -> None:
    clock = FakeClock()
    clock.advance(5)
    clock.jump(datetime(2020, 1, 1, tzinfo=UTC))
    assert (clock.now(), clock.monotonic()) == (datetime(2020, 1, 1, tzinfo=UTC), 5.0)


def test_time_does_not_go_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        FakeClock().advance(-1)
