"""The ledger as one party sees it, entry by entry: one tree that only grows, whatever it is shown.

Rules:
1. An entry counts by its proof alone: a checkpoint that both of the log's keys signed and a quorum of the trust file's
   witnesses cosigned, and the entry's place under it.
2. Every checkpoint that is shown belongs to the one tree that was seen here before: the newest one is remembered, and
   each other is proved consistent with it. A log that shows this client another tree than everybody else has to show it
   that tree for ever, and is found out by the first checkpoint that comes over another road.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from client.register import Register
from shared.audit.checkpoint import VerifiedCheckpoint
from shared.audit.leaves import Leaf, parse_entry
from shared.audit.proofs import parse_proof
from shared.audit.quorum import rule_of
from shared.audit.tiles import TileHashReader
from shared.audit.tree import prove_consistency, verify_consistency
from shared.audit.tree_head import TreeHead
from shared.errors import LedgerInvalid, NotThere
from shared.keys.trust import Trust

_SIZE, _ROOT = "ledger-size", "ledger-root"
ReadTile = Callable[[str], bytes]
"""A tile of hashes by its path. Raises NotThere."""


@dataclass(frozen=True, slots=True)
class ProvenEntry:
    """An entry of the ledger. `logged_at` is the sequencer's clock, aware UTC."""

    index: int
    logged_at: datetime
    leaf: Leaf


class LedgerView:
    """Not for use from several threads."""

    def __init__(self, trust: Trust, register: Register, read_tile: ReadTile) -> None:
        self._rule = rule_of(trust)
        self._register = register
        self._read_tile = read_tile
        self._held: set[tuple[int, bytes]] = set()

    def prove(self, proof: str) -> ProvenEntry:
        """The entry that this tlog-proof carries. Raises LedgerInvalid, QuorumMissing."""
        proven = self._rule.verify_carried(parse_proof(proof.encode()))
        self._hold(proven.checkpoint.head)
        logged_at, leaf = parse_entry(proven.entry)
        return ProvenEntry(proven.index, logged_at, leaf)

    def believe(self, note: bytes) -> VerifiedCheckpoint:
        """This checkpoint, of the one tree that was seen here before. Raises LedgerInvalid, QuorumMissing."""
        checkpoint = self._rule.verify(note)
        self._hold(checkpoint.head)
        return checkpoint

    def reader(self, size: int) -> TileHashReader:
        """The hashes of the tree of this size, from the exchange's tiles."""
        return TileHashReader(size, lambda tile: self._read_tile(tile.path))

    def _hold(self, head: TreeHead) -> None:
        """Rule 2. Raises LedgerInvalid."""
        if (head.size, head.root) in self._held:
            return
        size = int(self._register.fact(_SIZE) or 0)
        known = TreeHead(head.origin, size, bytes.fromhex(self._register.fact(_ROOT) or "")) if size else head
        older, newer = (known, head) if known.size <= head.size else (head, known)
        try:
            steps = prove_consistency(older.size, newer.size, self.reader(newer.size))
            verify_consistency(older.size, older.root, newer.size, newer.root, steps)
        except (LedgerInvalid, NotThere) as broken:
            raise LedgerInvalid(
                why=f"its tree of {head.size} entries does not belong to the one of {known.size} that was seen here"
            ) from broken
        self._held.add((head.size, head.root))
        if head.size > size:
            self._register.note_facts({_SIZE: str(head.size), _ROOT: head.root.hex()})
