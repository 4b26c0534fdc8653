"""Which leaves were placed lately: as the entries say that the signed tree holds, not as a column that nothing covers.

Rules:
1. An entry counts when it is read back with the hashes that make the root of the head, which bears the ledger's seal.
2. What was sealed at a time was not placed before it, clocks apart: the sequencer places nothing that is dated further
   ahead. So a leaf that is in no entry since then has no place yet.
3. What was placed by this process is remembered. Older entries are read when a waiting frame is older than they are:
   at the start, and after an outage, in which few were placed. How many at most is a setting; of a frame that is older
   nothing is placed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import repeat
from typing import Final

from services.ledger.policy import hash_on
from shared.audit.leaves import digest_of_leaf, split_entry
from shared.audit.tree import hash_leaf
from shared.errors import LeafInvalid, LedgerForked
from shared.frame.open import FUTURE_S
from shared.ports.ledger import PlacedLeaves, Round, TreeHead

READ_BACK: Final = 100_000
"""Entries that a process reads back at most; so many it remembers however old they are."""
REMEMBERED_MOST: Final = 1_000_000
REMEMBERED_FOR: Final = timedelta(hours=1)
"""Beyond these it forgets, the oldest first."""
_TOGETHER: Final = 500
_CLOCKS_APART: Final = timedelta(seconds=FUTURE_S)


class RecentLeaves:
    """The digests of the newest leaves of one tree."""

    def __init__(self, read_back: int = READ_BACK) -> None:
        self._read_back = read_back
        self._begin(None)

    def _begin(self, head: TreeHead | None) -> None:
        self._head = head
        self._first, self._root = (head.size, head.root) if head else (0, b"")
        """The first entry that it knows, and the root of the tree before it, while it may read more."""
        self._placed: deque[bytes] = deque()
        self._placed_at: deque[datetime] = deque()
        self._digests: set[bytes] = set()

    def holds(self, digests: Collection[bytes]) -> set[bytes]:
        """Those that have a place, as far back as it knows."""
        return self._digests.intersection(digests)

    def knows_since(self, at: datetime) -> bool:
        """Whether it knows every entry that was placed since this time, by any clock."""
        return self._first == 0 or (bool(self._placed) and self._placed_at[0] < at - _CLOCKS_APART)

    def knows(self, head: TreeHead | None, since: datetime) -> bool:
        """Whether it knows every entry under this head that was placed since then: nobody else has led meanwhile."""
        return head == self._head and self.knows_since(since)

    async def look_back(self, round_: Round, head: TreeHead | None, since: datetime) -> None:
        """Know the entries under this head since then, if there are not too many. Raises LedgerForked."""
        if head != self._head:
            self._begin(head)
        while not self.knows_since(since) and len(self._placed) < self._read_back:
            await self._read_more(round_)

    def add(self, leaves: PlacedLeaves, head: TreeHead) -> None:
        """What this process placed on the head that it looked back from, and committed."""
        self._head = head
        self._placed.extend(leaves.leaf_digests)
        self._placed_at.extend(repeat(leaves.logged_at, len(leaves)))
        self._digests.update(leaves.leaf_digests)
        kept_since = head.logged_at - REMEMBERED_FOR
        while len(self._placed) > self._read_back and (
            len(self._placed) > REMEMBERED_MOST or self._placed_at[0] < kept_since
        ):
            self._digests.discard(self._placed.popleft())
            self._placed_at.popleft()
            self._first += 1

    async def _read_more(self, round_: Round) -> None:
        first = max(0, self._first - min(_TOGETHER, self._read_back - len(self._placed)))
        entries = await round_.entries(first, self._first - first)
        edge = await round_.edge(first)
        try:
            root = hash_on(first, edge, [hash_leaf(entry) for entry in entries])
            read = [split_entry(entry) for entry in entries]
        except (LedgerForked, LeafInvalid, TypeError) as broken:
            raise LedgerForked(why=f"the entries from {first} on cannot be read: {broken}") from broken
        if len(entries) != self._first - first or root != self._root:
            raise LedgerForked(why=f"the entries from {first} to {self._first} are not those of the tree")
        for logged_at, leaf in reversed(read):
            digest = digest_of_leaf(leaf)
            self._placed.appendleft(digest)
            self._placed_at.appendleft(logged_at)
            self._digests.add(digest)
        self._first, self._root = first, hash_on(first, edge, []) if first else b""
