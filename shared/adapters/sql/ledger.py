"""`ports.Ledger` in SQL: leaves, full tiles, intended checkpoints and notes, all insert-only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Final

from sqlalchemy import BigInteger, Table, bindparam, func, select

from shared.adapters.sql.engine import Store
from shared.adapters.sql.keyed import bound_each, bound_keys, bound_rows, is_one_of
from shared.adapters.sql.letters import letter_rows
from shared.adapters.sql.prepared import Columns, Prepared
from shared.adapters.sql.statements import bounded_bytes, deleting, inserting, inserting_new
from shared.adapters.sql.tiles import read_tiles
from shared.adapters.sql.wires import Wire
from shared.adapters.tables import METADATA
from shared.adapters.tables.messaging import DEAD_LETTERS
from shared.audit.tiles import Tile, edge_tiles
from shared.ports.ledger import FullTile, PlacedLeaves, Round, TreeHead, WaitingFrame
from shared.ports.unit_of_work import LEAF_FRAME_MOST_BYTES, DeadLetter

LEADER_LOCK: Final = 0x636F6D697479  # "comity": the advisory lock of the sequencer's rounds

_WAITING = METADATA.tables["leaf_waiting"]
_LEAF = METADATA.tables["ledger_leaf"]
_TILE = METADATA.tables["ledger_tile"]
_CHECKPOINT = METADATA.tables["ledger_checkpoint"]
_NOTE = METADATA.tables["ledger_note"]
_LINE = METADATA.tables["ledger_cosignature"]
_QUORUM = METADATA.tables["ledger_quorum"]
_LETTER = DEAD_LETTERS["ledger"]


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
                return (
                    None
                    if row["signed"] is not None
                    else TreeHead(row["size"], row["root"], row["logged_at"], row["seal"])
                )
        return None

    async def publish_note(self, size: int, note: bytes) -> None:
        async with self._store.transaction() as wire:
            rows = bound_rows([{"size": size, "note": note}], wire.is_sqlite)
            await wire.run(inserting_new(_NOTE, wire.is_sqlite), rows)
            await wire.commit()

    async def checkpoint(self) -> bytes | None:
        async with self._store.reading() as wire:
            rows = await wire.run(_newest_note(self._served, wire.is_sqlite), {})
        return b"".join([rows[0]["note"], *(row["line"] or b"" for row in rows)]) if rows else None

    async def checkpoint_size(self) -> int:
        async with self._store.reading() as wire:
            [newest] = await wire.run(_newest_size(self._served, wire.is_sqlite), {})
            return int(newest["size"])

    async def tile(self, level: int, number: int, width: int) -> bytes | None:
        wanted = Tile(level, number, width)
        return (await self.tiles([wanted])).get(wanted)

    async def tiles(self, wanted: Collection[Tile]) -> dict[Tile, bytes]:
        async with self._store.reading() as wire:
            return await read_tiles(wire, wanted)

    async def entries(self, first: int, count: int) -> list[bytes]:
        async with self._store.reading() as wire:
            return await _read_entries(wire, first, count)

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

    async def waiting(self, most: int, most_bytes: int) -> list[WaitingFrame]:
        given = {"most": most, "most_bytes": most_bytes}
        rows = await self._wire.run(_waiting(self._wire.is_sqlite), given)
        return [WaitingFrame(row["id"], row["frame"]) for row in rows]

    async def letters(self, after: int, most: int) -> list[WaitingFrame]:
        rows = await self._wire.run(_letters(self._wire.is_sqlite), {"after": after, "most": most})
        return [WaitingFrame(row["id"], row["frame"]) for row in rows]

    async def placed(self, digests: Collection[bytes], size: int) -> set[bytes]:
        if not digests:
            return set()
        given = bound_keys([(digest,) for digest in sorted(digests)], self._wire.is_sqlite)
        rows = await self._wire.run(_placed(self._wire.is_sqlite), {**given, "size": size})
        return {row["leaf_digest"] for row in rows}

    async def entries(self, first: int, count: int) -> list[bytes]:
        return await _read_entries(self._wire, first, count)

    async def edge(self, size: int) -> dict[tuple[int, int], bytes]:
        read = await read_tiles(self._wire, edge_tiles(size))
        return {(tile.level, tile.index): hashes for tile, hashes in read.items()}

    async def append(
        self, leaves: PlacedLeaves, tiles: Sequence[FullTile], head: TreeHead, placed: Sequence[int]
    ) -> None:
        is_sqlite = self._wire.is_sqlite
        if leaves:
            await self._wire.run(inserting(_LEAF, is_sqlite), _columns_of(leaves))
        for table, rows in ((_TILE, tiles), (_CHECKPOINT, [head])):
            if rows:
                given = bound_rows([vars(row) for row in rows], is_sqlite)
                await self._wire.run(inserting(table, is_sqlite), given)
        await self._delete(_WAITING, placed)

    async def set_aside(self, letters: Sequence[DeadLetter], waiting: Sequence[int]) -> None:
        if letters:
            rows = bound_rows(letter_rows(letters), self._wire.is_sqlite)
            await self._wire.run(inserting(_LETTER, self._wire.is_sqlite), rows)
        await self._delete(_WAITING, waiting)

    async def forget_letters(self, numbers: Sequence[int]) -> None:
        await self._delete(_LETTER, numbers)

    async def commit(self) -> None:
        await self._wire.commit()

    async def _delete(self, table: Table, ids: Sequence[int]) -> None:
        if ids:
            await self._wire.run(deleting(table, "id", self._wire.is_sqlite), bound_each(ids))


def _columns_of(leaves: PlacedLeaves) -> Columns:
    count = len(leaves)
    return Columns(
        index=list(range(leaves.first, leaves.first + count)),
        logged_at=[leaves.logged_at] * count,
        entry=leaves.entries,
        entry_hash=leaves.entry_hashes,
        leaf_digest=leaves.leaf_digests,
    )


async def _try_lead(wire: Wire) -> bool:
    [answer] = await wire.run(_leading(), {})
    return bool(answer["leads"])


async def _newest_head(wire: Wire) -> TreeHead | None:
    for row in await wire.run(_newest(wire.is_sqlite), {}):
        return TreeHead(row["size"], row["root"], row["logged_at"], row["seal"])
    return None


async def _read_entries(wire: Wire, first: int, count: int) -> list[bytes]:
    given = {"first": first, "end": first + count}
    return [*(await wire.columns(_entries(wire.is_sqlite), given))["entry"]]


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
    """Only lengths are read of the rows that are too many."""
    oldest = select(_WAITING.c.id, func.length(_WAITING.c.frame).label("size")).order_by(_WAITING.c.id)
    rows = oldest.limit(bindparam("most")).subquery("oldest")
    before = (func.sum(rows.c.size).over(order_by=rows.c.id) - rows.c.size).label("before")
    measured = select(rows.c.id, before).subquery("measured")
    frame = bounded_bytes(_WAITING.c.frame, LEAF_FRAME_MOST_BYTES + 1)
    taken = select(_WAITING.c.id, frame.label("frame")).join(measured, measured.c.id == _WAITING.c.id)
    bounded = taken.where(measured.c.before < bindparam("most_bytes", type_=BigInteger()))
    return Prepared(bounded.order_by(_WAITING.c.id), is_sqlite)


@cache
def _newest_note(served: Table, is_sqlite: bool) -> Prepared:
    """The note of the newest size in `served`, once for each cosignature, at least once."""
    newest = select(func.max(served.c.size)).scalar_subquery()
    lines = select(_NOTE.c.note, _LINE.c.line).outerjoin(_LINE, _LINE.c.size == _NOTE.c.size)
    return Prepared(lines.where(_NOTE.c.size == newest).order_by(_LINE.c.key), is_sqlite)


@cache
def _newest_size(served: Table, is_sqlite: bool) -> Prepared:
    return Prepared(select(func.coalesce(func.max(served.c.size), 0).label("size")), is_sqlite)


@cache
def _entries(is_sqlite: bool) -> Prepared:
    number = _LEAF.c.index
    wanted = select(_LEAF.c.entry).where(number >= bindparam("first"), number < bindparam("end"))
    return Prepared(wanted.order_by(number), is_sqlite)


@cache
def _letters(is_sqlite: bool) -> Prepared:
    frame = bounded_bytes(_LETTER.c.frame, LEAF_FRAME_MOST_BYTES)
    behind = select(_LETTER.c.id, frame.label("frame")).where(_LETTER.c.id > bindparam("after"))
    return Prepared(behind.order_by(_LETTER.c.id).limit(bindparam("most")), is_sqlite)


@cache
def _placed(is_sqlite: bool) -> Prepared:
    known = select(_LEAF.c.leaf_digest).where(is_one_of([_LEAF.c.leaf_digest], is_sqlite))
    return Prepared(known.where(_LEAF.c.index < bindparam("size")), is_sqlite)
