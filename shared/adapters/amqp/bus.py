"""The two ports on one broker: publishing on one connection, everything else on another.

A broker short of memory or disk stops reading from connections that publish. On a connection of their own, consumers
can still acknowledge then, which is what makes room.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared.adapters.amqp.consumer import AmqpConsumer
from shared.adapters.amqp.link import ANSWER_S, Link, translated
from shared.adapters.amqp.publisher import Publisher
from shared.adapters.amqp.subscription import subscribe
from shared.adapters.amqp.topology import Declarations, dead_queue, work_queue
from shared.adapters.amqp.wakeups import AmqpWakeupListener, Announcer, listening
from shared.contracts.topology import QUEUES
from shared.ports.bus import Outcome, Outgoing


class AmqpBus:
    """`ports.Bus` and `ports.Wakeups`. Every queue and exchange name begins with `prefix`."""

    def __init__(
        self, url: str, prefix: str, queues: Sequence[str] = QUEUES, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        """`url` is `amqp://…` or `amqps://…`; a TLS context demands the latter. Raises SettingsRefused."""
        self._prefix = prefix
        self._queues = queues
        self._publishing = Link(url, f"comity {prefix} publishing", ssl_context)
        self._consuming = Link(url, f"comity {prefix} consuming", ssl_context)
        self._declarations = Declarations(prefix)
        self._publisher = Publisher(self._publishing, prefix, queues, self._declarations)
        self._announcer = Announcer(self._publishing, prefix, self._declarations)

    async def open(self) -> None:
        """Connect and declare the queues. Raises BusUnavailable; SettingsRefused for queues of another shape.

        The bus also works without: it connects on first use, and again after every loss.
        """
        await self._publisher.ready()

    async def publish(self, frames: Sequence[Outgoing], timeout_s: float) -> list[Outcome]:
        return await self._publisher.publish(frames, timeout_s)

    @asynccontextmanager
    async def consume(self, queue: str, prefetch: int) -> AsyncIterator[AmqpConsumer]:
        await self._declarations.ensure(self._consuming, [queue])
        async with subscribe(self._consuming, partial(self._name, queue), prefetch) as subscription:
            yield AmqpConsumer(subscription)

    async def drain_dead(self, queue: str, most: int, keep: Callable[[list[bytes]], Awaitable[None]]) -> int:
        channel = await self._consuming.channel()
        try:
            with translated():
                taken = await self._get_dead(channel, queue, most)
            if taken:
                await keep([message.body for message in taken])
                with translated():
                    async with asyncio.timeout(ANSWER_S):
                        await taken[-1].ack(multiple=True)
            return len(taken)
        finally:
            await self._consuming.close_channel(channel)

    async def depth(self, queue: str) -> int:
        return await self._count(work_queue(self._prefix, queue))

    async def dead_depth(self, queue: str) -> int:
        return await self._count(dead_queue(self._prefix, queue))

    async def ping(self) -> None:
        async with self._consuming.brief_channel():
            """An open channel is an answer."""

    async def announce(self, frame: bytes) -> None:
        await self._announcer.announce(frame)

    def listen(self) -> AbstractAsyncContextManager[AmqpWakeupListener]:
        return listening(self._consuming, self._prefix, self._declarations)

    async def close(self) -> None:
        await self._publishing.close()
        await self._consuming.close()

    async def _count(self, name: str) -> int:
        async with self._consuming.brief_channel() as channel:
            declared = await channel.declare_queue(name, passive=True)
            return declared.declaration_result.message_count or 0

    async def _name(self, queue: str, _channel: AbstractChannel) -> str:
        return work_queue(self._prefix, queue)

    async def _get_dead(self, channel: AbstractChannel, queue: str, most: int) -> list[AbstractIncomingMessage]:
        """What comes within half of ANSWER_S: many are no reason to fail, silence is."""
        clock = asyncio.get_running_loop()
        stop_at = clock.time() + ANSWER_S / 2
        taken: list[AbstractIncomingMessage] = []
        async with asyncio.timeout(ANSWER_S):
            dead = await channel.get_queue(dead_queue(self._prefix, queue), ensure=False)
            while len(taken) < most and clock.time() < stop_at:
                message = await dead.get(fail=False)
                if message is None:
                    break
                taken.append(message)
        return taken
