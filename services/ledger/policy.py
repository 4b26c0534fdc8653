"""Where waiting leaves go, purely: the next entries, the tiles that become full, and the head that may be signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.audit.leaves import encode_entries
from shared.audit.tiles import TileReader, build_tiles, root_from_tiles
from shared.audit.tree import hash_leaf
from shared.domain.ids import encode_time, parse_time
from shared.errors import LedgerForked, LedgerInvalid
from shared.ports.ledger import FullTile, KeptHead, PlacedLeaves, TreeHead

Edge = Mapping[tuple[int, int], bytes]
"""The partial tile of each level at one size."""


@dataclass(frozen=True)
class PlannedRound:
    leaves: PlacedLeaves
    tiles: tuple[FullTile, ...]
    head: TreeHead


def plan_round(head: TreeHead | None, edge: Edge, waiting: Mapping[bytes, bytes], now: datetime) -> PlannedRound:
    """Append these leaves, by their digests and in this order, to the tree of `head`. `edge` holds its partial tiles.

    `logged_at` never goes backwards, whatever the clock does. Raises LedgerForked when the stored tiles do not make the
    root that was committed: then nothing more may be signed.
    """
    size = head.size if head else 0
    check_root(head, edge)
    logged_at = max(now, head.logged_at) if head else now
    logged_at = parse_time(encode_time(logged_at))  # as the entry will say it, to the microsecond
    leaves = _place(size, logged_at, waiting)
    appended = build_tiles(size, leaves.entry_hashes, _reader(edge))
    full = tuple(
        FullTile(tile.level, tile.index, appended.tiles[tile], root) for tile, root in appended.hashed_up.items()
    )
    return PlannedRound(leaves, full, TreeHead(appended.size, appended.root, logged_at))


def check_root(head: TreeHead | None, edge: Edge) -> None:
    """Raises LedgerForked unless the stored tiles are all there and make the committed root."""
    if head is None:
        return
    try:
        root = root_from_tiles(head.size, _reader(edge))
    except (LedgerInvalid, LookupError) as missing:
        raise LedgerForked(why=f"tiles of size {head.size} are missing or cut") from missing
    if root != head.root:
        raise LedgerForked(why=f"the tiles of size {head.size} do not make the committed root")


def check_kept(head: TreeHead | None, kept: KeptHead | None, edge: Edge, *, is_own: bool = True) -> None:
    """Raises LedgerForked unless the database continues the head that this machine signed last, or another one holds.

    `edge` holds the partial tiles at the size of `kept`. A database that was set back would place other leaves where
    signed ones stood, and sign a second tree of the same size.
    """
    if kept is None:
        return
    size = head.size if head else 0
    if head is None or size < kept.size:
        if is_own:
            raise LedgerForked(why=f"this machine signed {kept.size} entries, the database has {size}")
        raise LedgerForked(
            why=f"a witness or the published copy holds a signed checkpoint of {kept.size} entries, the database has"
            f" {size}"
        )
    if (head.size, head.root) != (kept.size, kept.root):
        try:
            check_root(TreeHead(kept.size, kept.root, head.logged_at), edge)
        except LedgerForked as other:
            if is_own:
                raise LedgerForked(why=f"the database's first {kept.size} entries are not those signed here") from other
            raise LedgerForked(
                why=f"the database's first {kept.size} entries are not those of a signed checkpoint that a witness or"
                " the published copy holds"
            ) from other


def hash_on(size: int, edge: Edge, hashes: Sequence[bytes]) -> bytes:
    """The root of the tree of `size` that has these partial tiles, with these leaf hashes appended.

    Raises LedgerForked where tiles are missing.
    """
    try:
        return build_tiles(size, hashes, _reader(edge)).root
    except (LedgerInvalid, LookupError) as missing:
        raise LedgerForked(why=f"tiles of size {size} are missing or cut") from missing


def _place(size: int, logged_at: datetime, waiting: Mapping[bytes, bytes]) -> PlacedLeaves:
    entries = encode_entries(logged_at, waiting.values())
    return PlacedLeaves(size, logged_at, entries, [hash_leaf(entry) for entry in entries], list(waiting))


def _reader(edge: Edge) -> TileReader:
    return lambda tile: edge[tile.level, tile.index]
