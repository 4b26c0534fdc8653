"""Tiles of the ledger as its tables hold them, any number by one statement.

A full tile is a row. A partial one is made of the hashes of its leaves, or of the roots of the full tiles below it.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Select, bindparam, literal_column, select, union_all

from shared.adapters.sql.prepared import Prepared
from shared.adapters.sql.wires import Wire
from shared.adapters.tables import METADATA
from shared.audit.tiles import TILE_WIDTH, Tile

_LEAF: Final = METADATA.tables["ledger_leaf"]
_TILE: Final = METADATA.tables["ledger_tile"]
_FULL: Final = -1
"""As a level to read from; the others are 0 for hashes of leaves and 1 for roots of tiles."""
_SHAPES_KEPT: Final = 128


async def read_tiles(wire: Wire, wanted: Collection[Tile]) -> dict[Tile, bytes]:
    """Those that are there, whole."""
    if not wanted:
        return {}
    tiles = sorted(wanted, key=lambda tile: (_source(tile), tile))
    given: dict[str, int] = {}
    for place, tile in enumerate(tiles):
        source = _source(tile)
        if source != 0:
            given[f"level_{place}"] = tile.level - max(0, source)
        given[f"first_{place}"] = tile.index if source == _FULL else tile.index * TILE_WIDTH
        if source != _FULL:
            given[f"end_{place}"] = given[f"first_{place}"] + tile.width
    rows = await wire.columns(_reading(tuple(map(_source, tiles)), wire.is_sqlite), given)
    found: list[list[bytes]] = [[] for _ in tiles]
    for _, place, hash_ in sorted(zip(rows["number"], rows["place"], rows["hash"], strict=True)):
        found[place].append(hash_)
    read = {tile: b"".join(hashes) for tile, hashes in zip(tiles, found, strict=True)}
    return {tile: hashes for tile, hashes in read.items() if len(hashes) == tile.byte_length}


def _source(tile: Tile) -> int:
    return _FULL if tile.width == TILE_WIDTH else min(tile.level, 1)


@lru_cache(_SHAPES_KEPT)
def _reading(sources: tuple[int, ...], is_sqlite: bool) -> Prepared:
    return Prepared(union_all(*(_part(place, source) for place, source in enumerate(sources))), is_sqlite)


def _part(place: int, source: int) -> Select[Any]:
    """The hashes of the tile at this place among the wanted ones, each with its number."""
    number = _LEAF.c.index if source == 0 else _TILE.c.number
    hash_ = {_FULL: _TILE.c.hashes, 0: _LEAF.c.entry_hash}.get(source, _TILE.c.root)
    part = select(literal_column(str(place)).label("place"), number.label("number"), hash_.label("hash"))
    if source != 0:
        part = part.where(_TILE.c.level == bindparam(f"level_{place}"))
    if source == _FULL:
        return part.where(number == bindparam(f"first_{place}"))
    return part.where(number >= bindparam(f"first_{place}"), number < bindparam(f"end_{place}"))
