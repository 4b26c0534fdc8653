"""The pump when something beside the messages fails: nothing is lost or done twice, and pressure walks back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from shared.adapters.sql.embedded_bus import EmbeddedBus
from shared.adapters.sql.unit_of_work import SqlUnitsOfWork
from shared.contracts.topology import QUEUE_LIMIT
from shared.errors import LedgerForked, StoreUnavailable
from shared.ports.bus import Outcome, Outgoing
from shared.ports.unit_of_work import Effects, ParkedItem, UnitOfWork, UnitsOfWork
from shared.runtime.crash_points import Reach
from tests.conformance.stores import let_outbox_pass, rows_of
from tests.unit.runtime.workplace import (
    NEXT,
    SERVICE,
    Workplace,
    a_message,
    open_workplace,
    until,
)

WATCHED_S = 0.3
"""How long a test watches something that must not happen."""


class Outage:
    """Units of work on a database that can be down."""

    def __init__(self, units: SqlUnitsOfWork) -> None:
        self._units = units
        self.is_down = False
        self.refused = 0
        self.good_for: int | None = None
        """How many more units can begin before it goes down; None for any number."""

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        self._fail_if_down()
        async with self._units.begin() as unit:
            yield unit

    async def oldest_outbox_age_s(self) -> float:
        self._fail_if_down()
        return await self._units.oldest_outbox_age_s()

    async def list_due(self, most: int, now: datetime) -> list[ParkedItem]:
        self._fail_if_down()
        return await self._units.list_due(most, now)

    def begins_at(self, point: str) -> Reach:
        """It goes down when the pump first reaches this point."""
        points = iter([point])

        def reach(reached: str) -> None:
            if reached == point and next(points, None):
                self.is_down = True

        return reach

    def _fail_if_down(self) -> None:
        if self.good_for is not None:
            self.is_down = self.is_down or self.good_for == 0
            self.good_for = max(0, self.good_for - 1)
        if self.is_down:
            self.refused += 1
            raise StoreUnavailable(why="it is down")


def with_outage(place: Workplace) -> Outage:
    outage = Outage(place.units)
    units: UnitsOfWork = outage
    place.units = units  # type: ignore[assignment]  # the pump asks for the port
    place.settler._units = units
    return outage


# --- the database is down


async def test_frames_are_held_while_the_database_is_down_and_handled_once_after(place: Workplace) -> None:
    outage, messages = with_outage(place), [a_message() for _ in range(5)]
    place.reach = outage.begins_at("taken")
    async with place.running() as pump:
        await place.post(*(place.seal(message) for message in messages))
        await until(lambda: outage.refused > 20)
        assert pump.is_attached, "frames that are given back and taken again count as deliveries, and 20 are too many"
        assert await place.handled() == []
        assert await place.reasons() == []
        outage.is_down = False
        await until(lambda: _handled(place, len(messages)))
    assert sorted((await place.told()).values()) == sorted(message.message for message in messages)


async def test_a_pump_that_is_stopped_while_the_database_is_down_gives_its_frames_back(place: Workplace) -> None:
    outage, message = with_outage(place), a_message()
    place.reach = outage.begins_at("taken")
    async with place.running():
        await place.post(place.seal(message))
        await until(lambda: outage.refused > 3)
    outage.is_down = False
    assert await place.bus.depth(SERVICE) == 1
    await place.work_off()
    assert await place.handled() == [message.message]


async def test_a_database_that_goes_down_in_the_middle_of_a_broken_batch_doubles_nothing(place: Workplace) -> None:
    outage = with_outage(place)
    frames = [place.seal(a_message(), a_message("unwritable"), a_message("poison")), b"no frame"]
    outage.good_for = 3  # the batch, then the first of its messages, then the outage
    with pytest.raises(StoreUnavailable):
        await place.settler.settle(frames)
    outage.good_for, outage.is_down = None, False
    for _ in range(2):
        await place.settler.settle(frames[:1])
    await place.settler.settle(frames[1:])
    assert len(await place.handled()) == 1
    reasons = [reason.split(":")[0].split(" ")[0] for reason in await place.reasons()]
    assert sorted(reasons) == ["ValueError", "frame.refused", "store.refused"]


# --- the next queue is full


async def test_what_the_next_queue_refuses_waits_in_the_outbox_and_nothing_more_is_taken(place: Workplace) -> None:
    filling = [Outgoing(NEXT, b"filling")] * QUEUE_LIMIT
    assert await place.bus.publish(filling, 5) == [Outcome.confirmed] * QUEUE_LIMIT
    first, second = a_message(), a_message()
    await place.post(place.seal(first), place.seal(second))
    async with place.running():
        await until(lambda: _handled(place, 1))
        await asyncio.sleep(WATCHED_S)
        assert len(await place.handled()) == 1, "it goes on while its own rows are refused"
        assert len(await rows_of(place.store, f"{SERVICE}_outbox")) == 1
        async with place.bus.consume(NEXT, QUEUE_LIMIT) as consumer:
            await consumer.acknowledge(await consumer.take(QUEUE_LIMIT, 1))
        await until(lambda: _handled(place, 2))
        await until(lambda: _outbox_is_empty(place))
    assert sorted((await place.told()).values()) == sorted([first.message, second.message])


async def test_a_service_whose_outbox_is_overdue_takes_nothing_until_it_is_relayed(place: Workplace) -> None:
    await place.settler.settle([place.seal(a_message())])  # committed, and never published
    await let_outbox_pass(place.store, 15, SERVICE)
    await place.post(place.seal(a_message()))
    async with place.running():
        await asyncio.sleep(WATCHED_S)
        assert len(await place.handled()) == 1
        assert await place.relay().relay_once() == 1
        await until(lambda: _handled(place, 2))


# --- the bus is down


async def test_a_bus_that_comes_back_finds_the_pump_consuming_again(file: Path) -> None:
    async with open_workplace(file) as place:
        real, message = place.bus, a_message()
        await place.post(place.seal(message))
        closed = EmbeddedBus(place.store)
        await closed.close()
        place.bus = closed
        async with place.running() as pump:
            await asyncio.sleep(0.1)
            was_attached = pump.is_attached
            pump._bus = real
            await until(lambda: _handled(place, 1))
            assert (was_attached, pump.is_attached) == (False, True)
        assert not pump.is_attached


async def test_what_could_not_be_published_is_acknowledged_all_the_same_and_relayed_later(place: Workplace) -> None:
    message, real = a_message(), place.publisher
    lost = EmbeddedBus(place.store)
    await lost.close()
    place.publisher = place.publisher_on(lost, lost)
    await place.post(place.seal(message))
    async with place.running():
        await until(lambda: _handled(place, 1))
        await until(lambda: _queue_is_empty(place))
    assert await place.told() == {}
    place.publisher = real
    await let_outbox_pass(place.store, 11, SERVICE)
    assert await place.relay().relay_once() == 1
    assert list((await place.told()).values()) == [message.message]


# --- stopping


@pytest.mark.parametrize("point", ["taken", "claimed", "handled", "written", "committed", "published"])
async def test_a_batch_in_hand_is_finished_before_the_pump_stops(place: Workplace, point: str) -> None:
    stop, message = asyncio.Event(), a_message()
    place.reach = lambda reached: stop.set() if reached == point else None
    await place.post(place.seal(message), place.seal(a_message()))
    async with asyncio.timeout(10):
        await place.pump().run(stop)
    assert await place.handled() == [message.message]
    assert list((await place.told()).values()) == [message.message]
    assert await place.bus.depth(SERVICE) == 1, "the next frame is left to others"
    assert await rows_of(place.store, f"{SERVICE}_outbox") == []


async def test_a_fatal_error_stops_the_pump_and_leaves_the_message_where_it_was(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forked(*_: object) -> Effects:
        raise LedgerForked(why="for this test")

    message = a_message()
    await place.post(place.seal(message))
    with monkeypatch.context() as broken:
        broken.setattr(place.handler, "handle", forked)
        with pytest.raises(LedgerForked):
            await asyncio.wait_for(place.pump().run(asyncio.Event()), 10)
    assert await place.reasons() == []
    await place.work_off()
    assert await place.handled() == [message.message]


async def _handled(place: Workplace, count: int) -> bool:
    return len(await place.handled()) == count


async def _outbox_is_empty(place: Workplace) -> bool:
    return not await rows_of(place.store, f"{SERVICE}_outbox")


async def _queue_is_empty(place: Workplace) -> bool:
    return SERVICE not in {row.queue for row in await rows_of(place.store, "bus_message")}
