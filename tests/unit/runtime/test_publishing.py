"""The way onto the bus: frames, the relay, and the hints to waiting readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from shared.adapters.sql.embedded_bus import EmbeddedBus
from shared.contracts.messages import FeedAdvanced, RetrievalRecorded
from shared.contracts.registry import MODELS
from shared.contracts.topology import DESTINATION, QUEUE_LIMIT, WAKEUPS
from shared.domain.ids import new_uuid7
from shared.errors import Busy, StoreUnavailable
from shared.frame.items import Item
from shared.ports.bus import Outcome, Outgoing
from shared.ports.unit_of_work import Effects, OutboxRow, ParkedItem, UnitOfWork
from shared.runtime.feed_wakeups import FeedWakeups
from shared.runtime.publisher import Publisher
from shared.runtime.relay import RELAY_BATCH, Relay
from shared.runtime.sealed_rows import FRAME_BYTES, FRAME_ITEMS, gather_rows, item_of
from tests.conformance.rows import a_notice
from tests.conformance.stores import let_outbox_pass, rows_of
from tests.unit.frame.services import NOW, opener, sealer
from tests.unit.runtime.workplace import NEXT, PATIENCE_S, SERVICE, Workplace, a_message, an_item, until


def items(*texts: str) -> list[Item]:
    """Messages from the gateway to the service."""
    return [item_of(a_message(text), NOW) for text in texts]


def a_row() -> OutboxRow:
    [row] = gather_rows(items(""), NOW)
    return row


def from_gateway(place: Workplace) -> Publisher:
    return Publisher(place.bus, place.bus, sealer("gateway"), place.clock)


async def frames_in(place: Workplace, queue: str) -> list[bytes]:
    return [row.frame for row in await rows_of(place.store, "bus_message") if row.queue == queue]


async def items_in(place: Workplace, queue: str) -> list[list[Item]]:
    """The items of each waiting frame."""
    frames = await frames_in(place, queue)
    return [list(opener(queue).open(frame, queue, place.clock.now()).items) for frame in frames]


async def fill(place: Workplace, queue: str) -> None:
    filling = [Outgoing(queue, b"filling")] * QUEUE_LIMIT
    assert await place.bus.publish(filling, 5) == [Outcome.confirmed] * QUEUE_LIMIT


# --- frames


async def test_messages_travel_in_frames_of_at_most_twenty_in_their_order(place: Workplace) -> None:
    sent = items(*[""] * (2 * FRAME_ITEMS + 3))
    rows = gather_rows(sent, NOW)
    assert await from_gateway(place).publish(rows) == {row.id for row in rows}
    frames = await items_in(place, SERVICE)
    assert [len(together) for together in frames] == [FRAME_ITEMS, FRAME_ITEMS, 3]
    assert [item for together in frames for item in together] == sent


async def test_a_frame_grows_no_larger_than_its_limit_unless_one_message_alone_does(place: Workplace) -> None:
    third = "x" * (FRAME_BYTES // 3 + 1000)
    rows = gather_rows(items(*[third] * 4, "x" * (FRAME_BYTES + 1000), ""), NOW)
    assert await from_gateway(place).publish(rows) == {row.id for row in rows}
    assert [len(together) for together in await items_in(place, SERVICE)] == [2, 2, 1, 1]


async def test_each_message_goes_to_the_queue_of_its_type(place: Workplace) -> None:
    (one, other), to_next = items("", ""), item_of(a_notice(), NOW)
    rows = gather_rows([one, to_next, other], NOW)
    assert await from_gateway(place).publish(rows) == {row.id for row in rows}
    assert await items_in(place, SERVICE) == [[one, other]]
    assert len(await frames_in(place, NEXT)) == 1


async def test_a_row_is_sealed_anew_each_time_and_its_items_keep_their_ids(place: Workplace) -> None:
    row, publisher = a_row(), from_gateway(place)
    await publisher.publish([row])
    await publisher.publish([row])
    first, second = await frames_in(place, SERVICE)
    assert first != second
    assert await items_in(place, SERVICE) == [list(row.items)] * 2


async def test_rows_of_a_refused_frame_are_not_confirmed_and_those_of_others_are(place: Workplace) -> None:
    await fill(place, SERVICE)
    refused, [accepted] = a_row(), gather_rows([item_of(a_notice(), NOW)], NOW)
    assert await from_gateway(place).publish([refused, accepted]) == {accepted.id}


async def test_publishing_nothing_is_nothing(place: Workplace) -> None:
    assert await from_gateway(place).publish([]) == set()


async def test_a_submission_is_on_the_bus_when_it_returns(place: Workplace) -> None:
    message = a_message()
    await from_gateway(place).submit(message)
    await place.work_off()
    assert await place.handled() == [message.message]


async def test_a_submission_to_a_full_or_closed_bus_is_refused_and_not_kept(place: Workplace) -> None:
    await fill(place, SERVICE)
    with pytest.raises(Busy) as full:
        await from_gateway(place).submit(a_message())
    assert full.value.facts["retry_after_s"] == 2
    assert set(await frames_in(place, SERVICE)) == {b"filling"}
    closed = EmbeddedBus(place.store)
    await closed.close()
    with pytest.raises(Busy):
        await Publisher(closed, closed, sealer("gateway"), place.clock).submit(a_message())


# --- the relay


async def commit(place: Workplace, count: int) -> list[str]:
    """Outbox rows that nobody published, one for each message; the messages that they are about."""
    messages = [new_uuid7(NOW) for _ in range(count)]
    async with place.units.begin() as unit:
        for message in messages:
            await unit.write(Effects(publishes=[a_notice(message)]))
        await unit.commit()
    return sorted(messages)


async def test_the_relay_publishes_what_is_overdue_and_forgets_what_was_confirmed(place: Workplace) -> None:
    messages = await commit(place, 30)
    assert await place.relay().relay_once() == 0
    await let_outbox_pass(place.store, 11, SERVICE)
    assert await place.relay().relay_once() == 30
    assert sorted((await place.told()).values()) == messages
    assert await rows_of(place.store, f"{SERVICE}_outbox") == []


async def test_what_is_refused_stays_in_the_outbox_and_is_tried_again_ten_seconds_later(place: Workplace) -> None:
    await fill(place, NEXT)
    messages = await commit(place, 3)
    await let_outbox_pass(place.store, 11, SERVICE)
    assert await place.relay().relay_once() == 3
    assert await place.relay().relay_once() == 0
    assert len(await rows_of(place.store, f"{SERVICE}_outbox")) == 3
    async with place.bus.consume(NEXT, QUEUE_LIMIT) as consumer:
        await consumer.acknowledge(await consumer.take(QUEUE_LIMIT, 1))
    await let_outbox_pass(place.store, 11, SERVICE)
    assert await place.relay().relay_once() == 3
    assert sorted((await place.told()).values()) == messages


async def test_a_relay_at_work_takes_batch_after_batch_and_outlives_the_database(place: Workplace) -> None:
    messages = await commit(place, RELAY_BATCH + 10)
    await let_outbox_pass(place.store, 11, SERVICE)
    outages = iter([True, True, False])

    class Sometimes:
        @asynccontextmanager
        async def begin(self) -> AsyncIterator[UnitOfWork]:
            if next(outages, False):
                raise StoreUnavailable(why="it is down")
            async with place.units.begin() as unit:
                yield unit

        async def oldest_outbox_age_s(self) -> float:
            return await place.units.oldest_outbox_age_s()

        async def list_due(self, most: int, now: datetime) -> list[ParkedItem]:
            return await place.units.list_due(most, now)

    stop = asyncio.Event()
    relaying = asyncio.create_task(Relay(Sometimes(), place.publisher, place.clock).run(stop))
    told: list[str] = []

    async def all_told() -> bool:
        told.extend((await place.told()).values())
        return sorted(told) == messages

    await until(all_told)
    stop.set()
    await relaying


async def test_a_row_that_this_program_cannot_read_stays_and_keeps_nobody_waiting(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer program wrote it, and was taken back."""
    from_the_future = type("FromTheFuture", (RetrievalRecorded,), {"TYPE": "from-the-future"})
    with monkeypatch.context() as newer:
        newer.setitem(MODELS, ("from-the-future", 1), from_the_future)
        newer.setitem(DESTINATION, from_the_future, NEXT)
        async with place.units.begin() as unit:
            await unit.write(Effects(publishes=[from_the_future(**a_notice().model_dump())]))
            await unit.commit()
    messages = await commit(place, 2)
    await let_outbox_pass(place.store, 11, SERVICE)
    await place.relay().relay_once()
    assert sorted((await place.told()).values()) == messages
    assert len(await rows_of(place.store, f"{SERVICE}_outbox")) == 1
    assert await place.reasons() == []
    monkeypatch.setitem(MODELS, ("from-the-future", 1), from_the_future)
    monkeypatch.setitem(DESTINATION, from_the_future, NEXT)
    await let_outbox_pass(place.store, 11, SERVICE)
    assert await place.relay().relay_once() == 1
    assert await rows_of(place.store, f"{SERVICE}_outbox") == []


# --- hints


@asynccontextmanager
async def listening(place: Workplace) -> AsyncIterator[FeedWakeups]:
    wakeups = FeedWakeups(place.bus, opener("gateway"), place.clock)
    running = asyncio.create_task(wakeups.run())
    await asyncio.sleep(0)
    yield wakeups
    running.cancel()
    await asyncio.wait([running])


async def assert_woken(
    wakeups: FeedWakeups, authorities: Sequence[str], announce: Awaitable[None], woken: Sequence[str]
) -> None:
    """Of those that wait, these are woken, and within a moment nobody else."""
    waiting = {authority: asyncio.create_task(wakeups.wait(authority, 60.0)) for authority in authorities}
    await asyncio.sleep(0)
    await announce
    async with asyncio.timeout(PATIENCE_S):
        for authority in woken:
            await waiting[authority]
    _, asleep = await asyncio.wait(waiting.values(), timeout=0.3)
    assert asleep == {task for authority, task in waiting.items() if authority not in woken}
    for task in asleep:
        task.cancel()


async def test_who_waits_on_a_feed_is_woken_when_it_advanced_and_nobody_else(place: Workplace) -> None:
    notification = Publisher(place.bus, place.bus, sealer("notification"), place.clock)
    async with listening(place) as wakeups:
        waking = notification.wake({"MA.PGR", "BE.PF"})
        await assert_woken(wakeups, ["BE.PF", "FR.BEPI", "MA.PGR"], waking, ["BE.PF", "MA.PGR"])


async def test_a_hint_that_is_no_authentic_one_wakes_nobody_and_ends_nothing(place: Workplace) -> None:
    notification = Publisher(place.bus, place.bus, sealer("notification"), place.clock)
    forged = sealer("intake").seal(WAKEUPS, [an_item(FeedAdvanced(authorities=("MA.PGR",)))], place.clock.now())

    async def announce() -> None:
        for hint in (b"noise", forged):
            await place.bus.announce(hint)

    async with listening(place) as wakeups:
        await assert_woken(wakeups, ["MA.PGR"], announce(), [])
        await assert_woken(wakeups, ["MA.PGR"], notification.wake({"MA.PGR"}), ["MA.PGR"])


async def test_waking_nobody_says_nothing(place: Workplace) -> None:
    async with place.bus.listen() as listener:
        await place.publisher.wake(set())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(listener.next(), 0.1)
