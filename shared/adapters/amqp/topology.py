"""What stands at the broker: per work queue a quorum queue and its dead queue, and one fanout exchange.

Names are the prefix and the logical name: they name no authority. All arguments are explicit, because the broker's
defaults differ between 3.10 and 4.x.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Final

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractExchange
from aio_pika.exceptions import ChannelPreconditionFailed

from shared.contracts.topology import DELIVERY_LIMIT, QUEUE_LIMIT, WAKEUPS
from shared.errors import SettingsRefused

UNLIMITED_DELIVERIES: Final = 1_000_000_000
"""For dead queues, which must lose nothing: since 4.0 a quorum queue without this argument has a limit of 20."""

HINTS_KEPT: Final = 1000
"""Wake-ups that one listener may be behind; older ones are dropped."""


def work_queue(prefix: str, queue: str) -> str:
    return f"{prefix}{queue}"


def dead_queue(prefix: str, queue: str) -> str:
    return f"{prefix}{queue}.dead"


async def declare_queues(channel: AbstractChannel, prefix: str, queues: Iterable[str]) -> None:
    """Declare work queues and their dead queues; no effect on those that exist.

    Raises SettingsRefused for a queue that exists with other arguments, and what the library raises for a lost broker.
    """
    for queue in queues:
        try:
            await _declare_queue(channel, prefix, queue)
        except ChannelPreconditionFailed as other:
            raise SettingsRefused(why=f"the broker has this queue with other arguments ({other})") from other


async def _declare_queue(channel: AbstractChannel, prefix: str, queue: str) -> None:
    dead = dead_queue(prefix, queue)
    # The dead queue first: frames set aside for a queue that is not there would wait unseen at the head of their own.
    await channel.declare_queue(
        dead,
        durable=True,
        arguments={"x-queue-type": "quorum", "x-delivery-limit": UNLIMITED_DELIVERIES},
    )
    await channel.declare_queue(
        work_queue(prefix, queue),
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-max-length": QUEUE_LIMIT,
            # Else a full queue drops its oldest frame, and at-least-once dead-lettering silently becomes at-most-once.
            "x-overflow": "reject-publish",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead,
            "x-dead-letter-strategy": "at-least-once",
        },
    )


async def declare_fanout(channel: AbstractChannel, prefix: str) -> AbstractExchange:
    """The exchange of the wake-ups; it holds nothing, so it need not survive a restart."""
    return await channel.declare_exchange(f"{prefix}{WAKEUPS}", ExchangeType.FANOUT)


async def declare_listener_queue(channel: AbstractChannel, prefix: str) -> str:
    """A queue for one listener, gone with its connection. Returns its name."""
    fanout = await declare_fanout(channel, prefix)
    queue = await channel.declare_queue(
        f"{prefix}{WAKEUPS}.{secrets.token_hex(8)}",
        exclusive=True,
        auto_delete=True,
        arguments={"x-max-length": HINTS_KEPT, "x-overflow": "drop-head"},
    )
    await queue.bind(fanout)
    return queue.name
