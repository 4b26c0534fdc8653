"""What the bus tests do all the time: publish and insist, take until nothing comes, wait until something is true."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

from shared.ports.bus import Bus, Consumer, Delivery, Outcome, Outgoing
from tests.conformance.connecting import WORK

PATIENCE_S = 20.0
"""How long a test waits for what must come. Reached only when it fails."""
TIMEOUT_S = PATIENCE_S
SURPLUS_S = 0.5
"""How long it watches for what must not come."""


def frames(contents: Iterable[bytes]) -> list[Outgoing]:
    return [Outgoing(WORK, content) for content in contents]


def numbered(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


async def publish_all(bus: Bus, contents: Iterable[bytes]) -> None:
    """Publish frames that must all be confirmed."""
    outgoing = frames(contents)
    assert await bus.publish(outgoing, TIMEOUT_S) == [Outcome.confirmed] * len(outgoing)


async def until(claim: Callable[[], Awaitable[bool]], within_s: float = PATIENCE_S) -> None:
    """Poll until the claim holds; fails after `within_s`."""
    async with asyncio.timeout(within_s):
        while not await claim():
            await asyncio.sleep(0.02)


async def take_exactly(consumer: Consumer, count: int) -> list[Delivery]:
    """`count` deliveries, which must come."""
    taken: list[Delivery] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(taken) < count:
            taken += await consumer.take(count - len(taken), wait_s=1)
    return taken


async def drain(bus: Bus, count: int = 0) -> list[bytes]:
    """Take and acknowledge `count` frames, which must come, and all that comes besides; what was there, sorted."""
    found: list[bytes] = []
    give_up_at = time.monotonic() + PATIENCE_S
    async with bus.consume(WORK, prefetch=100) as consumer:
        while (taken := await consumer.take(100, SURPLUS_S)) or (len(found) < count and time.monotonic() < give_up_at):
            found += [delivery.frame for delivery in taken]
            await consumer.acknowledge(taken)
    return sorted(found)


async def release_until_dead(bus: Bus, count: int) -> int:
    """Take and give back until so many frames are set aside, which must come; how many deliveries that took."""
    deliveries = 0
    async with asyncio.timeout(PATIENCE_S), bus.consume(WORK, prefetch=10) as consumer:
        while await bus.dead_depth(WORK) < count:
            taken = await consumer.take(10, wait_s=0.2)
            deliveries += len(taken)
            await consumer.release(taken)
    return deliveries


async def drain_dead(bus: Bus, count: int, most: int = 10) -> list[bytes]:
    """Take `count` frames that were set aside, which must come; RabbitMQ needs a moment to move them."""
    kept: list[bytes] = []

    async def keep(some: list[bytes]) -> None:
        assert 0 < len(some) <= most
        kept.extend(some)

    async def has_all() -> bool:
        before = len(kept)
        assert await bus.drain_dead(WORK, most, keep) == len(kept) - before
        return len(kept) >= count

    await until(has_all)
    return kept
