"""Hints to every gateway: all listeners hear them, nobody waits for them, none is owed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from shared.ports.bus import WakeupListener, Wakeups
from tests.conformance.conftest import Place
from tests.conformance.working import PATIENCE_S, until
from tests.promptness import in_time

LISTENER_KEEPS = 1000
"""How far a listener may be behind, on both adapters."""


async def test_every_listener_hears_an_announcement(place: Place) -> None:
    notifier, gateway = await _two_ends(place)
    async with gateway.listen() as first, gateway.listen() as second:
        await notifier.announce(b"a feed advanced")
        async with asyncio.timeout(PATIENCE_S):
            assert await first.next() == b"a feed advanced"
            assert await second.next() == b"a feed advanced"


async def test_a_listener_hears_nothing_that_was_announced_before_it_came(place: Place) -> None:
    notifier, gateway = await _two_ends(place)
    async with gateway.listen() as earlier:
        await notifier.announce(b"early")
        assert await asyncio.wait_for(earlier.next(), PATIENCE_S) == b"early"
    async with gateway.listen() as listener:
        await notifier.announce(b"late")
        assert await asyncio.wait_for(listener.next(), PATIENCE_S) == b"late"


async def test_a_listener_that_is_far_behind_loses_hints_but_not_the_last(place: Place) -> None:
    notifier, gateway = await _two_ends(place)
    told: list[int] = []
    async with gateway.listen() as slow, gateway.listen() as quick, _hearing(quick) as quick_heard:
        for rest_s in (0.0, 0.2, 1.0, 5.0):
            hints = [f"{number} before a rest of {rest_s} s".encode() for number in range(3 * LISTENER_KEEPS)]
            for hint in hints:
                await notifier.announce(hint)

            async def all_announced(last: bytes = hints[-1]) -> bool:
                return last in quick_heard

            await until(all_announced)
            # Each listener has a queue of its own: what the quick one heard may still be on its way to the slow one,
            # and what comes while it reads is not behind. So it rests, longer each time.
            await asyncio.sleep(rest_s)
            heard = await _heard_until(slow, hints[-1])
            in_order = iter(hints)
            assert all(hint in in_order for hint in heard)
            told.append(len(heard))
            if told[-1] < 2 * LISTENER_KEEPS:
                break
    assert told[-1] < 2 * LISTENER_KEEPS


async def test_announcing_with_no_listener_and_no_broker_is_quick_and_silent(mortal_place: Place) -> None:
    notifier, _ = await _two_ends(mortal_place)
    await notifier.announce(b"nobody listens")
    await mortal_place.fail()
    for _ in range(3):
        assert await in_time(1.5, lambda: notifier.announce(b"nobody can hear this"))


async def test_listeners_from_before_and_during_an_outage_hear_again_afterwards(mortal_place: Place) -> None:
    notifier, gateway = await _two_ends(mortal_place)
    async with AsyncExitStack() as open_until_the_end:
        before = await open_until_the_end.enter_async_context(gateway.listen())
        heard_before = await open_until_the_end.enter_async_context(_hearing(before))
        await mortal_place.fail()
        during = await open_until_the_end.enter_async_context(gateway.listen())
        heard_during = await open_until_the_end.enter_async_context(_hearing(during))
        await mortal_place.recover()

        async def both_hear() -> bool:
            await notifier.announce(b"back")
            return b"back" in heard_before and b"back" in heard_during

        await until(both_hear)


async def _two_ends(place: Place) -> tuple[Wakeups, Wakeups]:
    """The announcing and the listening process; in embedded mode they are one."""
    notifier = await place.connect()
    return notifier, (notifier if place.address[0] == "embedded" else await place.connect())


async def _heard_until(listener: WakeupListener, last: bytes) -> list[bytes]:
    heard = [b""]
    async with asyncio.timeout(PATIENCE_S):
        while heard[-1] != last:
            heard.append(await listener.next())
    return heard[1:]


@asynccontextmanager
async def _hearing(listener: WakeupListener) -> AsyncIterator[list[bytes]]:
    """All that the listener hears, as it comes."""
    heard: list[bytes] = []

    async def hear() -> None:
        while True:
            heard.append(await listener.next())

    hearing = asyncio.create_task(hear())
    try:
        yield heard
    finally:
        hearing.cancel()
        await asyncio.wait([hearing])
        assert hearing.cancelled(), "next() ended by itself"
