"""Tiles of a transparency log, after C2SP tlog-tiles: coordinates, paths, reading hashes from them, and appending.

Rules (c2sp.org/tlog-tiles, "Merkle Tree", "Partial Tiles", "Log entries"):
1. A full tile is 256 hashes of 32 bytes; hash i of tile n on level l is the Merkle tree hash of the 256**l entries from
   (n * 256 + i) * 256**l on. A partial tile holds 1 to 255 hashes and is never hashed into the level above.
2. An entry bundle holds the entries whose hashes stand in the level-0 tile of the same number, each behind its length
   as 16 bits, big-endian. An entry has at most 65,535 bytes.
3. `tile/<level>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]`; N in groups of three digits, all but the last marked
   `x`. Each tile has one path only.
4. Appending costs time and memory in proportion to the new entries, plus one partial tile per level.

Reading is through a callable given by the caller. `edge_tiles` and `tiles_for_*` name the tiles that will be asked
for, so that a caller with asynchronous storage can load them first and pass a dictionary's `__getitem__`. Nothing is
cached beyond one `TileHashReader`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from shared.audit.tree import (
    HASH_BYTES,
    Range,
    Subtree,
    check_hash,
    check_size,
    complete_subtrees,
    consistency_ranges,
    hash_children,
    inclusion_ranges,
    root_at,
)
from shared.errors import LeafTooLarge, LedgerInvalid

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES
MAX_LEVEL: Final = 63
MAX_ENTRY_BYTES: Final = 65_535

_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, order=True)
class Tile:
    """One tile of hashes. `width` is the number of hashes, 256 in a full tile."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        return f"tile/{self.level}/{_encode_index(self.index, self.width)}"

    @property
    def byte_length(self) -> int:
        return self.width * HASH_BYTES


@dataclass(frozen=True, order=True)
class Bundle:
    """One bundle of entries. `width` is the number of entries, 256 in a full bundle."""

    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        return f"tile/entries/{_encode_index(self.index, self.width)}"


TileReader = Callable[[Tile], bytes]
"""Returns the tile's bytes; raises what it likes (LookupError, an HTTP error) when there is none: it passes through."""


def _encode_index(index: int, width: int) -> str:
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def parse_path(path: str) -> Tile | Bundle:
    """The tile or bundle that this path names. Raises LedgerInvalid for any path that no tile has."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise LedgerInvalid(why=f"{path[:120]} is not the path of a tile")
    level, groups, width = found.groups()
    index = int(groups.replace("x", "").replace("/", ""))
    here: Tile | Bundle
    if level == "entries":
        here = Bundle(index, int(width or TILE_WIDTH))
    else:
        here = Tile(int(level), index, int(width or TILE_WIDTH))
    too_wide = width is not None and here.width >= TILE_WIDTH
    if too_wide or (isinstance(here, Tile) and here.level > MAX_LEVEL) or here.path != path:
        raise LedgerInvalid(why=f"{path[:120]} is not the path of a tile")
    return here


# --- which tiles hold what -------------------------------------------------------------------------------------------


def tile_at(level: int, index: int, size: int) -> Tile:
    """The tile of this number in a tree of `size` entries, as wide as it is there. Raises LedgerInvalid if empty."""
    width = min((check_size(size) >> (level * TILE_HEIGHT)) - index * TILE_WIDTH, TILE_WIDTH)
    if width <= 0:
        raise LedgerInvalid(why=f"a tree of {size} entries has no tile {index} on level {level}")
    return Tile(level, index, width)


def bundle_at(index: int, size: int) -> Bundle:
    """The bundle of this number in a tree of `size` entries, as wide as it is there. Raises LedgerInvalid if empty."""
    return Bundle(index, tile_at(0, index, size).width)


def places_of(size: int) -> Iterator[Tile | Bundle]:
    """Every tile and bundle of a tree of `size` entries: from the top level down, each after the one that it hashes
    into, the bundles last."""
    for level in reversed(range(-(-check_size(size).bit_length() // TILE_HEIGHT))):
        for index in range(-(-(size >> (level * TILE_HEIGHT)) // TILE_WIDTH)):
            yield tile_at(level, index, size)
    for index in range(-(-size // TILE_WIDTH)):
        yield bundle_at(index, size)


def edge_tiles(size: int) -> list[Tile]:
    """The partial tiles of a tree: all that its root, and an append to it, depend on."""
    return [
        Tile(level, hashes // TILE_WIDTH, hashes % TILE_WIDTH)
        for level in range(-(-check_size(size).bit_length() // TILE_HEIGHT))
        if (hashes := size >> (level * TILE_HEIGHT)) % TILE_WIDTH
    ]


def tiles_for_inclusion(index: int, size: int) -> list[Tile]:
    """The tiles that `prove_inclusion(index, size, …)` reads. Raises LedgerInvalid if there is none."""
    return _tiles_of(inclusion_ranges(index, size), size)


def tiles_for_consistency(old_size: int, new_size: int) -> list[Tile]:
    """The tiles that `prove_consistency(old_size, new_size, …)` reads. Raises LedgerInvalid if there is none."""
    return _tiles_of(consistency_ranges(old_size, new_size), new_size)


def _tiles_of(ranges: Iterable[Range], size: int) -> list[Tile]:
    return sorted({_tile_of(subtree, size) for part in ranges for subtree in complete_subtrees(part)})


def _tile_of(subtree: Subtree, size: int) -> Tile:
    level, inside = divmod(subtree.level, TILE_HEIGHT)
    return tile_at(level, (subtree.number << inside) // TILE_WIDTH, size)


# --- reading ---------------------------------------------------------------------------------------------------------


class TileHashReader:
    """A `HashReader` (tree.py) over the tiles of a tree of `size` entries. Keeps the tiles it has read.

    The tiles are not checked against a root: a proof or root made from them is worth what its own verification says.
    """

    def __init__(self, size: int, read_tile: TileReader) -> None:
        self._size = check_size(size)
        self._read_tile = read_tile
        self._tiles: dict[Tile, bytes] = {}

    def __call__(self, level: int, number: int) -> bytes:
        tile = _tile_of(Subtree(level, number), self._size)
        if tile not in self._tiles:
            self._tiles[tile] = check_tile(tile, self._read_tile(tile))
        width = HASH_BYTES << (level % TILE_HEIGHT)
        start = (number * width) % TILE_BYTES
        hashes = self._tiles[tile][start : start + width]
        if len(hashes) != width:
            raise LedgerInvalid(why=f"a tree of {self._size} entries has no subtree {number} on level {level}")
        return _hash_up(hashes)


def check_tile(tile: Tile, data: bytes) -> bytes:
    """The data itself. Raises LedgerInvalid unless it has the length of this tile."""
    if len(data) != tile.byte_length:
        raise LedgerInvalid(why=f"{tile.path} has {len(data)} bytes, not {tile.byte_length}")
    return data


def root_from_tiles(size: int, read_tile: TileReader) -> bytes:
    """The root of a tree of `size` entries; reads `edge_tiles(size)`. Raises LedgerInvalid for a wrong length."""
    return root_at(size, TileHashReader(size, read_tile))


def hash_full_tile(hashes: bytes) -> bytes:
    """The one hash that a full tile contributes to the level above. Raises LedgerInvalid unless it is full."""
    if len(hashes) != TILE_BYTES:
        raise LedgerInvalid(why=f"a full tile has {TILE_BYTES} bytes, not {len(hashes)}")
    return _hash_up(hashes)


def _hash_up(hashes: bytes) -> bytes:
    """The Merkle tree hash over a power of two of concatenated hashes."""
    if len(hashes) == 2 * HASH_BYTES:
        return hash_children(hashes[:HASH_BYTES], hashes[HASH_BYTES:])
    while len(hashes) > HASH_BYTES:
        pairs = range(0, len(hashes), 2 * HASH_BYTES)
        hashes = b"".join([sha256(b"\x01" + hashes[at : at + 2 * HASH_BYTES]).digest() for at in pairs])
    return hashes


# --- appending -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Appended:
    """What an append makes: the new size and root, and every tile that is new or wider than before.

    `hashed_up` holds of each full tile among them the one hash that it contributes to the level above.
    """

    size: int
    root: bytes
    tiles: Mapping[Tile, bytes]
    hashed_up: Mapping[Tile, bytes]


def build_tiles(old_size: int, new_leaf_hashes: Sequence[bytes], read_tile: TileReader) -> Appended:
    """Append leaf hashes to a tree of `old_size` entries.

    Reads the partial tiles of the old tree (`edge_tiles(old_size)`) and nothing else. The caller makes sure that they
    are those of the tree it means: `root_from_tiles(old_size, read_tile)` tells. Raises LedgerInvalid for a hash or
    tile of a wrong length.
    """
    size = check_size(old_size + len(new_leaf_hashes))
    hashes = b"".join([check_hash(leaf_hash, "a leaf hash") for leaf_hash in new_leaf_hashes])
    tiles: dict[Tile, bytes] = {}
    hashed_up: dict[Tile, bytes] = {}
    level = 0
    while hashes:
        first, width = divmod(old_size >> (level * TILE_HEIGHT), TILE_WIDTH)
        if width:
            begun = Tile(level, first, width)
            hashes = check_tile(begun, read_tile(begun)) + hashes
        completed = []
        for number, start in enumerate(range(0, len(hashes), TILE_BYTES)):
            data = hashes[start : start + TILE_BYTES]
            tile = Tile(level, first + number, len(data) // HASH_BYTES)
            tiles[tile] = data
            if len(data) == TILE_BYTES:
                hashed_up[tile] = _hash_up(data)
                completed.append(hashed_up[tile])
        hashes = b"".join(completed)
        level += 1
    root = root_from_tiles(size, lambda tile: tiles[tile] if tile in tiles else read_tile(tile))
    return Appended(size, root, tiles, hashed_up)


# --- entries ---------------------------------------------------------------------------------------------------------


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """1 to 256 entries as one bundle. Raises LeafTooLarge, or LedgerInvalid for another number of entries."""
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise LedgerInvalid(why=f"a bundle of {len(entries)} entries cannot exist")
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in map(check_entry, entries)])


def parse_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle. Raises LedgerInvalid if there are more or fewer, or bytes are left over."""
    entries = []
    at = 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        entries.append(data[start:at])
        if start > len(data) or at > len(data):
            raise LedgerInvalid(why="an entry bundle is cut short")
    if len(entries) != width:
        raise LedgerInvalid(why=f"an entry bundle holds {len(entries)} entries, not {width}")
    return entries


def check_entry(entry: bytes) -> bytes:
    """The entry itself. Raises LeafTooLarge if its length does not fit in 16 bits."""
    if len(entry) > MAX_ENTRY_BYTES:
        raise LeafTooLarge(size=len(entry), limit=MAX_ENTRY_BYTES)
    return entry
