"""A consistent copy of the embedded exchange's database, taken while it runs, and what ledger a copy holds.

SQLite's own online backup in one step: a snapshot, for which no writer waits and which no writer makes begin anew.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import func, select

from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.tables import METADATA
from shared.audit.tiles import root_from_tiles
from shared.errors import BackupRefused, LedgerInvalid
from shared.ports.ledger import KeptHead


def copy_database(source: Path, target: Path) -> None:
    """Copy the database to a new file, synced to the disk. Raises BackupRefused."""
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as running,
            closing(sqlite3.connect(target)) as copy,
        ):
            running.backup(copy)
        target.chmod(0o600)
        sync_file(target)
    except (sqlite3.Error, OSError) as failed:
        raise BackupRefused(why=f"{source} cannot be copied: {failed}") from None


def sync_file(file: Path) -> None:
    """Until the disk has it."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_database(file: Path) -> None:
    """SQLite's own check of the whole file. Raises BackupRefused."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as copy:
            (found,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as broken:
        raise BackupRefused(why=f"{file} is no database: {broken}") from None
    if found != "ok":
        raise BackupRefused(why=f"{file} is damaged: {found}")


async def read_head(file: Path) -> KeptHead | None:
    """The newest committed head, whose root the stored tiles make; None for an empty ledger. Raises BackupRefused."""
    store = Store(f"sqlite+aiosqlite:///{file.absolute()}")
    try:
        async with SqlLedger(store).round() as round_:
            head = None if round_ is None else await round_.head()
    finally:
        await store.close()
    if head is None:
        return None
    if await read_root(file, head.size) != head.root:
        raise BackupRefused(why=f"the tiles of {file} do not make the root of its ledger")
    return KeptHead(head.size, head.root)


async def read_key_events(file: Path) -> int:
    """How many it holds."""
    store = Store(f"sqlite+aiosqlite:///{file.absolute()}")
    try:
        async with store.read() as connection:
            newest = await connection.execute(select(func.max(METADATA.tables["key_event"].c.seq)))
            return int(newest.scalar() or 0)
    finally:
        await store.close()


async def read_root(file: Path, size: int) -> bytes:
    """The root of the first `size` entries, from the stored tiles. Raises BackupRefused."""
    store = Store(f"sqlite+aiosqlite:///{file.absolute()}")
    try:
        async with SqlLedger(store).round() as round_:
            edge = {} if round_ is None else await round_.edge(size)
        return root_from_tiles(size, lambda tile: edge[tile.level, tile.index])
    except (LedgerInvalid, LookupError):
        raise BackupRefused(why=f"{file} does not hold the first {size} entries") from None
    finally:
        await store.close()
