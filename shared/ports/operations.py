"""What an operator may see of the inside: how much waits where, and what nobody could process. Never a content.

Every method reads committed rows only, takes no lock, and raises StoreUnavailable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class MessagingFigures:
    """The rows of one service's messaging."""

    service: str
    parked: int
    next_due_at: datetime | None
    outbox: int
    oldest_outbox_at: datetime | None
    """When the oldest message was decided that the bus has not confirmed yet."""
    dead_letters: int


@dataclass(frozen=True)
class LedgerFigures:
    """`size` leaves have their place, `signed_size` of them are under a signed checkpoint."""

    size: int
    signed_size: int
    logged_at: datetime | None
    leaves_waiting: int
    """Frames of leaves without a place: each is of one transaction."""
    dead_letters: int
    """Frames of leaves that it gives no place."""


@dataclass(frozen=True)
class SetAside:
    """One dead letter, as far as it may be told: its frame stays sealed."""

    service: str
    number: int
    item: str | None
    """The id under which the logs name it; None for a whole frame that did not open."""
    type: str | None
    at: datetime
    attempts: int
    retries: int
    reason: str
    earlier: tuple[str, ...]
    """The reasons of the times before, the newest first."""


class Operations(Protocol):
    async def messaging(self) -> list[MessagingFigures]:
        """One for each consuming service, in the order of the queues."""

    async def ledger(self) -> LedgerFigures: ...

    async def letters(
        self, services: Sequence[str], reason: str | None, after: tuple[str, int] | None, limit: int
    ) -> list[SetAside]:
        """Service by service in the order of `services`, the newest first; `after` is the last one of the page before.

        `reason` is an error's code, or the name with which another reason begins.
        """

    async def letter(self, service: str, number: int) -> SetAside | None: ...
