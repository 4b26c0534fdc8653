"""Publishing with proof: a frame is `confirmed` only when the broker said so.

Rules:
1. Mandatory, persistent, with publisher confirms; an unroutable frame is returned by the broker before it is confirmed,
   and raises here: without `mandatory` the broker would confirm what it threw away.
2. Frames go out together and wait together: one limit for all of them.
3. Nothing raises. Refused is what the broker refused; everything else that is not a confirm is failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, DeliveryError, PublishError

from shared.adapters.amqp.link import Link
from shared.adapters.amqp.topology import Declarations, entry, work_queue
from shared.errors import BusUnavailable, SettingsRefused
from shared.ports.bus import Outcome, Outgoing


class Publisher:
    """Publishes to the work queues of one prefix, on one channel that is opened anew when it was lost."""

    def __init__(self, link: Link, prefix: str, queues: Sequence[str], declarations: Declarations) -> None:
        self._link = link
        self._prefix = prefix
        self._declarations = declarations
        self._queues = queues
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()

    async def ready(self) -> AbstractChannel:
        """The open channel, queues declared. Raises BusUnavailable, SettingsRefused."""
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                await self._declarations.ensure(self._link, self._queues)
                self._channel = await self._link.channel(confirms=True)
            return self._channel

    async def publish(self, frames: Sequence[Outgoing], timeout_s: float) -> list[Outcome]:
        if not frames:
            return []
        clock = asyncio.get_running_loop()
        give_up_at = clock.time() + timeout_s
        try:
            async with asyncio.timeout_at(give_up_at):
                channel = await self.ready()
        except (BusUnavailable, SettingsRefused, TimeoutError):
            return [Outcome.failed] * len(frames)
        tasks = [asyncio.create_task(self._publish_one(channel, frame)) for frame in frames]
        try:
            await asyncio.wait(tasks, timeout=max(0.0, give_up_at - clock.time()))
        finally:
            unanswered = [task for task in tasks if task.cancel()]
        if unanswered:
            self._link.doubt()
        return [_outcome(task) for task in tasks]

    async def _publish_one(self, channel: AbstractChannel, outgoing: Outgoing) -> Outcome:
        if outgoing.destination not in self._queues:  # an exchange that is not there would close everybody's channel
            return Outcome.failed
        message = Message(outgoing.frame, delivery_mode=DeliveryMode.PERSISTENT)
        routing_key = work_queue(self._prefix, outgoing.destination)
        try:
            exchange = await channel.get_exchange(entry(self._prefix, outgoing.destination), ensure=False)
            await exchange.publish(message, routing_key, mandatory=True)
        except PublishError:  # returned: no such queue
            return Outcome.failed
        except DeliveryError:  # nack: the queue is at its limit
            return Outcome.refused
        except CONNECTION_EXCEPTIONS:
            return Outcome.failed
        return Outcome.confirmed


def _outcome(task: asyncio.Task[Outcome]) -> Outcome:
    """A task not done was given up just now; the library cancels one too, when it closes a lost channel."""
    return task.result() if task.done() and not task.cancelled() else Outcome.failed
