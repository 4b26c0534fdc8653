"""What stands in for the services while the accept path is measured alone: takes what is published and drops it.

python -m bench.peers.sink URL QUEUE
"""

from __future__ import annotations

import asyncio
import signal
import sys

import aio_pika
import uvloop
from aio_pika.abc import AbstractIncomingMessage

PREFETCH = 500
ACKNOWLEDGE_EVERY = 50


async def run(url: str, name: str) -> None:
    connection = await aio_pika.connect(url)
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=PREFETCH)
    queue = await channel.get_queue(name)
    taken = 0

    async def drop(message: AbstractIncomingMessage) -> None:
        nonlocal taken
        taken += 1
        if taken % ACKNOWLEDGE_EVERY == 0:
            await message.ack(multiple=True)

    await queue.consume(drop)
    print("ready", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await queue.purge()
    await connection.close()


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1], sys.argv[2]))
