"""The ledger's storage: insert-only leaves, tiles, checkpoints and signatures; and how they are read.

Promises:
1. A round is exclusive for as long as its transaction lives: a leader that lost its connection has lost the round.
2. Leaves, tiles and the intended checkpoint of one round are committed together; sizes are unique.
3. Nothing is ever updated or deleted but `leaf_waiting`; signatures are added after commit and may be remade.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.audit.tiles import Tile
from shared.ports.unit_of_work import DeadLetter


@dataclass(frozen=True)
class WaitingFrame:
    """A row of what waits, or of what was set aside: leaves in a sealed frame, or whatever else lies there."""

    id: int
    frame: bytes


@dataclass(frozen=True)
class PlacedLeaves:
    """The leaves of one round, side by side from index `first` on, all at one time: as lists, since an object for each
    would cost as much as to hash it."""

    first: int
    logged_at: datetime
    entries: Sequence[bytes]
    """`logged_at`, a newline, the leaf: what the tree hashes."""
    entry_hashes: Sequence[bytes]
    leaf_digests: Sequence[bytes]
    """`audit.leaves.digest_of_leaf`, by which its writer finds it again."""

    def __len__(self) -> int:
        return len(self.entries)


@dataclass(frozen=True)
class FullTile:
    """256 hashes of 32 bytes; `root` is the hash of the subtree that they span."""

    level: int
    number: int
    hashes: bytes
    root: bytes


@dataclass(frozen=True)
class TreeHead:
    size: int
    root: bytes
    logged_at: datetime
    seal: bytes | None = field(default=None, compare=False, repr=False)
    """By which a process of the ledger knows one that another placed (`audit.head_seal`)."""


@dataclass(frozen=True)
class KeptHead:
    """A head that this machine signed, or was about to."""

    size: int
    root: bytes


class HeadMemory(Protocol):
    """The newest head that this machine signed, or saw signed, kept outside the database: one that was set back cannot
    deny it.

    All ledgers of one machine share it, and it never goes backwards. A leader on another machine has its own, which may
    be behind.
    """

    def last(self) -> KeptHead | None:
        """As it is now, whichever process kept it; None before the first. Raises LedgerForked when it cannot be
        read, or differs from what this process knows."""

    async def keep(self, head: KeptHead, over: KeptHead | None) -> bool:
        """Keep this head, which was found to continue `over`. Durable on return.

        False when another process has kept a head meanwhile that is neither: then this one must not be signed before it
        was held against that. Raises StoreUnavailable: then it must not be signed either; LedgerForked.
        """


class Round(Protocol):
    async def head(self) -> TreeHead | None: ...

    async def waiting(self, most: int, most_bytes: int) -> list[WaitingFrame]:
        """The oldest waiting frames, by id: at most `most`, and none behind the first `most_bytes` bytes.

        Of a frame that is longer than LEAF_FRAME_MOST_BYTES one byte more than these is read.
        """

    async def letters(self, after: int, most: int) -> list[WaitingFrame]:
        """Frames that were set aside, by the number of the letter, the ones behind `after`."""

    async def placed(self, digests: Collection[bytes], size: int) -> set[bytes]:
        """Which of these leaves, by digest, have a place in the tree of that size, by a column that no hash covers."""

    async def entries(self, first: int, count: int) -> list[bytes]:
        """Entries in order, as `Ledger.entries`."""

    async def edge(self, size: int) -> dict[tuple[int, int], bytes]:
        """The hashes of the partial tile of each level at this size: (level, number) → up to 255 hashes, joined."""

    async def append(
        self, leaves: PlacedLeaves, tiles: Sequence[FullTile], head: TreeHead, placed: Sequence[int]
    ) -> None:
        """Insert leaves, tiles that became full, and the intended checkpoint; remove the waiting rows `placed`."""

    async def set_aside(self, letters: Sequence[DeadLetter], waiting: Sequence[int]) -> None:
        """Keep these for the operator; remove the waiting rows that they are made of."""

    async def forget_letters(self, numbers: Sequence[int]) -> None:
        """These letters have their place now."""

    async def commit(self) -> None: ...


class Ledger(Protocol):
    def round(self) -> AbstractAsyncContextManager[Round | None]:
        """None when another process leads just now. Raises StoreUnavailable."""

    async def rests_at(self) -> int | None:
        """The size of the tree if its newest head is signed and no leaf waits; None while there is something to do."""

    async def unsigned_head(self) -> TreeHead | None:
        """The newest committed head if it has no note yet."""

    async def publish_note(self, size: int, note: bytes) -> None:
        """Keep the signed checkpoint note of a committed head; a second note for the same size is ignored."""

    async def checkpoint(self) -> bytes | None:
        """The newest signed note that may be served, with all cosignatures that are there."""

    async def checkpoint_size(self) -> int:
        """Of the newest note that may be served."""

    async def tile(self, level: int, number: int, width: int) -> bytes | None:
        """`width` hashes of a tile (1–256), joined; None where the tree has not so many."""

    async def tiles(self, wanted: Collection[Tile]) -> dict[Tile, bytes]:
        """Several at once; those that the tree has not are left out."""

    async def entries(self, first: int, count: int) -> list[bytes]:
        """Entries in order; fewer at the end of the tree."""

    async def index_of(self, leaf_digest: bytes) -> int | None: ...
