"""No bus loses or invents a frame when a process is killed or the broker goes, and each says so in time."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

import pytest

from shared.errors import BusUnavailable
from shared.ports.bus import Consumer, Outcome
from tests.conformance.child import HOLDS
from tests.conformance.conftest import Place
from tests.conformance.connecting import WORK
from tests.conformance.working import PATIENCE_S, drain, frames, numbered, publish_all, take_exactly, until
from tests.promptness import in_time

ROOT = Path(__file__).parents[2]

# --- killed processes


async def test_frames_of_a_killed_process_come_again(place: Place) -> None:
    bus = await place.connect()
    await publish_all(bus, numbered(2 * HOLDS))
    await place.close()  # the embedded file has one owner at a time
    await _run_and_kill(place, "hold", after_lines=HOLDS)
    assert await drain(await place.connect(), 2 * HOLDS) == sorted(numbered(2 * HOLDS))


async def test_frames_confirmed_to_a_killed_process_are_there(place: Place) -> None:
    confirmed = await _run_and_kill(place, "publish", after_lines=60)
    assert len(confirmed) >= 60
    found = Counter(await drain(await place.connect(), len(confirmed)))
    assert set(confirmed) <= set(found)
    assert set(found.values()) == {1}


# --- a broker that goes and comes back


async def test_confirmed_frames_survive_the_broker(mortal_place: Place) -> None:
    bus = await mortal_place.connect()
    await publish_all(bus, numbered(100))
    await mortal_place.fail()
    await mortal_place.recover()
    assert await drain(await mortal_place.connect(), 100) == sorted(numbered(100))


async def test_a_publish_while_the_broker_is_gone_fails_in_time(mortal_place: Place) -> None:
    bus = await mortal_place.connect()
    await mortal_place.fail()

    async def publish_in_vain() -> None:
        assert await bus.publish(frames(numbered(3)), timeout_s=1) == [Outcome.failed] * 3

    assert await in_time(2, publish_in_vain)


async def test_the_same_bus_publishes_again_when_the_broker_is_back(mortal_place: Place) -> None:
    bus = await mortal_place.connect()
    await mortal_place.fail()
    assert await bus.publish(frames([b"lost"]), timeout_s=0.5) == [Outcome.failed]
    await mortal_place.recover()

    async def publishes() -> bool:
        return await bus.publish(frames([b"back"]), timeout_s=2) == [Outcome.confirmed]

    await until(publishes)
    assert b"back" in await drain(bus, 1)


async def test_a_consumer_notices_that_the_broker_is_gone_and_the_next_one_works(
    mortal_place: Place,
) -> None:
    bus = await mortal_place.connect()
    await publish_all(bus, numbered(2))
    async with bus.consume(WORK, prefetch=10) as consumer:
        await take_exactly(consumer, 2)
        await mortal_place.fail()
        with pytest.raises(BusUnavailable):
            await _take_for_ever(consumer)
    await mortal_place.recover()

    async def consumes() -> bool:
        try:
            async with bus.consume(WORK, prefetch=10):
                return True
        except BusUnavailable:
            return False

    await until(consumes)
    assert await drain(bus, 2) == numbered(2)


async def _take_for_ever(consumer: Consumer) -> None:
    async with asyncio.timeout(PATIENCE_S):
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
