"""Every bus delivers again what was not acknowledged, and sets aside with its bytes what nobody survives."""

import asyncio
import secrets

import pytest

from shared.contracts.topology import DELIVERY_LIMIT
from shared.errors import BusUnavailable
from shared.ports.bus import Bus
from tests.conformance.connecting import WORK
from tests.conformance.working import PATIENCE_S, drain, drain_dead, numbered, publish_all, take_exactly, until

# --- what comes again


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
