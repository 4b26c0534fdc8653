"""The file of an audit: what was read of one log, kept so that a reading that was broken off goes on where it stopped.

Promises:
1. What `keep` keeps stands or falls together: the position, the edge of the tree, the figures, and every row that was
   written since the one before. A process that is killed has read up to there.
2. One reading at a time: a second one is refused (AuditBusy). Others may search the file meanwhile.
3. It holds nothing that the ledger does not say. The file is readable by its owner alone.
4. One that an earlier version of this program made is not gone on with, and is still read for what was seen.

Without a path it is a temporary file that nobody else sees and that vanishes with the process.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from client import audit_index, audit_memory
from client.audit_index import AuditIndex
from client.audit_memory import AuditMemory
from client.audit_rules import digest_of_rules
from shared.audit.tiles import Tile, root_from_tiles
from shared.errors import AuditBusy, AuditFileUnusable, LedgerInvalid

VERSION: Final = 4
CACHE_KIB: Final = 64 * 1024
"""What SQLite may keep of the file in memory."""
_SCHEMA = """
CREATE TABLE position (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER, judged INTEGER, figures TEXT);
CREATE TABLE edge (level INTEGER PRIMARY KEY, place INTEGER, width INTEGER, hashes BLOB);
CREATE TABLE made (rules TEXT NOT NULL);
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), note BLOB);
"""
_TILES = "CREATE TABLE IF NOT EXISTS tiles (level INTEGER, place INTEGER, hashes BLOB, PRIMARY KEY (level, place));"
"""Apart: files that were made before it was kept are gone on with."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far the reading is: `size` entries, of which the tree has these partial tiles at its edge. `judged` is false
    when an entry could not be read and nothing after it was judged. `figures` are the report's."""

    size: int = 0
    judged: bool = True
    edge: Mapping[Tile, bytes] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)


def is_made(path: Path) -> bool:
    """Whether there is such a file, and its making was not broken off. Raises AuditFileUnusable."""
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            return bool(db.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error as broken:
        raise AuditFileUnusable(file=path, why=broken) from None


def _why(broken: OSError | sqlite3.Error) -> object:
    if isinstance(broken, FileExistsError | NotADirectoryError):
        return "what is to hold it is no folder"
    return broken.strerror if isinstance(broken, OSError) else broken


class AuditFile:
    """Opens, or makes, the file. `read_only` for searching alone. Raises AuditFileUnusable, AuditBusy."""

    def __init__(self, path: Path | None = None, *, read_only: bool = False) -> None:
        self._path = path
        self._lock: int | None = None
        self._read_only = read_only
        self._is_of_this_version = True
        try:
            self._db = self._open(path)
        except (OSError, sqlite3.Error) as broken:
            self._unlock()
            raise AuditFileUnusable(file=path or "a temporary file", why=_why(broken)) from None
        self.memory = AuditMemory(self._db)
        self.index = AuditIndex(self._db)

    @property
    def is_outdated(self) -> bool:
        """Whether it was made by other rules than those of this program: then it is not to be gone on with."""
        if not self._is_of_this_version:
            return True
        row = self._db.execute("SELECT rules FROM made").fetchone()
        return row is None or str(row[0]) != digest_of_rules()

    def position(self) -> Position:
        row = self._db.execute("SELECT size, judged, figures FROM position").fetchone()
        if row is None:
            return Position()
        edge = {
            Tile(level, place, width): bytes(hashes)
            for level, place, width, hashes in self._db.execute("SELECT level, place, width, hashes FROM edge")
        }
        return Position(int(row[0]), bool(row[1]), edge, json.loads(row[2]))

    def keep(self, position: Position) -> None:
        """With everything that was noted before. A power failure may take the newest of it, and tears nothing."""
        self._db.execute(
            "INSERT OR REPLACE INTO position VALUES (1, ?, ?, ?)",
            (position.size, position.judged, json.dumps(position.figures)),
        )
        self._db.execute("DELETE FROM edge")
        self._db.executemany(
            "INSERT INTO edge VALUES (?, ?, ?, ?)",
            [(tile.level, tile.index, tile.width, data) for tile, data in position.edge.items()],
        )
        self._commit()

    def head(self) -> bytes | None:
        """The newest checkpoint that was read to its end, as it was signed."""
        row = self._db.execute("SELECT note FROM head").fetchone()
        return None if row is None else bytes(row[0])

    def keep_head(self, note: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO head VALUES (1, ?)", (note,))
        self._commit()

    def note_tile(self, tile: Tile, hashes: bytes) -> None:
        """A full one, of the entries that were read: 33 bytes on the disk for an entry."""
        self._db.execute("INSERT OR REPLACE INTO tiles VALUES (?, ?, ?)", (tile.level, tile.index, hashes))

    def root_at(self, size: int) -> bytes | None:
        """The root of the first `size` entries that were read; None where there are not so many, or their hashes were
        not kept yet when they were read."""
        position = self.position()
        if not 0 < size <= position.size:
            return None
        edge = {(tile.level, tile.index): hashes for tile, hashes in position.edge.items()}

        def hashes_of(tile: Tile) -> bytes:
            asked = "SELECT hashes FROM tiles WHERE level = ? AND place = ?"
            row = self._db.execute(asked, (tile.level, tile.index)).fetchone()
            kept = edge.get((tile.level, tile.index), b"") if row is None else bytes(row[0])
            return kept[: tile.byte_length]

        try:
            return root_from_tiles(size, hashes_of)
        except (LedgerInvalid, sqlite3.OperationalError):  # the second: an older file without them, opened to be read
            return None

    def _commit(self) -> None:
        self.memory.write()
        self._db.execute("COMMIT")
        self._db.execute("BEGIN")

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """A full disk, or a file that broke, is AuditFileUnusable."""
        try:
            yield
        except sqlite3.Error as broken:
            raise AuditFileUnusable(file=self._path or "a temporary file", why=broken) from None

    def close(self) -> None:
        """What was not kept is forgotten."""
        self._db.close()
        self._unlock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, path: Path | None) -> sqlite3.Connection:
        if path is None:
            db = sqlite3.connect("", isolation_level=None)
            db.execute("PRAGMA journal_mode=OFF")
            db.execute("PRAGMA synchronous=OFF")
        elif self._read_only:
            db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=10)
        else:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._take_lock(path)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            db = sqlite3.connect(path, isolation_level=None, timeout=10)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
        db.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version == 0 and not self._read_only:
            db.executescript(f"BEGIN; {_SCHEMA} {audit_memory.SCHEMA} {audit_index.SCHEMA} COMMIT;")
            db.execute("INSERT INTO made VALUES (?)", (digest_of_rules(),))
            db.execute(f"PRAGMA user_version={VERSION}")
        elif version > VERSION or (version < VERSION and not self._read_only):
            raise sqlite3.Error(f"it is of version {version}, and this program writes version {VERSION}")
        self._is_of_this_version = version in (0, VERSION)
        if not self._read_only:
            db.execute(_TILES)
            db.execute("BEGIN")
        return db

    def _take_lock(self, path: Path) -> None:
        self._lock = os.open(path.with_name(f".{path.name}-lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._unlock()
            raise AuditBusy(file=path) from None

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
