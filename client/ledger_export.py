"""A ledger as a static directory in the layout of C2SP tlog-tiles, which other people's software reads.

Rules:
1. Files first, checkpoint last: whoever reads the directory while it grows sees a whole, older ledger.
2. Incremental: full tiles and bundles never change, so what is there is not fetched again; the partial ones of the
   checkpoint before are removed only after the new checkpoint stands.
3. Each file is written whole or not at all.
4. The checkpoint is verified against the trust file, its quorum of witnesses too, before anything is fetched, and must
   continue the one that is there already: a ledger that was exported before and does not agree is not overwritten.

What is exported is not verified entry by entry: `comity audit verify DIR` does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from client.ledger_source import CHECKPOINT, DirectoryLedger, LedgerSource
from shared.audit.checkpoint import VerifiedCheckpoint
from shared.audit.quorum import rule_of
from shared.audit.tiles import TILE_HEIGHT, TILE_WIDTH, Bundle, Tile, TileHashReader, bundle_at, tile_at
from shared.audit.tree import prove_consistency, verify_consistency
from shared.errors import NotThere
from shared.keys.trust import Trust


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did: the size before and after, and how many files it wrote."""

    old_size: int
    size: int
    files: int


def export_ledger(
    source: LedgerSource, directory: Path, trust: Trust, progress: Callable[[int, int], None] | None = None
) -> Exported:
    """Bring `directory` up to the source's checkpoint; `progress` hears (files done, files in all).

    Raises LedgerInvalid, QuorumMissing, NotThere, OSError, and what the source raises.
    """
    rule = rule_of(trust)
    new = rule.verify(source.read(CHECKPOINT))
    old = None
    try:
        old = rule.read(DirectoryLedger(directory).read(CHECKPOINT))  # whose witnesses were perhaps another policy's
    except NotThere:
        directory.mkdir(parents=True, exist_ok=True)
    if old is not None:
        _check_continues(old, new, source)
    written = 0
    places = list(_files(new.head.size))
    for done, place in enumerate(places, start=1):
        path = directory / place.path
        if not path.exists():
            _write(path, source.read(place.path))
            written += 1
        if progress is not None:
            progress(done, len(places))
    _write(directory / CHECKPOINT, new.note)
    _remove_older_partials(directory, new.head.size)
    return Exported(0 if old is None else old.head.size, new.head.size, written + 1)


def _check_continues(old: VerifiedCheckpoint, new: VerifiedCheckpoint, source: LedgerSource) -> None:
    """The old checkpoint's tree is a beginning of the new one's. Raises LedgerInvalid."""
    proof = (
        prove_consistency(
            old.head.size, new.head.size, TileHashReader(new.head.size, lambda tile: source.read(tile.path))
        )
        if old.head.size <= new.head.size
        else []
    )
    verify_consistency(old.head.size, old.head.root, new.head.size, new.head.root, proof)


def _files(size: int) -> Iterator[Tile | Bundle]:
    """Every file of a ledger of this size, the checkpoint apart."""
    for index in range(-(-size // TILE_WIDTH)):
        yield bundle_at(index, size)
    level = 0
    while hashes := size >> (level * TILE_HEIGHT):
        for index in range(-(-hashes // TILE_WIDTH)):
            yield tile_at(level, index, size)
        level += 1


def _remove_older_partials(directory: Path, size: int) -> None:
    kept = {directory / place.path for place in _files(size)}
    for folder in (directory / "tile").rglob("*.p"):
        for path in folder.iterdir():
            if path not in kept:
                path.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
