"""Hints to every gateway over a fanout exchange: at most once, unconfirmed, dropped when a listener is behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Final

from aio_pika import Message
from aio_pika.abc import AbstractChannel, AbstractExchange

from shared.adapters.amqp.link import Link, translated
from shared.adapters.amqp.subscription import Subscription, subscribe
from shared.adapters.amqp.topology import HINTS_KEPT, Declarations, declare_listener_queue, fanout
from shared.errors import BusUnavailable

ANNOUNCE_S: Final = 1.0
RETRY_S: Final = 0.5


class Announcer:
    """The sending side: one channel without confirms, opened anew when it was lost."""

    def __init__(self, link: Link, prefix: str, declarations: Declarations) -> None:
        self._link = link
        self._prefix = prefix
        self._declarations = declarations
        self._channel: AbstractChannel | None = None
        self._fanout: AbstractExchange | None = None
        self._opening = asyncio.Lock()

    async def announce(self, frame: bytes) -> None:
        with suppress(BusUnavailable), translated():
            async with asyncio.timeout(ANNOUNCE_S):
                exchange = await self._ready()
                await exchange.publish(Message(frame), routing_key="", mandatory=False)

    async def _ready(self) -> AbstractExchange:
        async with self._opening:
            if self._fanout is None or self._channel is None or self._channel.is_closed:
                await self._declarations.ensure(self._link, ())
                self._channel = await self._link.channel()
                self._fanout = await self._channel.get_exchange(fanout(self._prefix), ensure=False)
            return self._fanout


class AmqpWakeupListener:
    """`ports.WakeupListener`: a queue of its own, declared again on every new connection."""

    def __init__(self, link: Link, prefix: str, declarations: Declarations) -> None:
        self._link = link
        self._prefix = prefix
        self._declarations = declarations
        self._open = AsyncExitStack()
        self._subscription: Subscription | None = None

    async def next(self) -> bytes:
        while True:
            try:
                subscription = await self.subscribed()
                for message in await subscription.take(1, wait_s=None):
                    return message.body
            except BusUnavailable:
                await self.close()
                await asyncio.sleep(RETRY_S)

    async def subscribed(self) -> Subscription:
        """The subscription, opened if there is none. Raises BusUnavailable."""
        if self._subscription is None:
            await self._declarations.ensure(self._link, ())
            prepare = partial(declare_listener_queue, prefix=self._prefix)
            opening = subscribe(self._link, prepare, prefetch=None, most_kept=HINTS_KEPT)
            self._subscription = await self._open.enter_async_context(opening)
        return self._subscription

    async def close(self) -> None:
        self._subscription = None
        await self._open.aclose()


@asynccontextmanager
async def listening(link: Link, prefix: str, declarations: Declarations) -> AsyncIterator[AmqpWakeupListener]:
    """Listen from now on, if the broker is there, else from the moment when it is."""
    listener = AmqpWakeupListener(link, prefix, declarations)
    try:
        with suppress(BusUnavailable):
            await listener.subscribed()
        yield listener
    finally:
        await listener.close()
