"""The adversary's hands: whatever its administrator may do at the broker, past our adapter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel


class Broker:
    """Takes frames off queues and puts others there, with any AMQP properties."""

    def __init__(self, channel: AbstractChannel, prefix: str) -> None:
        self._channel = channel
        self._prefix = prefix

    async def take(self, queue: str, at_least: int = 0) -> list[bytes]:
        """Every frame that waits, removed; waits until so many have come."""
        source = await self._channel.get_queue(f"{self._prefix}{queue}", ensure=False)
        taken: list[bytes] = []
        async with asyncio.timeout(20):
            while True:
                message = await source.get(fail=False)
                if message is not None:
                    await message.ack()
                    taken.append(message.body)
                elif len(taken) >= at_least:
                    return taken
                else:
                    await asyncio.sleep(0.005)

    async def put(self, queue: str, frames: Sequence[tuple[bytes, Mapping[str, Any]]]) -> None:
        """These frames, confirmed, in this order."""
        exchange = self._channel.default_exchange
        messages = [aio_pika.Message(frame, **properties) for frame, properties in frames]
        await asyncio.gather(*(exchange.publish(message, f"{self._prefix}{queue}") for message in messages))

    async def fan_out(self, frames: Sequence[bytes]) -> None:
        """To every listener of wake-ups."""
        exchange = await self._channel.get_exchange(f"{self._prefix}wakeups", ensure=False)
        for frame in frames:
            await exchange.publish(aio_pika.Message(frame), routing_key="", mandatory=False)

    @asynccontextmanager
    async def tapped_wakeups(self) -> AsyncIterator[asyncio.Queue[bytes]]:
        """Every wake-up that is announced meanwhile."""
        tapped: asyncio.Queue[bytes] = asyncio.Queue()
        exchange = await self._channel.declare_exchange(
            f"{self._prefix}wakeups", aio_pika.ExchangeType.FANOUT, durable=True
        )
        queue = await self._channel.declare_queue(exclusive=True)
        await queue.bind(exchange)

        async def keep(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            await tapped.put(message.body)

        tag = await queue.consume(keep, no_ack=True)
        yield tapped
        await queue.cancel(tag)
        await queue.delete(if_unused=False, if_empty=False)


@asynccontextmanager
async def at_the_broker(url: str, *prefixes: str) -> AsyncIterator[list[Broker]]:
    """The hands among the queues of each prefix."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        yield [Broker(channel, prefix) for prefix in prefixes]
