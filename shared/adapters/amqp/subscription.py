"""What the broker pushes to us, and the certainty that it still does.

A consumer can be gone without an error: cancelled by the broker, its queue deleted, its connection dead but open. So
the subscription listens for each of these, and asks the broker about its queue every WATCH_EVERY_S besides. Once lost,
it stays lost: whoever takes from it gets BusUnavailable, at once and every time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared.adapters.amqp.link import ANSWER_S, CLOSE_S, Link, translated
from shared.errors import BusUnavailable

WATCH_EVERY_S: Final = 2.0


class Subscription:
    """Messages as they arrive on one channel. At most `most_kept` wait here; beyond that the oldest are dropped."""

    def __init__(self, channel: AbstractChannel, most_kept: int | None) -> None:
        self.channel = channel
        self._arrived: deque[AbstractIncomingMessage] = deque(maxlen=most_kept)
        self._stirred = asyncio.Event()
        self._ended = asyncio.Event()
        self._lost: str | None = None

    async def take(self, most: int, wait_s: float | None) -> list[AbstractIncomingMessage]:
        """Up to `most` messages as soon as one is there; none after `wait_s`, where None waits for ever.

        Raises BusUnavailable.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._stirred.wait()
        self.check()
        taken = [self._arrived.popleft() for _ in range(min(most, len(self._arrived)))]
        if not self._arrived:
            self._stirred.clear()
        return taken

    def check(self) -> None:
        """Raises BusUnavailable if the subscription is lost."""
        if self._lost is not None:
            raise BusUnavailable(why=self._lost)

    def lose(self, why: str) -> None:
        """From now on nothing comes. What arrived and was not taken is left to the broker, which gives it to others."""
        if self._lost is None:
            self._lost = why
        self._stirred.set()
        self._ended.set()

    async def on_message(self, message: AbstractIncomingMessage) -> None:
        self._arrived.append(message)
        self._stirred.set()

    async def watch(self, link: Link, queue: str) -> None:
        """Ask about the queue until no answer comes. A deleted queue closes the channel, which is an answer too."""
        while not await self._is_lost_within(WATCH_EVERY_S):
            try:
                with translated():
                    async with asyncio.timeout(ANSWER_S):
                        await self.channel.declare_queue(queue, passive=True)
            except BusUnavailable as silence:
                self.lose(silence.sentence())
                link.doubt()

    async def _is_lost_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        return self._ended.is_set()


@asynccontextmanager
async def subscribe(
    link: Link,
    prepare: Callable[[AbstractChannel], Awaitable[str]],
    prefetch: int | None,
    most_kept: int | None = None,
) -> AsyncIterator[Subscription]:
    """Subscribe to the queue that `prepare` declares and names.

    With `prefetch`, that many messages may be unacknowledged; without, messages need no acknowledgement. Leaving gives
    the unacknowledged ones back. Raises BusUnavailable, and what `prepare` raises of ours.
    """
    channel = await link.channel()
    subscription = Subscription(channel, most_kept)
    try:
        with translated():
            async with asyncio.timeout(ANSWER_S):
                queue = await prepare(channel)
                await _begin(subscription, queue, prefetch)
        watch = asyncio.create_task(subscription.watch(link, queue))
        try:
            yield subscription
        finally:
            # Its question is left to be answered: were it cancelled, the library would close the channel with the
            # question under way, and a channel that both sides close at once can take the whole connection with it.
            subscription.lose("the subscription is closed")
            await asyncio.wait([watch], timeout=CLOSE_S)
            watch.cancel()
    finally:
        await link.close_channel(channel)


async def _begin(subscription: Subscription, queue: str, prefetch: int | None) -> None:
    channel = subscription.channel
    channel.close_callbacks.add(lambda _channel, error: subscription.lose(f"the channel was closed: {error!r}"))
    below = await channel.get_underlay_channel()
    below.on_consumer_cancel_callbacks.add(lambda _frame: subscription.lose("the broker cancelled the consumer"))
    if prefetch is not None:
        await channel.set_qos(prefetch_count=prefetch)
    source = await channel.get_queue(queue, ensure=False)
    await source.consume(subscription.on_message, no_ack=prefetch is None)
