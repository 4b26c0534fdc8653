"""`ports.Ledger` in SQL: leaves, full tiles, intended checkpoints and notes, all insert-only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import func, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.adapters.sql.engine import Store, translated
from shared.adapters.sql.keyed import bound_keys
from shared.adapters.sql.statements import deleting
from shared.adapters.tables import METADATA
from shared.ports.ledger import FullTile, PlacedLeaf, Round, TreeHead, WaitingLeaf

WIDTH: Final = 256
HASH_BYTES: Final = 32
LEADER_LOCK: Final = 0x636F6D697479  # "comity": the advisory lock of the sequencer's rounds

_WAITING = METADATA.tables["leaf_waiting"]
_LEAF = METADATA.tables["ledger_leaf"]
_TILE = METADATA.tables["ledger_tile"]
_CHECKPOINT = METADATA.tables["ledger_checkpoint"]
_NOTE = METADATA.tables["ledger_note"]


class SqlLedger:
    def __init__(self, store: Store) -> None:
        self._store = store

    @asynccontextmanager
    async def round(self) -> AsyncIterator[Round | None]:
        async with self._store.connection() as connection:
            transaction = await connection.begin()
            try:
                leads = self._store.is_sqlite or await _try_lead(connection)
                yield SqlRound(connection, self._store.is_sqlite) if leads else None
            finally:
                if transaction.is_active:
                    await transaction.rollback()

    async def rests_at(self) -> int | None:
        committed = select(func.coalesce(func.max(_CHECKPOINT.c.size), 0)).scalar_subquery()
        signed = select(func.coalesce(func.max(_NOTE.c.size), 0)).scalar_subquery()
        resting = select(committed).where(committed == signed, ~select(_WAITING.c.id).exists())
        async with self._store.read() as connection:
            size: int | None = (await connection.execute(resting)).scalar()
            return size

    async def unsigned_head(self) -> TreeHead | None:
        newest = select(_CHECKPOINT, _NOTE.c.size.label("signed")).outerjoin(_NOTE, _NOTE.c.size == _CHECKPOINT.c.size)
        async with self._store.read() as connection:
            row = (await connection.execute(newest.order_by(_CHECKPOINT.c.size.desc()).limit(1))).first()
        return None if row is None or row.signed is not None else TreeHead(row.size, row.root, row.logged_at)

    async def publish_note(self, size: int, note: bytes) -> None:
        insert_note = sqlite.insert(_NOTE) if self._store.is_sqlite else postgresql.insert(_NOTE)
        async with self._store.write() as connection:
            await connection.execute(insert_note.on_conflict_do_nothing(), [{"size": size, "note": note}])

    async def checkpoint(self) -> bytes | None:
        async with self._store.read() as connection:
            newest = await connection.execute(select(_NOTE.c.note).order_by(_NOTE.c.size.desc()).limit(1))
            note: bytes | None = newest.scalar()
            return note

    async def checkpoint_size(self) -> int:
        async with self._store.read() as connection:
            return int((await connection.execute(select(func.coalesce(func.max(_NOTE.c.size), 0)))).scalar_one())

    async def tile(self, level: int, number: int, width: int) -> bytes | None:
        async with self._store.read() as connection:
            if width == WIDTH:
                full = select(_TILE.c.hashes).where(_TILE.c.level == level, _TILE.c.number == number)
                hashes: bytes | None = (await connection.execute(full)).scalar()
                return hashes
            partial = await _hashes(connection, level, number * WIDTH, width)
            return partial if len(partial) == width * HASH_BYTES else None

    async def entries(self, first: int, count: int) -> list[bytes]:
        wanted = select(_LEAF.c.entry).where(_LEAF.c.index >= first, _LEAF.c.index < first + count)
        async with self._store.read() as connection:
            return list((await connection.execute(wanted.order_by(_LEAF.c.index))).scalars())

    async def index_of(self, leaf_digest: bytes) -> int | None:
        async with self._store.read() as connection:
            found = await connection.execute(select(_LEAF.c.index).where(_LEAF.c.leaf_digest == leaf_digest))
            return found.scalar()


class SqlRound:
    """`ports.Round`: one transaction that holds the leader's lock."""

    def __init__(self, connection: AsyncConnection, is_sqlite: bool) -> None:
        self._connection = connection
        self._is_sqlite = is_sqlite

    async def head(self) -> TreeHead | None:
        with translated():
            return await _newest_head(self._connection)

    async def waiting(self, most: int) -> list[WaitingLeaf]:
        oldest = select(_WAITING).order_by(_WAITING.c.id).limit(most)
        with translated():
            return [WaitingLeaf(row.id, row.leaf) for row in await self._connection.execute(oldest)]

    async def edge(self, size: int) -> dict[tuple[int, int], bytes]:
        edge: dict[tuple[int, int], bytes] = {}
        level, count = 0, size
        with translated():
            while count:
                number, width = divmod(count, WIDTH)
                if width:
                    edge[level, number] = await _hashes(self._connection, level, number * WIDTH, width)
                level, count = level + 1, number
        return edge

    async def append(
        self, leaves: Sequence[PlacedLeaf], tiles: Sequence[FullTile], head: TreeHead, placed: Sequence[int]
    ) -> None:
        with translated():
            await self._connection.execute(insert(_LEAF), [vars(leaf) for leaf in leaves])
            if tiles:
                await self._connection.execute(insert(_TILE), [vars(tile) for tile in tiles])
            await self._connection.execute(insert(_CHECKPOINT), [vars(head)])
            if placed:
                gone = bound_keys([(one,) for one in placed], self._is_sqlite)
                await self._connection.execute(deleting(_WAITING, "id", self._is_sqlite), gone)

    async def commit(self) -> None:
        with translated():
            await self._connection.commit()


async def _try_lead(connection: AsyncConnection) -> bool:
    answer = await connection.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": LEADER_LOCK})
    return bool(answer.scalar())


async def _newest_head(connection: AsyncConnection) -> TreeHead | None:
    row = (await connection.execute(select(_CHECKPOINT).order_by(_CHECKPOINT.c.size.desc()).limit(1))).first()
    return None if row is None else TreeHead(row.size, row.root, row.logged_at)


async def _hashes(connection: AsyncConnection, level: int, first: int, count: int) -> bytes:
    """`count` hashes of one level from number `first` on: leaf hashes, or the roots of the tiles one level below."""
    if level == 0:
        wanted = select(_LEAF.c.entry_hash).where(_LEAF.c.index >= first, _LEAF.c.index < first + count)
        ordered = wanted.order_by(_LEAF.c.index)
    else:
        wanted = select(_TILE.c.root).where(
            _TILE.c.level == level - 1, _TILE.c.number >= first, _TILE.c.number < first + count
        )
        ordered = wanted.order_by(_TILE.c.number)
    return b"".join((await connection.execute(ordered)).scalars())
