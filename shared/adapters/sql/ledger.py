"""`ports.Ledger` in SQL: leaves, full tiles, intended checkpoints and notes, all insert-only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Final

from sqlalchemy import Table, bindparam, delete, func, select

from shared.adapters.sql.engine import Store
from shared.adapters.sql.keyed import bound_keys, bound_rows
from shared.adapters.sql.prepared import Prepared
from shared.adapters.sql.statements import deleting, inserting, inserting_new
from shared.adapters.sql.wires import Wire
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
_LINE = METADATA.tables["ledger_cosignature"]
_QUORUM = METADATA.tables["ledger_quorum"]


class SqlLedger:
    def __init__(self, store: Store, needs_quorum: bool = False) -> None:
        """With `needs_quorum` no checkpoint is served before a quorum of witnesses cosigned it."""
        self._store = store
        self._served = _QUORUM if needs_quorum else _NOTE

    @asynccontextmanager
    async def round(self) -> AsyncIterator[Round | None]:
        async with self._store.transaction() as wire:
            leads = wire.is_sqlite or await _try_lead(wire)
            yield SqlRound(wire) if leads else None

    async def rests_at(self) -> int | None:
        async with self._store.reading() as wire:
            for row in await wire.run(_resting(wire.is_sqlite), {}):
                return int(row["size"])
        return None

    async def unsigned_head(self) -> TreeHead | None:
        async with self._store.reading() as wire:
            for row in await wire.run(_newest_signed(wire.is_sqlite), {}):
                return None if row["signed"] is not None else TreeHead(row["size"], row["root"], row["logged_at"])
        return None

    async def publish_note(self, size: int, note: bytes) -> None:
        async with self._store.transaction() as wire:
            rows = bound_rows([{"size": size, "note": note}], wire.is_sqlite)
            await wire.run(inserting_new(_NOTE, wire.is_sqlite), rows)
            await wire.commit()

    async def checkpoint(self) -> bytes | None:
        async with self._store.reading() as wire:
            for row in await wire.run(_newest_note(self._served, wire.is_sqlite), {}):
                lines = await wire.run(_lines(wire.is_sqlite), {"at": row["size"]})
                return b"".join([row["note"], *(each["line"] for each in lines)])
        return None

    async def checkpoint_size(self) -> int:
        async with self._store.reading() as wire:
            [newest] = await wire.run(_newest_size(self._served, wire.is_sqlite), {})
            return int(newest["size"])

    async def tile(self, level: int, number: int, width: int) -> bytes | None:
        async with self._store.reading() as wire:
            if width == WIDTH:
                for row in await wire.run(_full_tile(wire.is_sqlite), {"at_level": level, "at": number}):
                    return bytes(row["hashes"])
                return None
            partial = await _hashes(wire, level, number * WIDTH, width)
        return partial if len(partial) == width * HASH_BYTES else None

    async def entries(self, first: int, count: int) -> list[bytes]:
        async with self._store.reading() as wire:
            given = {"first": first, "end": first + count}
            return [row["entry"] for row in await wire.run(_entries(wire.is_sqlite), given)]

    async def index_of(self, leaf_digest: bytes) -> int | None:
        async with self._store.read() as connection:
            found = await connection.execute(select(_LEAF.c.index).where(_LEAF.c.leaf_digest == leaf_digest))
            return found.scalar()


class SqlRound:
    """`ports.Round`: one transaction that holds the leader's lock."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def head(self) -> TreeHead | None:
        return await _newest_head(self._wire)

    async def waiting(self, most: int) -> list[WaitingLeaf]:
        rows = await self._wire.run(_waiting(self._wire.is_sqlite), {"most": most})
        return [WaitingLeaf(row["id"], row["leaf"]) for row in rows]

    async def edge(self, size: int) -> dict[tuple[int, int], bytes]:
        edge: dict[tuple[int, int], bytes] = {}
        level, count = 0, size
        while count:
            number, width = divmod(count, WIDTH)
            if width:
                edge[level, number] = await _hashes(self._wire, level, number * WIDTH, width)
            level, count = level + 1, number
        return edge

    async def append(
        self, leaves: Sequence[PlacedLeaf], tiles: Sequence[FullTile], head: TreeHead, placed: Sequence[int]
    ) -> None:
        is_sqlite = self._wire.is_sqlite
        for table, rows in ((_LEAF, leaves), (_TILE, tiles), (_CHECKPOINT, [head])):
            if rows:
                given = bound_rows([vars(row) for row in rows], is_sqlite)
                await self._wire.run(inserting(table, is_sqlite), given)
        if placed and is_sqlite:  # one by one in one go: a list of a thousand would be parsed and planned each time
            await self._wire.run(_placing(), [{"placed": one} for one in placed])
        elif placed:
            await self._wire.run(deleting(_WAITING, "id", is_sqlite), bound_keys([(one,) for one in placed], is_sqlite))

    async def commit(self) -> None:
        await self._wire.commit()


async def _try_lead(wire: Wire) -> bool:
    [answer] = await wire.run(_leading(), {})
    return bool(answer["leads"])


async def _newest_head(wire: Wire) -> TreeHead | None:
    for row in await wire.run(_newest(wire.is_sqlite), {}):
        return TreeHead(row["size"], row["root"], row["logged_at"])
    return None


async def _hashes(wire: Wire, level: int, first: int, count: int) -> bytes:
    """`count` hashes of one level from number `first` on: leaf hashes, or the roots of the tiles one level below."""
    given = {"level": level - 1, "first": first, "end": first + count}
    if level == 0:
        del given["level"]
    rows = await wire.run(_hashed(level == 0, wire.is_sqlite), given)
    return b"".join(row["hash"] for row in rows)


@cache
def _leading() -> Prepared:
    return Prepared(select(func.pg_try_advisory_xact_lock(LEADER_LOCK).label("leads")), is_sqlite=False)


@cache
def _resting(is_sqlite: bool) -> Prepared:
    committed = select(func.coalesce(func.max(_CHECKPOINT.c.size), 0)).scalar_subquery()
    signed = select(func.coalesce(func.max(_NOTE.c.size), 0)).scalar_subquery()
    resting = select(committed.label("size")).where(committed == signed, ~select(_WAITING.c.id).exists())
    return Prepared(resting, is_sqlite)


@cache
def _newest(is_sqlite: bool) -> Prepared:
    return Prepared(select(_CHECKPOINT).order_by(_CHECKPOINT.c.size.desc()).limit(1), is_sqlite)


@cache
def _newest_signed(is_sqlite: bool) -> Prepared:
    """The newest head, and in `signed` whether it has a note."""
    newest = select(_CHECKPOINT, _NOTE.c.size.label("signed")).outerjoin(_NOTE, _NOTE.c.size == _CHECKPOINT.c.size)
    return Prepared(newest.order_by(_CHECKPOINT.c.size.desc()).limit(1), is_sqlite)


@cache
def _waiting(is_sqlite: bool) -> Prepared:
    return Prepared(select(_WAITING).order_by(_WAITING.c.id).limit(bindparam("most")), is_sqlite)


@cache
def _newest_note(served: Table, is_sqlite: bool) -> Prepared:
    """The note of the newest size in `served`."""
    newest = select(func.max(served.c.size)).scalar_subquery()
    return Prepared(select(_NOTE.c.size, _NOTE.c.note).where(_NOTE.c.size == newest), is_sqlite)


@cache
def _lines(is_sqlite: bool) -> Prepared:
    return Prepared(select(_LINE.c.line).where(_LINE.c.size == bindparam("at")).order_by(_LINE.c.key), is_sqlite)


@cache
def _newest_size(served: Table, is_sqlite: bool) -> Prepared:
    return Prepared(select(func.coalesce(func.max(served.c.size), 0).label("size")), is_sqlite)


@cache
def _full_tile(is_sqlite: bool) -> Prepared:
    wanted = select(_TILE.c.hashes).where(_TILE.c.level == bindparam("at_level"), _TILE.c.number == bindparam("at"))
    return Prepared(wanted, is_sqlite)


@cache
def _entries(is_sqlite: bool) -> Prepared:
    number = _LEAF.c.index
    wanted = select(_LEAF.c.entry).where(number >= bindparam("first"), number < bindparam("end"))
    return Prepared(wanted.order_by(number), is_sqlite)


@cache
def _placing() -> Prepared:
    return Prepared(delete(_WAITING).where(_WAITING.c.id == bindparam("placed")), is_sqlite=True)


@cache
def _hashed(is_leaf: bool, is_sqlite: bool) -> Prepared:
    """The hashes with numbers from `first` to before `end`, in their order."""
    number = _LEAF.c.index if is_leaf else _TILE.c.number
    wanted = select((_LEAF.c.entry_hash if is_leaf else _TILE.c.root).label("hash"))
    if not is_leaf:
        wanted = wanted.where(_TILE.c.level == bindparam("level"))
    between = wanted.where(number >= bindparam("first"), number < bindparam("end"))
    return Prepared(between.order_by(number), is_sqlite)
