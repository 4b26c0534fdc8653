"""Killed between any two durable steps, the service finds one effect of each message after its restart.

Here the end of the process is played by an exception that nothing catches; `tests/faults` kills real processes.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from shared.runtime.crash_points import PUMP_POINTS, RELAY_POINTS
from tests.conformance.stores import let_outbox_pass, rows_of
from tests.unit.runtime.workplace import (
    READY_AFTER,
    SERVICE,
    Killed,
    Workplace,
    a_message,
    dying_at,
    open_workplace,
    until,
)

SETTLING_POINTS = tuple(point for point in PUMP_POINTS if point in ("claimed", "handled", "written", "committed"))


async def recover(place: Workplace) -> None:
    """What a process does after its start, ten seconds later."""
    await place.work_off()
    await let_outbox_pass(place.store, 11, SERVICE)
    await place.relay().relay_once()


@pytest.mark.parametrize("point", PUMP_POINTS)
async def test_a_pump_that_dies_at_any_point_leaves_one_effect_of_each_message(file: Path, point: str) -> None:
    messages, poisoned = [a_message(), a_message()], a_message("poison")
    async with open_workplace(file, dying_at(point)) as place:
        await place.post(place.seal(messages[0], poisoned, messages[1]))
        with pytest.raises(Killed):
            await asyncio.wait_for(place.pump().run(asyncio.Event()), 10)
    async with open_workplace(file) as place:
        await recover(place)
        ids = sorted(message.message for message in messages)
        assert await place.handled() == ids
        assert sorted((await place.told()).values()) == ids, "told once, or more often under the same item id"
        assert len(await place.reasons()) == 1


@pytest.mark.parametrize("point", PUMP_POINTS)
async def test_a_pump_that_dies_every_time_gets_no_further_and_loses_nothing(file: Path, point: str) -> None:
    message = a_message()
    async with open_workplace(file) as place:
        await place.post(place.seal(message))
    for _ in range(4):
        async with open_workplace(file, dying_at(point)) as place:
            stop = asyncio.Event()
            pumping = asyncio.create_task(place.pump().run(stop))
            await until(partial(_died_or_has_nothing, place, pumping))  # after "acknowledged" nothing comes any more
            stop.set()
            await asyncio.wait([pumping])
            died = isinstance(pumping.exception(), Killed)
            assert died or not await place.bus.depth(SERVICE)
    async with open_workplace(file) as place:
        await recover(place)
        assert await place.handled() == [message.message]
        assert list((await place.told()).values()) == [message.message]


@pytest.mark.parametrize("point", SETTLING_POINTS)
async def test_a_parked_message_survives_the_death_of_who_takes_it_up(file: Path, point: str) -> None:
    message = a_message("later")
    async with open_workplace(file) as place:
        await place.settler.settle([place.seal(message)])
    async with open_workplace(file, dying_at(point)) as place:
        place.clock.advance(READY_AFTER.total_seconds() + 1)
        with pytest.raises(Killed):
            await place.settler.settle_due()
    async with open_workplace(file) as place:
        place.clock.advance(READY_AFTER.total_seconds() + 1)
        await place.settler.settle_due()
        await recover(place)
        assert await place.handled() == [message.message]
        assert list((await place.told()).values()) == [message.message]
        assert await rows_of(place.store, f"{SERVICE}_parked") == []


@pytest.mark.parametrize("point", RELAY_POINTS)
async def test_a_relay_that_dies_leaves_its_rows_to_the_next(file: Path, point: str) -> None:
    message = a_message()
    async with open_workplace(file, dying_at(point)) as place:
        await place.settler.settle([place.seal(message)])
        await let_outbox_pass(place.store, 11, SERVICE)
        with pytest.raises(Killed):
            await place.relay().relay_once()
    async with open_workplace(file) as place:
        assert await place.relay().relay_once() == 0, "not before another ten seconds"
        await let_outbox_pass(place.store, 11, SERVICE)
        assert await place.relay().relay_once() == 1
        assert list((await place.told()).values()) == [message.message]
        assert await rows_of(place.store, f"{SERVICE}_outbox") == []


async def test_every_point_is_reached_by_a_message_on_its_way(place: Workplace) -> None:
    reached: list[str] = []
    place.reach = reached.append
    await place.post(place.seal(a_message()))
    async with place.running():
        await until(lambda: "acknowledged" in reached)
    assert tuple(reached[: len(PUMP_POINTS)]) == PUMP_POINTS
    await place.settler.settle([place.seal(a_message())])
    await let_outbox_pass(place.store, 11, SERVICE)
    reached.clear()
    await place.relay().relay_once()
    assert tuple(reached) == RELAY_POINTS


async def _died_or_has_nothing(place: Workplace, pumping: asyncio.Task[None]) -> bool:
    return pumping.done() or await place.bus.depth(SERVICE) == 0
