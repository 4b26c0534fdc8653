"""The bus between services: durable, confirmed, bounded with refusal, redelivered, at least once.

Both adapters keep the same promises, held by one conformance suite (`tests/conformance/test_bus*.py`):
1. `publish` returns `confirmed` only for a frame that survives a restart of the broker and of this process.
2. A queue at its limit refuses the frame; nothing is dropped silently.
3. A delivered frame that is not acknowledged is delivered again, to this consumer or to another, after the consumer is
   closed or its process dies. It may be delivered twice: consumers claim item ids.
4. A frame delivered more than `DELIVERY_LIMIT` times is set aside and comes out of `drain_dead`.
5. Order is not promised.
Frames are opaque sealed bytes; the bus reads nothing in them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Outcome(Enum):
    confirmed = "confirmed"
    refused = "refused"  # the queue is full: back off, the row waits in the outbox
    failed = "failed"  # no answer in time or connection lost: the frame may or may not be there


@dataclass(frozen=True)
class Outgoing:
    destination: str
    frame: bytes


@dataclass(frozen=True)
class Delivery:
    """One frame as received. `tag` means something to its consumer only."""

    frame: bytes
    tag: int


class Consumer(Protocol):
    async def take(self, most: int, wait_s: float) -> list[Delivery]:
        """Up to `most` frames, as soon as at least one is there; empty after `wait_s` seconds without any.

        Raises BusUnavailable when the subscription is lost; the caller closes this consumer and opens another.
        """

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Forget these frames for good. Raises BusUnavailable; they may then come again."""

    async def release(self, deliveries: Sequence[Delivery]) -> None:
        """Give these frames back at once, for anybody."""


class Bus(Protocol):
    async def publish(self, frames: Sequence[Outgoing], timeout_s: float) -> list[Outcome]:
        """Publish, pipelined; one outcome per frame, in order, within `timeout_s`. Never raises."""

    def consume(self, queue: str, prefetch: int) -> AbstractAsyncContextManager[Consumer]:
        """Subscribe to a work queue; at most `prefetch` frames unacknowledged. Leaving the context releases them.

        Raises BusUnavailable on entry.
        """

    async def drain_dead(self, queue: str, most: int, keep: Callable[[list[bytes]], Awaitable[None]]) -> int:
        """Hand frames that the bus set aside for this queue to `keep`, and remove them once it returned.

        Returns how many there were. Raises BusUnavailable, and whatever `keep` raises: then they stay where they are.
        """

    async def depth(self, queue: str) -> int:
        """Frames waiting in the queue, without those that consumers hold. For people, not for flow control.

        Raises BusUnavailable.
        """

    async def dead_depth(self, queue: str) -> int:
        """Frames that the bus set aside for this queue and nobody drained yet. Raises BusUnavailable."""

    async def open(self) -> None:
        """Connect and declare what there is to declare. Raises BusUnavailable; SettingsRefused for queues of another
        shape. A bus that was not opened opens on first use.
        """

    async def ping(self) -> None:
        """Raises BusUnavailable unless the broker answers now."""

    async def close(self) -> None: ...


class Wakeups(Protocol):
    """A lossy hint that something may be there. A waiter registers, reads, waits at most 1 s, reads again."""

    async def announce(self, frame: bytes) -> None:
        """Tell every gateway, at most once, without confirm. Never raises, never waits longer than 1 s."""

    def listen(self) -> AbstractAsyncContextManager[WakeupListener]: ...


class WakeupListener(Protocol):
    async def next(self) -> bytes:
        """The next announced frame; waits for ever. A lost connection is re-established silently: hints may be lost."""
