"""FastStream's middle: takes from the first queue, publishes to the second. Runs in its own environment.

python hop.py URL
"""

from __future__ import annotations

import asyncio
import signal
import sys

import uvloop
from faststream import AckPolicy
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue

QUEUES = ("faststream.1", "faststream.2")
PREFETCH = 50


def queue(name: str) -> RabbitQueue:
    return RabbitQueue(name, durable=True, queue_type=QueueType.QUORUM)


async def run(url: str) -> None:
    broker = RabbitBroker(url, default_channel=Channel(prefetch_count=PREFETCH), logger=None)
    sender = broker.publisher(queue(QUEUES[1]), persist=True)

    @broker.subscriber(queue(QUEUES[0]), ack_policy=AckPolicy.ACK)  # type: ignore[untyped-decorator]  # not in this environment
    async def move(body: bytes) -> None:
        await sender.publish(body)

    await broker.start()
    await broker.declare_queue(queue(QUEUES[1]))
    print("ready", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await broker.stop()


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1]))
