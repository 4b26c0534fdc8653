"""The bare chain: aio-pika, three durable quorum queues, publisher confirms, and nothing else done with a message.

    python -m bench.peers.chain hop URL FROM TO
    python -m bench.peers.chain drive PLAN.json RESULT.json

Three hops: the driver publishes to the first queue, two processes move each message one queue on (publish, wait for
the confirm, acknowledge), and the driver consumes the third. Each step is what a careful program does one message at a
time: mandatory, persistent, confirmed before it is acknowledged. Nothing is decoded, and there is no database.
"""

from __future__ import annotations

import asyncio
import json
import signal
import struct
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import aio_pika
import uvloop
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

QUEUES: Final = ("chain.1", "chain.2", "chain.3")
PREFETCH: Final = 50
_NUMBER: Final = struct.Struct(">Q")


@dataclass(frozen=True)
class Plan:
    """Keep `outstanding` messages of `bytes` on their way; one means serial."""

    url: str
    warm_up_s: float
    seconds: float
    outstanding: int
    bytes: int = 1024


@dataclass
class Result:
    """Latencies are from the publisher's call to the last consumer's, for messages that began within the window."""

    seconds: float = 0.0
    delivered_in_window: int = 0
    lost: int = 0
    repeated: int = 0
    latency_s: list[float] = field(default_factory=list)


async def open_channel(url: str) -> AbstractChannel:
    connection = await aio_pika.connect(url)
    channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
    await channel.set_qos(prefetch_count=PREFETCH)
    return channel


async def declare(channel: AbstractChannel, name: str) -> AbstractQueue:
    return await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})


async def publish(channel: AbstractChannel, queue: str, body: bytes) -> None:
    message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
    await channel.default_exchange.publish(message, queue, mandatory=True)


async def run_hop(url: str, source: str, target: str) -> None:
    """Move messages until SIGTERM."""
    channel, sending = await open_channel(url), await open_channel(url)
    queue = await declare(channel, source)
    await declare(sending, target)

    async def move(message: AbstractIncomingMessage) -> None:
        await publish(sending, target, message.body)
        await message.ack()

    await queue.consume(move)
    print("ready", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


class Driver:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._began: dict[int, float] = {}
        self._ended: dict[int, float] = {}
        self._room = asyncio.Semaphore(plan.outstanding)
        self.result = Result()

    async def run(self) -> Result:
        plan = self.plan
        sending, receiving = await open_channel(plan.url), await open_channel(plan.url)
        await declare(sending, QUEUES[0])
        queue = await declare(receiving, QUEUES[-1])
        await queue.consume(self._take)
        over = asyncio.Event()
        padding = b"x" * (plan.bytes - _NUMBER.size)
        posting = [asyncio.create_task(self._post(sending, padding, over)) for _ in range(plan.outstanding)]
        await asyncio.sleep(plan.warm_up_s)
        began = time.monotonic()
        await asyncio.sleep(plan.seconds)
        ended = time.monotonic()
        over.set()
        until = time.monotonic() + 20
        while self._ended.keys() != self._began.keys() and time.monotonic() < until:
            await asyncio.sleep(0.02)
        for task in posting:
            task.cancel()
        return self._summed_up(began, ended)

    async def _post(self, channel: AbstractChannel, padding: bytes, over: asyncio.Event) -> None:
        while not over.is_set():
            await self._room.acquire()
            number = len(self._began)
            self._began[number] = time.monotonic()
            await publish(channel, QUEUES[0], _NUMBER.pack(number) + padding)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        (number,) = _NUMBER.unpack_from(message.body)
        if number in self._ended:
            self.result.repeated += 1
        elif number in self._began:
            self._ended[number] = time.monotonic()
            self._room.release()
        await message.ack()

    def _summed_up(self, began: float, ended: float) -> Result:
        self.result.seconds = ended - began
        self.result.lost = len(self._began.keys() - self._ended.keys())
        self.result.delivered_in_window = sum(began <= at < ended for at in self._ended.values())
        self.result.latency_s = [
            self._ended[number] - at
            for number, at in self._began.items()
            if began <= at < ended and number in self._ended
        ]
        return self.result


async def _drive(plan: Plan) -> Result:
    return await Driver(plan).run()


def main(arguments: list[str]) -> None:
    if arguments[0] == "hop":
        uvloop.run(run_hop(*arguments[1:]))
    else:
        plan = Plan(**json.loads(Path(arguments[1]).read_text()))
        Path(arguments[2]).write_text(json.dumps(asdict(uvloop.run(_drive(plan)))))


if __name__ == "__main__":
    main(sys.argv[1:])
