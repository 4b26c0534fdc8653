"""`ports.UnitOfWork` on one connection. The hot path is Core with executemany: no ORM, no savepoints
[100 rows by executemany: 4–5 ms; a savepoint each: 100–171 ms]."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from typing import Any

import structlog
from sqlalchemy import Insert, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.adapters.sql.engine import Store, epoch_now, translated
from shared.adapters.sql.keyed import bound_keys
from shared.adapters.sql.mapping import TABLES, UPDATED, encode_row, parse_row
from shared.adapters.sql.parts import part_rows
from shared.adapters.sql.statements import claiming, deleting, inserting, inserting_new, loading, updating
from shared.adapters.tables import METADATA
from shared.adapters.tables.messaging import MESSAGING
from shared.contracts.messages import ServiceMessage
from shared.contracts.records import Key, Record
from shared.contracts.registry import encode_message, parse_message
from shared.domain.ids import new_uuid7
from shared.errors import FrameRefused, MessageTypeUnknown
from shared.ports.clock import Clock
from shared.ports.unit_of_work import DeadLetter, Effects, OutboxRow, ParkedItem, UnitOfWork

log = structlog.get_logger()

RELAY_DELAY_S = 10.0
"""An outbox row that is not confirmed after this long is published again, by any relay."""


class SqlUnitsOfWork:
    """`ports.UnitsOfWork` for one service over one database."""

    def __init__(self, store: Store, service: str, clock: Clock) -> None:
        self._store = store
        self._service = service
        self._clock = clock

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        async with self._store.connection() as connection:
            transaction = await connection.begin()
            try:
                yield SqlUnitOfWork(self._store, connection, self._service, self._clock)
            finally:
                if transaction.is_active:
                    await transaction.rollback()

    async def oldest_outbox_age_s(self) -> float:
        outbox = MESSAGING[self._service].outbox
        async with self._store.read() as connection:
            oldest = select(self._store.epoch_now - func.min(outbox.c.relay_after))
            age = (await connection.execute(oldest)).scalar()
        return 0.0 if age is None else max(0.0, float(age))

    async def list_due(self, most: int, now: datetime) -> list[ParkedItem]:
        parked = MESSAGING[self._service].parked
        due = select(parked).where(parked.c.due_at <= now).order_by(parked.c.due_at).limit(most)
        async with self._store.read() as connection:
            rows = await connection.execute(due)
        return [
            ParkedItem(row.item, row.frame, row.ordinal, row.attempts, row.first_at, row.retries, row.earlier)
            for row in rows
        ]


class SqlUnitOfWork:
    def __init__(self, store: Store, connection: AsyncConnection, service: str, clock: Clock) -> None:
        self._store = store
        self._connection = connection
        self._tables = MESSAGING[service]
        self._clock = clock

    async def claim(self, item_ids: Sequence[str]) -> set[str]:
        if not item_ids:
            return set()
        now = self._clock.now().timestamp()
        items = sorted(set(item_ids))
        given: Any = [{"item": item, "claimed_at": now} for item in items]
        if not self._store.is_sqlite:
            given = {**self._bound([(item,) for item in items]), "claimed_at": now}
        with translated():
            result = await self._connection.execute(claiming(self._tables.inbox, self._store.is_sqlite), given)
            return set(result.scalars())

    async def load(self, keys: Iterable[Key]) -> dict[Key, Record]:
        wanted: dict[type[Record], set[tuple[Any, ...]]] = defaultdict(set)
        for key in keys:
            wanted[key.record].add(key.values)
        found: dict[Key, Record] = {}
        is_sqlite = self._store.is_sqlite
        for record, table in TABLES.items():  # one fixed order of tables, keys sorted: locks never cross
            if record not in wanted:
                continue
            found_by = loading(table, record.KEY, record in UPDATED, is_sqlite)
            with translated():
                rows = await self._connection.execute(found_by, bound_keys(sorted(wanted[record]), is_sqlite))
            for row in rows.mappings():
                loaded = parse_row(record, row)
                found[loaded.key()] = loaded
        return found

    async def write(self, effects: Effects) -> list[OutboxRow]:
        outbox_rows = [OutboxRow(new_uuid7(self._clock.now()), message) for message in effects.publishes]
        with translated():
            for table, rows in _by_table(effects.inserts):
                await self._connection.execute(inserting(table), rows)
            for table, rows in _by_table(effects.updates):
                bound = [{f"b_{name}": value for name, value in row.items()} for row in rows]
                await self._connection.execute(updating(table), bound)
            await self._write_parts(effects.parts)
            if effects.leaves:
                waiting = METADATA.tables["leaf_waiting"]
                await self._connection.execute(inserting(waiting), [{"leaf": leaf} for leaf in effects.leaves])
            if outbox_rows:
                await self._write_outbox(outbox_rows)
        return outbox_rows

    async def hold_parked(self, item_id: str) -> bool:
        parked = self._tables.parked
        one = select(parked.c.item).where(parked.c.item == item_id).with_for_update(skip_locked=True)
        with translated():
            return (await self._connection.execute(one)).first() is not None

    async def park(self, items: Sequence[tuple[ParkedItem, datetime, str]]) -> None:
        if not items:
            return
        rows = [
            {
                "item": item.id,
                "frame": item.frame,
                "ordinal": item.ordinal,
                "attempts": item.attempts,
                "first_at": item.first_at,
                "due_at": due_at,
                "reason": reason,
                "retries": item.retries,
                "earlier": item.earlier,
            }
            for item, due_at, reason in items
        ]
        parked = self._tables.parked
        with translated():
            await self.unpark([item.id for item, _, _ in items])
            await self._connection.execute(insert(parked), rows)

    async def unpark(self, item_ids: Sequence[str]) -> None:
        if item_ids:
            with translated():
                await self._delete(self._tables.parked, "item", item_ids)

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        if not letters:
            return
        rows = [
            {
                "item": letter.id,
                "frame": letter.frame,
                "ordinal": letter.ordinal,
                "reason": letter.reason,
                "at": letter.at,
                "type": letter.type,
                "attempts": letter.attempts,
                "retries": letter.retries,
                "earlier": letter.earlier,
            }
            for letter in letters
        ]
        with translated():
            await self._connection.execute(inserting(self._tables.dead_letter), rows)

    async def take_letter(self, letter: int) -> DeadLetter | None:
        letters = self._tables.dead_letter
        taken = delete(letters).where(letters.c.id == letter).returning(*letters.c)
        with translated():
            row = (await self._connection.execute(taken)).first()
        if row is None:
            return None
        return DeadLetter(
            id=row.item,
            frame=row.frame,
            ordinal=row.ordinal,
            reason=row.reason,
            at=row.at,
            type=row.type,
            attempts=row.attempts,
            retries=row.retries,
            earlier=row.earlier,
        )

    async def take_overdue_outbox(self, most: int) -> list[OutboxRow]:
        outbox = self._tables.outbox
        overdue = select(outbox).where(outbox.c.relay_after <= self._store.epoch_now)
        with translated():
            found = await self._connection.execute(
                overdue.order_by(outbox.c.relay_after).limit(most).with_for_update(skip_locked=True)
            )
            rows = found.all()
            if rows:
                later = update(outbox).where(outbox.c.id.in_([row.id for row in rows]))
                await self._connection.execute(later.values(relay_after=self._store.epoch_now + RELAY_DELAY_S))
        return [OutboxRow(row.id, message) for row in rows if (message := _readable(row)) is not None]

    async def forget_outbox(self, ids: Sequence[str]) -> None:
        if ids:
            with translated():
                await self._delete(self._tables.outbox, "id", ids)

    async def commit(self) -> None:
        with translated():
            await self._connection.commit()

    async def _write_outbox(self, rows: Sequence[OutboxRow]) -> None:
        statement = _writing_outbox(self._tables.outbox, self._store.is_sqlite)
        await self._connection.execute(statement, [_outbox_values(row.id, row.message) for row in rows])

    async def _write_parts(self, parts: dict[str, bytes]) -> None:
        if not parts:
            return
        heads, chunks = part_rows(parts)
        for table, rows in (("part", heads), ("part_chunk", chunks)):
            if rows:
                new = inserting_new(METADATA.tables[table], self._store.is_sqlite)
                await self._connection.execute(new, rows)

    async def _delete(self, table: Table, column: str, ids: Sequence[str]) -> None:
        bound = self._bound([(one,) for one in sorted(ids)])
        await self._connection.execute(deleting(table, column, self._store.is_sqlite), bound)

    def _bound(self, keys: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
        return bound_keys(keys, self._store.is_sqlite)


def _readable(row: Any) -> ServiceMessage | None:
    """The message of an outbox row; None where a newer program wrote it: it stays there, and keeps nobody waiting."""
    try:
        return parse_message(row.type, row.version, row.data)
    except (MessageTypeUnknown, FrameRefused) as unreadable:
        log.error("outbox.unreadable", row=row.id, type=row.type, version=row.version, code=unreadable.code)
        return None


@cache
def _writing_outbox(outbox: Table, is_sqlite: bool) -> Insert:
    return insert(outbox).values(
        id=bindparam("b_id"),
        type=bindparam("b_type"),
        version=bindparam("b_version"),
        data=bindparam("b_data"),
        relay_after=epoch_now(is_sqlite) + RELAY_DELAY_S,
    )


def _outbox_values(row_id: str, message: ServiceMessage) -> dict[str, Any]:
    return {"b_id": row_id, "b_type": message.TYPE, "b_version": message.VERSION, "b_data": encode_message(message)}


def _by_table(written: Sequence[Record]) -> list[tuple[Table, list[dict[str, Any]]]]:
    """Rows per table, tables in the fixed order, rows sorted by key."""
    grouped: dict[type[Record], list[Record]] = defaultdict(list)
    for record in written:
        grouped[type(record)].append(record)
    return [
        (table, [encode_row(row) for row in sorted(grouped[record], key=lambda row: row.key().values)])
        for record, table in TABLES.items()
        if record in grouped
    ]
