"""What stands at the broker: per work queue a direct exchange, a quorum queue and its dead queue; and one fanout.

Rules:
1. Names are the prefix and the logical name: they name no authority.
2. All arguments are explicit, because the broker's defaults differ between 3.10 and 4.x.
3. Each work queue has an exchange of its own, so that a right to publish is a right to publish there. Through the
   default exchange, whoever may publish at all reaches every queue.
4. A user who may not declare finds everything declared (`definitions`), and goes on without.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from typing import Any, Final

import structlog
from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelPreconditionFailed
from aiormq.exceptions import ChannelAccessRefused

from shared.adapters.amqp.link import ANSWER_S, Link, translated
from shared.contracts.topology import DELIVERY_LIMIT, QUEUE_LIMIT, WAKEUPS
from shared.errors import SettingsRefused

log = structlog.get_logger()

UNLIMITED_DELIVERIES: Final = 1_000_000_000
"""For dead queues, which must lose nothing: since 4.0 a quorum queue without this argument has a limit of 20."""

HINTS_KEPT: Final = 1000
"""Wake-ups that one listener may be behind; older ones are dropped."""


LISTENER_BYTES: Final = 8
"""Of a listener's name, in hex behind the fanout's."""


def work_queue(prefix: str, queue: str) -> str:
    return f"{prefix}{queue}"


def dead_queue(prefix: str, queue: str) -> str:
    return f"{prefix}{queue}.dead"


def entry(prefix: str, queue: str) -> str:
    """The exchange through which frames come into a work queue. No queue has this name: rights go by name alone."""
    return f"{prefix}to.{queue}"


def fanout(prefix: str) -> str:
    return f"{prefix}{WAKEUPS}"


def dead_arguments() -> dict[str, Any]:
    return {"x-queue-type": "quorum", "x-delivery-limit": UNLIMITED_DELIVERIES}


def work_arguments(prefix: str, queue: str) -> dict[str, Any]:
    return {
        "x-queue-type": "quorum",
        "x-max-length": QUEUE_LIMIT,
        # Else a full queue drops its oldest frame, and at-least-once dead-lettering silently becomes at-most-once.
        "x-overflow": "reject-publish",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead_queue(prefix, queue),
        "x-dead-letter-strategy": "at-least-once",
    }


class Declarations:
    """Declares what this process needs, each time that it connects: a broker that is back may have nothing in it."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._are_others_business = False

    async def ensure(self, link: Link, queues: Iterable[str]) -> None:
        """These work queues with their exchanges and dead queues, and the fanout; no effect on what exists.

        For a user without the right to declare, no effect at all. Raises BusUnavailable; SettingsRefused for what
        exists with other arguments.
        """
        if self._are_others_business:
            return
        channel = await link.channel()
        try:
            with translated():
                async with asyncio.timeout(ANSWER_S):
                    await self._declare(channel, queues)
        finally:
            await link.close_channel(channel)

    async def _declare(self, channel: AbstractChannel, queues: Iterable[str]) -> None:
        try:
            await channel.declare_exchange(fanout(self._prefix), ExchangeType.FANOUT, durable=True)
            for queue in queues:
                await self._declare_queue(channel, queue)
        except ChannelPreconditionFailed as other:
            raise SettingsRefused(why=f"the broker has this queue with other arguments ({other})") from other
        except ChannelAccessRefused as refused:
            self._are_others_business = True
            log.info("bus.declared-by-others", why=str(refused))

    async def _declare_queue(self, channel: AbstractChannel, queue: str) -> None:
        # The dead queue first: frames set aside for a queue that is not there would wait unseen at the head of theirs.
        dead = dead_queue(self._prefix, queue)
        await channel.declare_queue(dead, durable=True, arguments=dead_arguments())
        name = work_queue(self._prefix, queue)
        work = await channel.declare_queue(name, durable=True, arguments=work_arguments(self._prefix, queue))
        exchange = await channel.declare_exchange(entry(self._prefix, queue), ExchangeType.DIRECT, durable=True)
        await work.bind(exchange, routing_key=name)


async def declare_listener_queue(channel: AbstractChannel, prefix: str) -> str:
    """A queue for one listener, gone with its connection. Returns its name. The fanout is there."""
    queue = await channel.declare_queue(
        f"{fanout(prefix)}.{secrets.token_hex(LISTENER_BYTES)}",
        exclusive=True,
        auto_delete=True,
        arguments={"x-max-length": HINTS_KEPT, "x-overflow": "drop-head"},
    )
    await queue.bind(fanout(prefix))
    return queue.name
