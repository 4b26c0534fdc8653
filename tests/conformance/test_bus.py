"""What every bus promises (`shared/ports/bus.py`), on RabbitMQ and on the embedded queues alike."""

import asyncio
import secrets
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from shared.contracts.topology import DELIVERY_LIMIT, QUEUE_LIMIT
from shared.errors import BusUnavailable
from shared.ports.bus import Bus, Consumer, Outcome, Outgoing
from tests.conformance.child import HOLDS
from tests.conformance.conftest import Place
from tests.conformance.connecting import WORK
from tests.conformance.working import (
    PATIENCE_S,
    TIMEOUT_S,
    drain,
    drain_dead,
    frames,
    numbered,
    publish_all,
    take_exactly,
    until,
)

ROOT = Path(__file__).parents[2]

OVERSHOOT = 100
"""RabbitMQ refuses once it has noticed that the queue is full; until then a pipelined batch runs a little over."""


# --- publishing and taking


async def test_a_published_frame_arrives_once_with_its_bytes_intact(bus: Bus) -> None:
    every_byte = bytes(range(256)) * 3
    await publish_all(bus, [every_byte, b""])
    assert await drain(bus) == [b"", every_byte]
    assert await drain(bus) == []


async def test_publishing_nothing_has_no_outcomes(bus: Bus) -> None:
    assert await bus.publish([], TIMEOUT_S) == []


async def test_frames_of_two_mebibytes_pass(bus: Bus) -> None:
    big = [secrets.token_bytes(2 * 1024 * 1024) for _ in range(3)]
    await publish_all(bus, big)
    assert await drain(bus) == sorted(big)


async def test_a_frame_for_a_queue_that_does_not_exist_fails_alone(bus: Bus) -> None:
    outgoing = [Outgoing(WORK, b"1"), Outgoing("nowhere", b"2"), Outgoing(WORK, b"3")]
    assert await bus.publish(outgoing, TIMEOUT_S) == [Outcome.confirmed, Outcome.failed, Outcome.confirmed]
    assert await drain(bus) == [b"1", b"3"]


async def test_publishers_side_by_side_each_get_their_own_outcomes(bus: Bus) -> None:
    mixed = [Outgoing(WORK, b"x"), Outgoing("nowhere", b"y")]
    answers = await asyncio.gather(*(bus.publish(mixed[: 1 + n % 2], TIMEOUT_S) for n in range(40)))
    expected = [Outcome.confirmed, Outcome.failed]
    assert answers == [expected[: 1 + n % 2] for n in range(40)]
    assert len(await drain(bus)) == 40


async def test_take_waits_no_longer_than_it_was_told(bus: Bus) -> None:
    async with bus.consume(WORK, prefetch=10) as consumer:
        began = time.monotonic()
        assert await consumer.take(10, wait_s=0.3) == []
        assert 0.25 < time.monotonic() - began < 2


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
        sizes = []
        while taken := await consumer.take(4, wait_s=0.5):
            sizes.append(len(taken))
        assert max(sizes) <= 4
        assert sum(sizes) == 10


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
    outcomes = Counter(await bus.publish(frames(numbered(QUEUE_LIMIT + 2 * OVERSHOOT)), TIMEOUT_S))
    assert set(outcomes) == {Outcome.confirmed, Outcome.refused}
    assert QUEUE_LIMIT <= outcomes[Outcome.confirmed] <= QUEUE_LIMIT + OVERSHOOT
    assert await bus.publish(frames([b"one more"]), TIMEOUT_S) == [Outcome.refused]

    assert len(await drain(bus)) == outcomes[Outcome.confirmed]

    async def takes_again() -> bool:
        return await bus.publish(frames([b"again"]), TIMEOUT_S) == [Outcome.confirmed]

    await until(takes_again)
    assert await drain(bus) == [b"again"]


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


# --- redelivery


async def test_an_acknowledged_frame_never_comes_again(bus: Bus) -> None:
    await publish_all(bus, numbered(6))
    async with bus.consume(WORK, prefetch=10) as consumer:
        taken = await take_exactly(consumer, 6)
        await consumer.acknowledge([taken[1], taken[4]])
        await consumer.acknowledge([taken[0], taken[2]])
    kept = sorted([taken[3].frame, taken[5].frame])
    assert await drain(bus) == kept


async def test_acknowledging_twice_does_no_harm(bus: Bus) -> None:
    await publish_all(bus, numbered(3))
    async with bus.consume(WORK, prefetch=10) as consumer:
        taken = await take_exactly(consumer, 3)
        await consumer.acknowledge(taken[:2])
        await consumer.acknowledge(taken[:2])
        await publish_all(bus, [b"after"])
        assert [delivery.frame for delivery in await take_exactly(consumer, 1)] == [b"after"]
    assert await drain(bus) == sorted([taken[2].frame, b"after"])


async def test_frames_of_a_closed_consumer_come_again(bus: Bus) -> None:
    await publish_all(bus, numbered(5))
    async with bus.consume(WORK, prefetch=3) as consumer:
        await take_exactly(consumer, 3)
    assert await drain(bus) == numbered(5)


async def test_a_closed_consumer_says_so(bus: Bus) -> None:
    async with bus.consume(WORK, prefetch=3) as consumer:
        pass
    with pytest.raises(BusUnavailable):
        await consumer.take(1, wait_s=5)


async def test_a_released_frame_comes_again_at_once(bus: Bus) -> None:
    await publish_all(bus, numbered(2))
    async with bus.consume(WORK, prefetch=1) as first, bus.consume(WORK, prefetch=10) as second:
        held = await take_exactly(first, 1)
        others = await take_exactly(second, 1)
        await first.release(held)
        again = (await asyncio.gather(first.take(1, wait_s=0.9), second.take(1, wait_s=0.9)))[0:2]
        assert [delivery.frame for taken in again for delivery in taken] == [held[0].frame]
        await second.acknowledge(others)
    assert await drain(bus) == [held[0].frame]


async def test_frames_of_a_killed_process_come_again(place: Place) -> None:
    bus = await place.connect()
    await publish_all(bus, numbered(2 * HOLDS))
    await place.close()  # the embedded file has one owner at a time
    await _run_and_kill(place, "hold", after_lines=HOLDS)
    assert await drain(await place.connect()) == sorted(numbered(2 * HOLDS))


# --- durability and failure


async def test_frames_confirmed_to_a_killed_process_are_there(place: Place) -> None:
    confirmed = await _run_and_kill(place, "publish", after_lines=60)
    assert len(confirmed) >= 60
    found = Counter(await drain(await place.connect()))
    assert set(confirmed) <= set(found)
    assert set(found.values()) == {1}


async def test_confirmed_frames_survive_the_broker(mortal_place: Place) -> None:
    bus = await mortal_place.connect()
    await publish_all(bus, numbered(100))
    await mortal_place.fail()
    await mortal_place.recover()
    assert await drain(await mortal_place.connect()) == sorted(numbered(100))


async def test_a_publish_while_the_broker_is_gone_fails_in_time(mortal_place: Place) -> None:
    bus = await mortal_place.connect()
    await mortal_place.fail()
    began = time.monotonic()
    assert await bus.publish(frames(numbered(3)), timeout_s=1) == [Outcome.failed] * 3
    assert time.monotonic() - began < 2


async def test_the_same_bus_publishes_again_when_the_broker_is_back(mortal_place: Place) -> None:
    bus = await mortal_place.connect()
    await mortal_place.fail()
    assert await bus.publish(frames([b"lost"]), timeout_s=0.5) == [Outcome.failed]
    await mortal_place.recover()

    async def publishes() -> bool:
        return await bus.publish(frames([b"back"]), timeout_s=2) == [Outcome.confirmed]

    await until(publishes, within_s=10)
    assert b"back" in await drain(bus)


async def test_a_consumer_notices_that_the_broker_is_gone_and_the_next_one_works(
    mortal_place: Place,
) -> None:
    bus = await mortal_place.connect()
    await publish_all(bus, numbered(2))
    async with bus.consume(WORK, prefetch=10) as consumer:
        await take_exactly(consumer, 2)
        await mortal_place.fail()
        with pytest.raises(BusUnavailable):
            await _take_for_ever(consumer, within_s=10)
    await mortal_place.recover()

    async def consumes() -> bool:
        try:
            async with bus.consume(WORK, prefetch=10):
                return True
        except BusUnavailable:
            return False

    await until(consumes, within_s=10)
    assert await drain(bus) == numbered(2)


# --- frames that nobody survives


async def test_a_frame_delivered_too_often_is_set_aside_with_its_bytes_intact(bus: Bus) -> None:
    poison = bytes(range(256)) + secrets.token_bytes(1000)
    await publish_all(bus, [poison])
    deliveries = 0
    async with bus.consume(WORK, prefetch=1) as consumer:
        while deliveries <= 2 * DELIVERY_LIMIT and (taken := await consumer.take(1, wait_s=1)):
            deliveries += 1
            await consumer.release(taken)
    assert deliveries == DELIVERY_LIMIT + 1

    assert await drain_dead(bus, 1) == [poison]
    assert await bus.drain_dead(WORK, most=10, keep=_refuse_all) == 0
    assert await drain(bus) == []


async def test_set_aside_frames_stay_when_they_could_not_be_kept(bus: Bus) -> None:
    await publish_all(bus, [b"poison"])
    await _deliver_too_often(bus)

    async def cannot_be_kept() -> bool:
        try:
            return await bus.drain_dead(WORK, most=10, keep=_refuse_all) > 0
        except MemoryError:
            return True

    await until(cannot_be_kept)
    assert await drain_dead(bus, 1) == [b"poison"]


async def test_drain_dead_hands_over_no_more_than_it_was_asked_for(bus: Bus) -> None:
    await publish_all(bus, numbered(3))
    await _deliver_too_often(bus)
    assert sorted(await drain_dead(bus, 3, most=2)) == numbered(3)


async def test_with_prefetch_one_a_killer_takes_no_innocent_neighbour_with_it(bus: Bus) -> None:
    """A consumer that dies of one frame, is restarted and dies again, until the frame is set aside."""
    innocent = numbered(50)
    await publish_all(bus, [*innocent[:10], b"killer", *innocent[10:]])
    done: list[bytes] = []
    for _ in range(2 * DELIVERY_LIMIT):
        async with bus.consume(WORK, prefetch=1) as consumer:
            while taken := await consumer.take(1, wait_s=0.5):
                if taken[0].frame == b"killer":
                    break
                await consumer.acknowledge(taken)
                done.append(taken[0].frame)
            else:
                break
    assert sorted(done) == sorted(innocent)

    assert await drain_dead(bus, 1) == [b"killer"]


async def _deliver_too_often(bus: Bus) -> None:
    async with asyncio.timeout(PATIENCE_S), bus.consume(WORK, prefetch=10) as consumer:
        while taken := await consumer.take(10, wait_s=1):
            await consumer.release(taken)


async def _refuse_all(frames: list[bytes]) -> None:
    raise MemoryError(f"cannot keep {len(frames)}")


async def _take_for_ever(consumer: Consumer, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while True:
            await consumer.take(10, wait_s=1)


async def _run_and_kill(place: Place, what: str, after_lines: int) -> list[bytes]:
    """Run a child on this place, kill it after so many lines, and return all that it printed."""
    command = [sys.executable, "-m", "tests.conformance.child", what, *place.address]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None
    lines: list[bytes] = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            while len(lines) < after_lines:
                lines.append(await child.stdout.readline())
    finally:
        child.kill()
    lines += (await child.stdout.read()).split(b"\n")
    await child.wait()
    return [line.strip() for line in lines if line.strip()]
