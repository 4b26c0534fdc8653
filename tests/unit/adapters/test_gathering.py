"""Questions that come while others are on their way are asked together, and each caller gets its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from shared.adapters.gathering import Gathering


class Desk:
    """Answers with the double, when it is allowed to; remembers what it was asked together."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.open = asyncio.Event()

    async def answer(self, questions: Sequence[int]) -> list[int]:
        self.asked.append(list(questions))
        await self.open.wait()
        if 13 in questions:
            raise LookupError("13")
        return [2 * question for question in questions]


async def test_those_who_come_while_one_is_asked_go_together_next() -> None:
    desk = Desk()
    gathering = Gathering(desk.answer, most=3, at_once=1)
    first = asyncio.create_task(gathering.ask(1))
    await asyncio.sleep(0.01)
    others = [asyncio.create_task(gathering.ask(number)) for number in (2, 3, 4, 5)]
    await asyncio.sleep(0.01)
    assert desk.asked == [[1]]
    desk.open.set()
    assert [await task for task in (first, *others)] == [2, 4, 6, 8, 10]
    assert desk.asked == [[1], [2, 3, 4], [5]]


async def test_one_that_hangs_does_not_hold_up_the_next() -> None:
    desk = Desk()
    gathering = Gathering(desk.answer, most=1, at_once=2)
    tasks = [asyncio.create_task(gathering.ask(number)) for number in (1, 2, 3)]
    await asyncio.sleep(0.01)
    assert desk.asked == [[1], [2]]
    desk.open.set()
    assert [await task for task in tasks] == [2, 4, 6]


async def test_a_failure_is_told_to_those_whose_questions_failed_and_the_next_are_answered() -> None:
    desk = Desk()
    desk.open.set()
    gathering = Gathering(desk.answer, most=2, at_once=1)
    tasks = [asyncio.create_task(gathering.ask(number)) for number in (1, 13, 3)]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [LookupError, LookupError, int]


async def test_a_caller_that_goes_away_takes_no_answer_from_the_others() -> None:
    desk = Desk()
    gathering = Gathering(desk.answer, most=5, at_once=1)
    gone, stays = [asyncio.create_task(gathering.ask(number)) for number in (1, 2)]
    await asyncio.sleep(0.01)
    gone.cancel()
    desk.open.set()
    assert await stays == 4
    with pytest.raises(asyncio.CancelledError):
        await gone
