"""A process tells that it began and that it ended, bounded, and never in anybody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from typing_extensions import override

from shared.errors import ComityError, StoreRefused, StoreUnavailable
from shared.runtime.working_life import TRY_AGAIN_S, Work, WorkingLife
from tests.fakes import FakeClock

AFTER_S = 60.0
PATIENCE_S = 10.0


class HeldClock(FakeClock):
    """Sleepers wake when the test has let so much time pass."""

    @override
    async def sleep(self, seconds: float) -> None:
        until = self.monotonic() + seconds
        while self.monotonic() < until:
            await asyncio.sleep(0)


@dataclass
class Heard:
    """`fails` so many times before it hears."""

    fails: int = 0
    refusal: ComityError = field(default_factory=lambda: StoreUnavailable(why="it is down"))
    told: list[str] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)

    async def started(self, work: Work) -> None:
        await self._hear("started")
        self.works.append(work)

    async def stopped(self, work: Work, at: datetime) -> None:
        await self._hear("stopped")
        assert work == self.works[-1]
        assert at >= work.started_at

    async def _hear(self, what: str) -> None:
        if self.fails:
            self.fails -= 1
            raise self.refusal
        self.told.append(what)


@asynccontextmanager
async def working(heard: Heard, clock: FakeClock) -> AsyncIterator[None]:
    async with WorkingLife("routing", "A" * 43, heard, clock, AFTER_S).during():
        await some_turns()
        yield


async def some_turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_start_is_told_when_it_has_worked_for_its_time_and_the_end_after_the_work() -> None:
    heard, clock = Heard(), HeldClock()
    began = clock.now()
    async with working(heard, clock):
        clock.advance(AFTER_S - 1)
        await some_turns()
        assert heard.told == []
        clock.advance(1)
        await some_turns()
        assert heard.told == ["started"]
        [work] = heard.works
        assert (work.service, work.started_at, work.roster_sha256) == ("routing", began, "A" * 43)
    assert heard.told == ["started", "stopped"]


async def test_who_ends_before_its_time_tells_nothing_however_often_it_is_started() -> None:
    heard, clock = Heard(), HeldClock()
    for _ in range(100):
        async with working(heard, clock):
            clock.advance(AFTER_S - 1)
            await some_turns()
    assert heard.told == []


async def test_a_process_that_fails_tells_no_end() -> None:
    heard, clock = Heard(), HeldClock()

    async def work() -> None:
        async with working(heard, clock):
            clock.advance(AFTER_S)
            await some_turns()
            raise RuntimeError("the work broke")

    with pytest.raises(RuntimeError, match="the work broke"):
        await work()
    assert heard.told == ["started"]


async def test_the_work_goes_on_while_nobody_hears_and_the_start_is_told_later() -> None:
    heard, clock = Heard(fails=3), HeldClock()
    async with working(heard, clock):
        clock.advance(AFTER_S)
        for _ in range(3):
            await some_turns()
            assert heard.told == []
            clock.advance(TRY_AGAIN_S)
        await some_turns()
        assert heard.told == ["started"]


async def test_a_start_that_is_refused_for_good_is_not_tried_again_and_disturbs_nobody() -> None:
    heard, clock = Heard(fails=1, refusal=StoreRefused(why="no right to insert")), HeldClock()
    async with working(heard, clock):
        for _ in range(3):
            clock.advance(AFTER_S)
            await some_turns()
    assert heard.told == []


async def test_an_end_that_nobody_hears_keeps_nobody_waiting() -> None:
    heard, clock = Heard(), HeldClock()
    async with asyncio.timeout(PATIENCE_S), working(heard, clock):
        clock.advance(AFTER_S)
        await some_turns()
        heard.fails = 1
    assert heard.told == ["started"]


async def test_every_process_has_a_name_of_its_own() -> None:
    heard, clock = Heard(), HeldClock()
    for _ in range(2):
        async with working(heard, clock):
            clock.advance(AFTER_S)
            await some_turns()
    one, other = heard.works
    assert one.process != other.process
