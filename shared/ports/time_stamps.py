"""Time-stamps over checkpoints of the ledger: how an authority is asked, and where what it gave is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.audit.tree_head import TreeHead


@dataclass(frozen=True)
class KeptStamp:
    """`authority` is the host of its address, `at` the ledger's clock when it came, `token` a TimeStampResp in DER over
    the tree head of `size` entries."""

    size: int
    authority: str
    at: datetime
    token: bytes


class StampAuthority(Protocol):
    @property
    def name(self) -> str: ...

    async def stamp(self, head: TreeHead) -> bytes:
        """Its response, verified. Raises StampAuthorityUnreachable, StampInvalid."""
        ...


class TimeStamps(Protocol):
    """Insert-only. Raises StoreUnavailable."""

    async def newest(self) -> dict[str, KeptStamp]:
        """The last one of each authority, by its name."""

    async def add(self, stamp: KeptStamp) -> None:
        """Durable on return. A second one of the same authority and size is ignored."""

    async def covering(self, size: int, most: int) -> list[KeptStamp]:
        """Those over trees of at least `size` entries, the smallest tree first; at most `most`."""
