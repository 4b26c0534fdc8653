"""Reading a whole log from outside: every entry once, in order, in constant memory (one hash per level of the tree).

`LogVerifier` does to each entry, in this order:
1. parses it: a time, a newline, a leaf of the catalogue in its canonical form;
2. checks that `logged_at` does not go back;
3. adds its hash to the tree; `root` is then the root of everything added so far, `check` compares it with a tree head.

It verifies no signature, fetches nothing, and does not judge what leaves say; `client/auditor.py` does, with this.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.audit.leaves import Leaf, parse_entry
from shared.audit.tree import EMPTY_ROOT, hash_children, hash_leaf
from shared.audit.tree_head import TreeHead
from shared.errors import LedgerInvalid


@dataclass(frozen=True, slots=True)
class LoggedLeaf:
    """A leaf with its place: `index` from 0, `logged_at` aware UTC."""

    index: int
    logged_at: datetime
    leaf: Leaf


class LogVerifier:
    """Feed it entries with `add`; ask `root` or `check` at every size that a checkpoint is known for."""

    def __init__(self) -> None:
        self._size = 0
        self._complete: list[bytes] = []  # roots of the complete subtrees, one per set bit of the size, largest first
        self._logged_at: datetime | None = None

    @property
    def size(self) -> int:
        """Entries added so far."""
        return self._size

    def add(self, entry: bytes) -> LoggedLeaf:
        """The next entry. Raises LedgerInvalid naming the index, and then has not taken it."""
        try:
            logged_at, leaf = parse_entry(entry)
        except LedgerInvalid as broken:
            raise LedgerInvalid(why=f"entry {self._size}: {broken}") from None
        if self._logged_at is not None and logged_at < self._logged_at:
            raise LedgerInvalid(why=f"entry {self._size} was logged before the entry that it follows")
        self._logged_at = logged_at
        self._append(hash_leaf(entry))
        return LoggedLeaf(self._size - 1, logged_at, leaf)

    def root(self) -> bytes:
        """The root of the tree of the entries added so far, 32 bytes."""
        if not self._complete:
            return EMPTY_ROOT
        *larger, total = self._complete
        for subtree in reversed(larger):
            total = hash_children(subtree, total)
        return total

    def check(self, head: TreeHead) -> None:
        """Raises LedgerInvalid unless this head is of exactly the entries added so far. Looks at no signature."""
        if head.size != self._size:
            raise LedgerInvalid(why=f"the checkpoint is of {head.size} entries, {self._size} were read")
        if head.root != self.root():
            raise LedgerInvalid(why=f"the first {head.size} entries do not have the root that the checkpoint names")

    def _append(self, leaf_hash: bytes) -> None:
        total = leaf_hash
        carried = self._size
        while carried & 1:
            total = hash_children(self._complete.pop(), total)
            carried >>= 1
        self._complete.append(total)
        self._size += 1
