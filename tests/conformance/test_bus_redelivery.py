"""Every bus delivers again what was not acknowledged, and sets aside with its bytes what nobody survives."""

import asyncio
import secrets

import pytest

from shared.adapters.sql import embedded_bus
from shared.contracts.topology import DELIVERY_LIMIT
from shared.errors import BusUnavailable
from shared.ports.bus import Bus
from tests.conformance.connecting import WORK
from tests.conformance.working import (
    PATIENCE_S,
    drain,
    drain_dead,
    numbered,
    publish_all,
    release_until_dead,
    take_exactly,
    until,
)

# --- what comes again


async def test_an_acknowledged_frame_never_comes_again(bus: Bus) -> None:
    await publish_all(bus, numbered(6))
    async with bus.consume(WORK, prefetch=10) as consumer:
        taken = await take_exactly(consumer, 6)
        await consumer.acknowledge([taken[1], taken[4]])
        await consumer.acknowledge([taken[0], taken[2]])
    kept = sorted([taken[3].frame, taken[5].frame])
    assert await drain(bus, 2) == kept


async def test_acknowledging_twice_does_no_harm(bus: Bus) -> None:
    await publish_all(bus, numbered(3))
    async with bus.consume(WORK, prefetch=10) as consumer:
        taken = await take_exactly(consumer, 3)
        await consumer.acknowledge(taken[:2])
        await consumer.acknowledge(taken[:2])
        await publish_all(bus, [b"after"])
        assert [delivery.frame for delivery in await take_exactly(consumer, 1)] == [b"after"]
    assert await drain(bus, 2) == sorted([taken[2].frame, b"after"])


async def test_frames_of_a_closed_consumer_come_again(bus: Bus) -> None:
    await publish_all(bus, numbered(5))
    async with bus.consume(WORK, prefetch=3) as consumer:
        await take_exactly(consumer, 3)
    assert await drain(bus, 5) == numbered(5)


async def test_a_closed_consumer_says_so(bus: Bus) -> None:
    async with bus.consume(WORK, prefetch=3) as consumer:
        pass
    with pytest.raises(BusUnavailable):
        await consumer.take(1, wait_s=5)


async def test_a_released_frame_comes_again_at_once(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_bus, "LOOK_EVERY_S", 3 * PATIENCE_S)  # consumers are woken, or nothing comes
    await publish_all(bus, numbered(2))
    async with bus.consume(WORK, prefetch=1) as first, bus.consume(WORK, prefetch=10) as second:
        held = await take_exactly(first, 1)
        others = await take_exactly(second, 1)
        taking = [asyncio.create_task(take_exactly(one, 1)) for one in (first, second)]
        assert not (await asyncio.wait(taking, timeout=0.2))[0]
        await first.release(held)
        [taken], [waiting] = await asyncio.wait(taking, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert [delivery.frame for delivery in taken.result()] == [held[0].frame]
        await second.acknowledge(others)
    assert await drain(bus, 1) == [held[0].frame]


# --- frames that nobody survives


async def test_a_frame_delivered_too_often_is_set_aside_with_its_bytes_intact(bus: Bus) -> None:
    poison = bytes(range(256)) + secrets.token_bytes(1000)
    await publish_all(bus, [poison])
    assert await release_until_dead(bus, 1) == DELIVERY_LIMIT + 1
    assert await drain_dead(bus, 1) == [poison]
    assert await bus.drain_dead(WORK, most=10, keep=_refuse_all) == 0
    assert await drain(bus) == []


async def test_set_aside_frames_stay_when_they_could_not_be_kept(bus: Bus) -> None:
    await publish_all(bus, [b"poison"])
    await release_until_dead(bus, 1)

    async def cannot_be_kept() -> bool:
        try:
            return await bus.drain_dead(WORK, most=10, keep=_refuse_all) > 0
        except MemoryError:
            return True

    await until(cannot_be_kept)
    assert await drain_dead(bus, 1) == [b"poison"]


async def test_drain_dead_hands_over_no_more_than_it_was_asked_for(bus: Bus) -> None:
    await publish_all(bus, numbered(3))
    await release_until_dead(bus, 3)
    assert sorted(await drain_dead(bus, 3, most=2)) == numbered(3)


async def test_with_prefetch_one_a_killer_takes_no_innocent_neighbour_with_it(bus: Bus) -> None:
    """A consumer that dies of one frame, is restarted and dies again, until the frame is set aside."""
    innocent = numbered(50)
    await publish_all(bus, [*innocent[:10], b"killer", *innocent[10:]])
    done: list[bytes] = []
    async with asyncio.timeout(3 * PATIENCE_S):
        while len(done) < len(innocent) or await bus.dead_depth(WORK) == 0:
            async with bus.consume(WORK, prefetch=1) as consumer:
                while taken := await consumer.take(1, wait_s=0.5):
                    if taken[0].frame == b"killer":
                        break
                    await consumer.acknowledge(taken)
                    done.append(taken[0].frame)
    assert sorted(done) == sorted(innocent)

    assert await drain_dead(bus, 1) == [b"killer"]


async def _refuse_all(frames: list[bytes]) -> None:
    raise MemoryError(f"cannot keep {len(frames)}")
