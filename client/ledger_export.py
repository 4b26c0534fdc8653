"""A ledger as a static directory in the layout of C2SP tlog-tiles, which other people's software reads.

Rules:
1. Nothing is written that the signed checkpoint does not vouch for: the partial tiles make its root, each full tile
   makes its hash in the tile above, each bundle the leaf hashes. A source that lies is named with the file.
2. Files first, synced with their directories, the checkpoint last: whoever reads the directory while it grows, or after
   a power cut, sees a whole, older ledger.
3. Incremental and resumable: what is there never changes and is not fetched again, whatever was interrupted. Files
   that no checkpoint in the directory vouches for yet, of an export that was broken off or of another ledger, are
   checked as fetched ones are; of older ones the lengths. One that is not right stops the export, and is fetched again
   once it is deleted. `comity audit verify DIR` finds whatever else was altered on the disk.
4. The partial files of an earlier checkpoint stay until the full one is there (tlog-tiles, "Partial Tiles").
5. The checkpoint is verified against the trust file, its quorum of witnesses too, before anything is fetched, and must
   continue the one that is there already: a ledger that was exported before and does not agree is not overwritten.
6. One export at a time writes to a directory.

What entries say is not judged: `comity audit verify DIR` does that.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from client.ledger_proofs import prove_heads
from client.ledger_source import CHECKPOINT, DirectoryLedger, LedgerSource
from shared.adapters.durable_file import sync_directory, write_durably, write_whole
from shared.audit.quorum import CheckpointRule, rule_of
from shared.audit.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    Bundle,
    Tile,
    bundle_at,
    check_tile,
    edge_tiles,
    hash_full_tile,
    parse_bundle,
    places_of,
    root_from_tiles,
    tile_at,
)
from shared.audit.tree import HASH_BYTES, hash_leaf
from shared.audit.tree_head import TreeHead
from shared.errors import LedgerInvalid, NotThere
from shared.keys.trust import Trust

Progress = Callable[[int, int], None]
"""(files done, files in all)."""
_LOCK: Final = ".export-lock"


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did: the size before and after, and how many files it wrote."""

    old_size: int
    size: int
    files: int


def export_ledger(source: LedgerSource, directory: Path, trust: Trust, progress: Progress | None = None) -> Exported:
    """Bring `directory` up to the source's checkpoint.

    Raises LedgerInvalid, QuorumMissing, NotThere, OSError, and what the source raises.
    """
    rule = rule_of(trust)
    new = rule.verify(source.read(CHECKPOINT))
    newest = _newest_entries(source, directory, new.head.size)
    directory.mkdir(parents=True, exist_ok=True)
    with _alone(directory):
        old = _head_of(directory, rule)
        if old is not None:
            prove_heads(source, old, new.head)
        export = _Export(source, directory, new.head, 0 if old is None else old.size, newest)
        total = sum(1 for _ in places_of(new.head.size))
        for done, place in enumerate(places_of(new.head.size), start=1):
            export.bring(place)
            if progress is not None:
                progress(done, total)
        export.sync()
        write_durably(directory / CHECKPOINT, new.note)
        _remove_partials(directory)
    return Exported(0 if old is None else old.size, new.head.size, export.written + 1)


def _newest_entries(source: LedgerSource, directory: Path, size: int) -> dict[Bundle, bytes]:
    """The last bundle, unless it is here: a source that does not show this reader any entries says so before a folder
    is made for them."""
    if not size:
        return {}
    last = bundle_at((size - 1) // TILE_WIDTH, size)
    return {} if (directory / last.path).exists() else {last: source.read(last.path)}


def _head_of(directory: Path, rule: CheckpointRule) -> TreeHead | None:
    """What was exported before; the policy of its witnesses was perhaps another one. Raises LedgerInvalid."""
    try:
        return rule.read(DirectoryLedger(directory).read(CHECKPOINT)).head
    except NotThere:
        return None
    except LedgerInvalid as other:
        raise LedgerInvalid(
            why=f"{directory / CHECKPOINT} is no checkpoint of this ledger ({other.facts['why']}). Give another folder,"
            " or delete the file if it was damaged: what lies beside it is checked then"
        ) from None


class _Export:
    """One way from the top level down, so that the tile above a file is there and was checked when the file comes."""

    def __init__(
        self, source: LedgerSource, directory: Path, head: TreeHead, vouched: int, newest: Mapping[Bundle, bytes]
    ) -> None:
        """The first `vouched` entries were exported before. `newest` was fetched already, and nothing of it is
        believed."""
        self._source = source
        self._directory = directory
        self._head = head
        self._vouched = vouched
        self._newest = newest
        self.written = 0
        self._touched: set[Path] = set()
        self._edge = self._read_edge()
        self._above: tuple[Tile, bytes] | None = None  # the tile that was read last

    def bring(self, place: Tile | Bundle) -> None:
        path = self._directory / place.path
        if path.exists():
            self._check_there(place, path)
            return
        data = self._edge.get(place) if isinstance(place, Tile) else None
        if data is None:
            data = self._newest.get(place) if isinstance(place, Bundle) else None
            data = self._source.read(place.path) if data is None else data
            self._check(place, data)
        self._touched |= _missing_parents(path, self._directory)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
        self.written += 1

    def sync(self) -> None:
        """Every directory that got a file or a directory: durable on return."""
        for folder in self._touched:
            sync_directory(folder)

    def _read_edge(self) -> dict[Tile, bytes]:
        """The partial tiles, which all together make the root."""
        edge = {tile: check_tile(tile, self._source.read(tile.path)) for tile in edge_tiles(self._head.size)}
        if root_from_tiles(self._head.size, edge.__getitem__) != self._head.root:
            raise LedgerInvalid(why=f"the partial tiles of {self._head.size} entries do not make the checkpoint's root")
        return edge

    def _check_there(self, place: Tile | Bundle, path: Path) -> None:
        """Rule 3."""
        level, least = (place.level, place.byte_length) if isinstance(place, Tile) else (0, 2 * place.width)
        if (place.index * TILE_WIDTH + place.width) << (TILE_HEIGHT * level) <= self._vouched:
            length = path.stat().st_size
            is_right = length == least or (length > least and isinstance(place, Bundle))
        else:
            is_right = self._is_right(place, path.read_bytes())
        if not is_right:
            raise LedgerInvalid(
                why=f"{path} was there and is not the one that the checkpoint vouches for. Delete it if it was damaged;"
                " if it is of another ledger, give another folder"
            )

    def _is_right(self, place: Tile | Bundle, data: bytes) -> bool:
        if isinstance(place, Tile) and place in self._edge:
            return data == self._edge[place]
        try:
            self._check(place, data)
        except LedgerInvalid:
            return False
        return True

    def _check(self, place: Tile | Bundle, data: bytes) -> None:
        if isinstance(place, Bundle):
            due = self._hashes(Tile(0, place.index, place.width))
            made = b"".join([hash_leaf(entry) for entry in parse_bundle(data, place.width)])
        else:
            level, index = place.level + 1, place.index // TILE_WIDTH
            above = self._hashes(tile_at(level, index, self._head.size))
            start = place.index % TILE_WIDTH * HASH_BYTES
            due, made = above[start : start + HASH_BYTES], hash_full_tile(check_tile(place, data))
        if made != due:
            raise LedgerInvalid(why=f"{place.path} is not the one that the checkpoint vouches for")

    def _hashes(self, tile: Tile) -> bytes:
        """A tile that was brought before."""
        if self._above is None or self._above[0] != tile:
            self._above = tile, check_tile(tile, DirectoryLedger(self._directory).read(tile.path))
        return self._above[1]


def _remove_partials(directory: Path) -> None:
    """Those whose full one is there."""
    for folder in (directory / "tile").rglob("*.p"):
        if folder.with_suffix("").is_file():
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    with (directory / _LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LedgerInvalid(why=f"another export is writing to {directory}; wait until it has ended") from None
        yield


def _missing_parents(path: Path, root: Path) -> set[Path]:
    """The directory of a file, and those above it that have to be made for it, with the one that will hold them."""
    found = {path.parent}
    for folder in path.parents:
        if folder == root or folder.is_dir():
            break
        found.add(folder.parent)
    return found
