"""One transaction of one service: inbox, state, outbox and leaves stand or fall together.

Promises:
1. Nothing is visible or durable before `commit` returns; leaving without commit undoes everything.
2. `load` locks the rows that it returns until the end of the unit (`FOR UPDATE`, sorted by key, tables in one order).
3. An `Insert` of a key that exists raises StoreConflict at `write`: the caller rolls back and decides again. A value
   that no row can hold raises StoreRefused.
4. StoreUnavailable means that nothing is known to be committed, unless it was raised by `commit` itself.
Never use the bus inside a unit of work.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, TypeVar

from shared.contracts.messages import ServiceMessage
from shared.contracts.records import Key, Record
from shared.frame.items import Item

R = TypeVar("R", bound=Record)

WHOLE_FRAME: Final = -1
EARLIER_REASONS: Final = 5
OVERSIZE_KEPT: Final = 4096
"""Bytes that a dead letter keeps of a frame that is too large to be one: it can never be opened, and fills the disk."""

SEALED_ROW: Final = ("row", 1)
"""Type and version of the item in the seal of a parked item or a dead letter: the digest of what the row says."""
LEAF_ITEM: Final = ("leaf", 1)
"""Type and version of an item that is a leaf on its way to the ledger."""
LEAF_FRAME_LEAVES: Final = 100
LEAF_FRAME_BYTES: Final = 1024 * 1024
"""Leaves in one waiting frame, and their bytes together, at most: what waits is read in bounded pieces."""
LEAF_FRAME_MOST_BYTES: Final = LEAF_FRAME_BYTES + 64 * 1024
"""The frame around them; a longer row is none."""


@dataclass(frozen=True, slots=True)
class SealedPart:
    """Sealed bytes, and the message that they came with; None for what was uploaded before."""

    message: str | None
    data: bytes


@dataclass
class Effects:
    """What one message does, decided in full before anything is written."""

    inserts: list[Record] = field(default_factory=list)
    updates: list[Record] = field(default_factory=list)
    publishes: list[ServiceMessage] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    parts: dict[str, SealedPart] = field(default_factory=dict)
    """Sealed parts to keep, by the b64u SHA-256 of their bytes."""
    wakes: set[str] = field(default_factory=set)
    """Authorities whose feeds advanced."""


class View(Protocol):
    """The rows that a handler asked for, with the effects of earlier messages of the batch."""

    def get(self, record: type[R], *key: object) -> R | None:
        """The row, or None if there is none. Raises LookupError for a key that `needs` did not name."""


@dataclass(frozen=True)
class OutboxRow:
    """Messages for one destination that are decided and not yet confirmed by the bus: one frame, however often it is
    published. The id of an item is its de-duplication key for ever."""

    id: str
    destination: str
    items: tuple[Item, ...]


class RowSeal(Protocol):
    """What stands in the database between a service and whoever speaks or signs for it: sealed and authentic."""

    def seal_outbox(self, messages: Sequence[ServiceMessage]) -> list[tuple[OutboxRow, bytes]]:
        """The rows of these messages, each with the frame to be kept of it. Raises FrameTooLarge."""

    def open_outbox(self, row_id: str, frame: bytes) -> OutboxRow:
        """The row in a frame that a process of this service sealed.

        Raises FrameRefused for any other, MessageTypeUnknown where a newer program wrote it.
        """

    def seal_leaves(self, leaves: Sequence[bytes]) -> list[bytes]:
        """The frames of these leaves, in their order, for the ledger."""

    def seal_parked(self, item: ParkedItem) -> bytes:
        """What says that a process of this service put this item off."""

    def seal_letter(self, letter: DeadLetter) -> bytes:
        """What says that a process of this service set this aside."""

    def when_parked(self, item: ParkedItem, seal: bytes | None) -> datetime | None:
        """When a process of this service put this item off, as it is here; None where none did."""

    def is_own_letter(self, letter: DeadLetter, seal: bytes | None) -> bool:
        """Whether a process of this service set this aside, as it is here."""


@dataclass(frozen=True)
class ParkedItem:
    """One item of a frame that waits for its time; or a whole frame that never opened (`ordinal` WHOLE_FRAME).

    `retries` counts how often an operator took it out of the dead letters, `earlier` says why it had been there.
    """

    id: str
    frame: bytes
    ordinal: int
    attempts: int
    first_at: datetime
    retries: int = 0
    earlier: str = ""
    parked_at: datetime | None = field(default=None, compare=False)
    """Of a row that was read: when a process of this service wrote it. None where none did."""


@dataclass(frozen=True)
class DeadLetter:
    """One item (or a whole undecodable frame: `id` None) that nobody could process, and why.

    `earlier` holds the reasons of the times before, one a line, the newest first, at most EARLIER_REASONS.
    """

    id: str | None
    frame: bytes
    ordinal: int
    reason: str
    at: datetime
    type: str | None = None
    attempts: int = 0
    retries: int = 0
    earlier: str = ""


class UnitOfWork(Protocol):
    async def claim(self, item_ids: Sequence[str]) -> set[str]:
        """Mark these items as received; returns those that were new."""

    async def forget_claims(self, before: datetime, most: int) -> int:
        """Forget at most `most` items that were received before this time, the oldest first; how many."""

    async def load(self, keys: Iterable[Key]) -> dict[Key, Record]:
        """The rows that exist, one SELECT per table, locked."""

    async def write(self, effects: Effects) -> list[OutboxRow]:
        """Write everything by executemany; returns the outbox rows, to publish after commit.

        Raises StoreConflict, StoreRefused.
        """

    async def prune_parts(self, messages: Sequence[str]) -> set[str]:
        """Remove the sealed parts that came with these messages; returns the messages that had any."""

    async def hold_parked(self, item_id: str) -> bool:
        """Lock one parked item; False when it is gone or another holds it."""

    async def park(self, items: Sequence[tuple[ParkedItem, datetime, str]]) -> None:
        """Let these items wait until a time, with the reason; a parked one again, or a new one."""

    async def unpark(self, item_ids: Sequence[str]) -> None:
        """These parked items are done."""

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keep these for the operator, with their reason."""

    async def take_letter(self, letter: int) -> DeadLetter | None:
        """Remove one dead letter; None when there is none with this id, or no more.

        One that no process of this service set aside is worth its frame alone: it comes as a whole frame (`id` None).
        """

    async def take_overdue_outbox(self, most: int) -> list[OutboxRow]:
        """Outbox rows overdue by the database's clock; pushed back by 10 s so that other relays skip them.

        A row that is not of this service's making becomes a dead letter. One that a newer program wrote stays.
        """

    async def forget_outbox(self, ids: Sequence[str]) -> None:
        """These rows are confirmed."""

    async def commit(self) -> None: ...


class UnitsOfWork(Protocol):
    """Opens units of work for one service."""

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Raises StoreUnavailable."""

    async def oldest_outbox_age_s(self) -> float:
        """Seconds since the oldest unconfirmed outbox row became due to be relayed; 0 when there is none."""

    async def list_due(self, most: int, now: datetime) -> list[ParkedItem]:
        """Parked items whose time has come; not locked, somebody else may be at them."""
