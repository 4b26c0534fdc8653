"""A process that uses a bus until it is killed: `python -m tests.conformance.child publish|hold ADDRESS…`.

`publish` prints the number of each frame once it is confirmed; `hold` takes five frames, prints them, and keeps
them.
"""

import asyncio
import itertools
import sys

from shared.ports.bus import Bus, Outcome, Outgoing
from tests.conformance.connecting import WORK, connect_amqp, connect_embedded

HOLDS = 5


async def main(what: str, adapter: str, *address: str) -> None:
    bus: Bus
    if adapter == "embedded":
        bus, _store = await connect_embedded(*address)
    else:
        bus = await connect_amqp(*address)
    await (publish(bus) if what == "publish" else hold(bus))


async def publish(bus: Bus) -> None:
    for first in itertools.count(step=3):
        numbers = range(first, first + 3)
        outcomes = await bus.publish([Outgoing(WORK, str(number).encode()) for number in numbers], timeout_s=5)
        for number, outcome in zip(numbers, outcomes, strict=True):
            if outcome is Outcome.confirmed:
                print(number, flush=True)


async def hold(bus: Bus) -> None:
    async with bus.consume(WORK, prefetch=HOLDS) as consumer:
        held = 0
        while held < HOLDS:
            for delivery in await consumer.take(HOLDS - held, wait_s=5):
                held += 1
                print(delivery.frame.decode(), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
