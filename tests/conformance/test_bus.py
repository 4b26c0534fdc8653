"""What every bus promises of publishing and taking (`shared/ports/bus.py`), on RabbitMQ and on the embedded queues."""

import asyncio
import secrets
import time
from collections import Counter

from shared.contracts.topology import QUEUE_LIMIT
from shared.ports.bus import Bus, Outcome, Outgoing
from tests.conformance.conftest import Place
from tests.conformance.connecting import WORK
from tests.conformance.working import (
    PATIENCE_S,
    SURPLUS_S,
    TIMEOUT_S,
    drain,
    frames,
    numbered,
    publish_all,
    take_exactly,
    until,
)
from tests.promptness import in_time

OVERSHOOT = 100
WAVE = 50
"""RabbitMQ refuses once it has noticed that the queue is full; until then a pipelined batch runs a little over."""

# --- publishing and taking


async def test_a_published_frame_arrives_once_with_its_bytes_intact(bus: Bus) -> None:
    every_byte = bytes(range(256)) * 3
    await publish_all(bus, [every_byte, b""])
    assert await drain(bus, 2) == [b"", every_byte]
    assert await drain(bus) == []


async def test_publishing_nothing_has_no_outcomes(bus: Bus) -> None:
    assert await bus.publish([], TIMEOUT_S) == []


async def test_frames_of_two_mebibytes_pass(bus: Bus) -> None:
    big = [secrets.token_bytes(2 * 1024 * 1024) for _ in range(3)]
    await publish_all(bus, big)
    assert await drain(bus, 3) == sorted(big)


async def test_a_frame_for_a_queue_that_does_not_exist_fails_alone(bus: Bus) -> None:
    outgoing = [Outgoing(WORK, b"1"), Outgoing("nowhere", b"2"), Outgoing(WORK, b"3")]
    assert await bus.publish(outgoing, TIMEOUT_S) == [Outcome.confirmed, Outcome.failed, Outcome.confirmed]
    assert await drain(bus, 2) == [b"1", b"3"]


async def test_publishers_side_by_side_each_get_their_own_outcomes(bus: Bus) -> None:
    mixed = [Outgoing(WORK, b"x"), Outgoing("nowhere", b"y")]
    answers = await asyncio.gather(*(bus.publish(mixed[: 1 + n % 2], TIMEOUT_S) for n in range(40)))
    expected = [Outcome.confirmed, Outcome.failed]
    assert answers == [expected[: 1 + n % 2] for n in range(40)]
    assert len(await drain(bus, 40)) == 40


async def test_take_waits_no_longer_than_it_was_told(bus: Bus) -> None:
    async with bus.consume(WORK, prefetch=10) as consumer:
        began = time.monotonic()
        assert await consumer.take(10, wait_s=0.3) == []
        assert time.monotonic() - began > 0.25
        assert await in_time(2, lambda: consumer.take(10, wait_s=0.3))


async def test_take_returns_as_soon_as_one_frame_is_there(bus: Bus) -> None:
    took_s = []
    async with bus.consume(WORK, prefetch=10) as consumer:
        for _ in range(5):
            taking = asyncio.create_task(consumer.take(10, wait_s=PATIENCE_S))
            assert not (await asyncio.wait([taking], timeout=0.05))[0]
            began = time.monotonic()
            await publish_all(bus, [b"now"])
            assert [delivery.frame for delivery in await taking] == [b"now"]
            took_s.append(time.monotonic() - began)
    assert min(took_s) < 0.5  # woken, not found by a look at intervals; the best of five, since machines have hiccups


async def test_take_returns_no_more_than_it_was_asked_for(bus: Bus) -> None:
    await publish_all(bus, numbered(10))
    async with bus.consume(WORK, prefetch=100) as consumer:
        sizes: list[int] = []
        async with asyncio.timeout(PATIENCE_S):
            while sum(sizes) < 10:
                sizes.append(len(await consumer.take(4, wait_s=1)))
        assert max(sizes) <= 4
        assert sum(sizes) == 10
        assert await consumer.take(4, SURPLUS_S) == []


async def test_a_cancelled_take_loses_no_frame(bus: Bus) -> None:
    async with bus.consume(WORK, prefetch=100) as consumer:
        taken = []
        for number in range(60):
            taking = asyncio.create_task(consumer.take(100, wait_s=5))
            await publish_all(bus, [str(number).encode()])
            await asyncio.sleep(number / 20_000)  # so that the cancellation meets every stage of the work
            if taking.cancel():
                await asyncio.wait([taking])
            if not taking.cancelled():
                taken += taking.result()
        taken += await take_exactly(consumer, 60 - len(taken))
        await consumer.acknowledge(taken)
    assert sorted(delivery.frame for delivery in taken) == sorted(numbered(60))
    assert await drain(bus) == []


async def test_a_consumer_holds_no_more_than_its_prefetch(bus: Bus) -> None:
    await publish_all(bus, numbered(5))
    async with bus.consume(WORK, prefetch=2) as consumer:
        first = await take_exactly(consumer, 2)
        assert await consumer.take(10, wait_s=0.3) == []
        await consumer.acknowledge(first[:1])
        assert len(await take_exactly(consumer, 1)) == 1
        assert await consumer.take(10, wait_s=0.3) == []


async def test_depth_counts_what_waits_and_not_what_is_held(bus: Bus) -> None:
    await publish_all(bus, numbered(5))

    async def all_wait() -> bool:
        return await bus.depth(WORK) == 5

    async def two_are_held() -> bool:
        return await bus.depth(WORK) == 3

    await until(all_wait)
    async with bus.consume(WORK, prefetch=2) as consumer:
        await take_exactly(consumer, 2)
        await until(two_are_held)
    await until(all_wait)


# --- the limit


async def test_a_full_queue_refuses_and_takes_again_when_there_is_room(bus: Bus) -> None:
    # In waves, as a publisher sends: RabbitMQ stops a channel a moment after its queue is full, so what one burst has
    # under way by then is confirmed too [659 of one burst of 700, on a busy machine].
    everything, outcomes = numbered(QUEUE_LIMIT + 2 * OVERSHOOT), Counter[Outcome]()
    for start in range(0, len(everything), WAVE):
        outcomes.update(await bus.publish(frames(everything[start : start + WAVE]), TIMEOUT_S))
    assert set(outcomes) == {Outcome.confirmed, Outcome.refused}
    assert QUEUE_LIMIT <= outcomes[Outcome.confirmed] <= QUEUE_LIMIT + OVERSHOOT
    assert await bus.publish(frames([b"one more"]), TIMEOUT_S) == [Outcome.refused]

    assert len(await drain(bus, outcomes[Outcome.confirmed])) == outcomes[Outcome.confirmed]

    async def takes_again() -> bool:
        return await bus.publish(frames([b"again"]), TIMEOUT_S) == [Outcome.confirmed]

    await until(takes_again)
    assert await drain(bus, 1) == [b"again"]


async def test_the_limit_counts_what_waits_and_not_what_is_held(bus: Bus) -> None:
    await publish_all(bus, numbered(QUEUE_LIMIT))
    async with bus.consume(WORK, prefetch=50) as consumer:
        await take_exactly(consumer, 50)

        async def has_room() -> bool:
            return await bus.publish(frames([b"more"]), TIMEOUT_S) == [Outcome.confirmed]

        await until(has_room)


async def test_two_consumers_get_each_of_two_thousand_frames_once(place: Place) -> None:
    producer, left, right = [await place.connect(), *await _two_consuming_buses(place)]
    wanted, got = numbered(2000), Counter[bytes]()

    async def work(bus: Bus) -> None:
        async with bus.consume(WORK, prefetch=50) as consumer:
            while got.total() < len(wanted):
                taken = await consumer.take(50, wait_s=0.2)
                await consumer.acknowledge(taken)
                got.update(delivery.frame for delivery in taken)

    async with asyncio.timeout(3 * PATIENCE_S):
        await asyncio.gather(work(left), work(right), _publish_with_patience(producer, wanted))
    assert got == Counter(wanted)
    assert await drain(producer) == []


async def _two_consuming_buses(place: Place) -> tuple[Bus, Bus]:
    """Two processes on RabbitMQ; two consumers in the one process that owns the file of the embedded bus."""
    first = await place.connect()
    return first, (first if place.address[0] == "embedded" else await place.connect())


async def _publish_with_patience(bus: Bus, contents: list[bytes]) -> None:
    """As the outbox does: what was refused comes again later."""
    waiting = list(contents)
    while waiting:
        batch, waiting = waiting[:100], waiting[100:]
        outcomes = await bus.publish(frames(batch), TIMEOUT_S)
        assert Outcome.failed not in outcomes
        refused = [content for content, outcome in zip(batch, outcomes, strict=True) if outcome is Outcome.refused]
        waiting += refused
        await asyncio.sleep(0.02 if refused else 0)
