"""Whether one tree continues another, by the tiles of whoever serves them."""

from __future__ import annotations

from client.ledger_source import LedgerSource
from shared.audit.tiles import TileHashReader
from shared.audit.tree import prove_consistency, verify_consistency
from shared.audit.tree_head import TreeHead
from shared.errors import LedgerInvalid


def check_continues(older: TreeHead, newer: TreeHead, source: LedgerSource) -> None:
    """The older tree is a beginning of the newer one, by the newer one's tiles. Raises LedgerInvalid, NotThere."""
    steps = []
    if older.size <= newer.size:
        reader = TileHashReader(newer.size, lambda tile: source.read(tile.path))
        steps = prove_consistency(older.size, newer.size, reader)
    verify_consistency(older.size, older.root, newer.size, newer.root, steps)


def difference_between(one: TreeHead, other: TreeHead, source: LedgerSource) -> str | None:
    """Why these two signed heads cannot be of one log that only grows, in words; None if they are of one. Raises
    NotThere where the source lacks the tiles that would show it."""
    older, newer = sorted((one, other), key=lambda head: head.size)
    try:
        check_continues(older, newer, source)
    except LedgerInvalid as broken:
        return str(broken)
    return None
