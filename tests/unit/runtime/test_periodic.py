"""What is done again and again pauses in between, goes on at once where there is more, and outlives what is down."""

from __future__ import annotations

import asyncio

import pytest

from shared.errors import Fatal, StoreUnavailable
from shared.runtime.periodic import repeat
from tests.fakes import FakeClock


async def test_it_is_done_at_once_and_after_each_pause_and_soon_where_there_is_more() -> None:
    clock, stop, at = FakeClock(), asyncio.Event(), list[float]()

    async def work() -> bool:
        at.append(clock.monotonic())
        if len(at) == 2:
            raise StoreUnavailable(why="down")
        if len(at) == 5:
            stop.set()
        return len(at) == 3

    await repeat(work, 60, clock, stop, "work.waits")
    assert at == [0, 60, 120, 121, 181]


async def test_what_is_not_down_for_now_ends_it() -> None:
    async def work() -> None:
        raise Fatal(why="a test")

    with pytest.raises(Fatal):
        await repeat(work, 60, FakeClock(), asyncio.Event(), "work.waits")
