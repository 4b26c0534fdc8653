"""`ports.UnitOfWork` on one wire: each table written in one statement, however many rows; no ORM, no savepoints
[100 rows by one statement: 1 ms; by executemany: 4–5 ms; a savepoint each: 100–171 ms]."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Table

from shared.adapters.sql import statements
from shared.adapters.sql.engine import Store
from shared.adapters.sql.keyed import bound_changes, bound_each, bound_keys, bound_rows
from shared.adapters.sql.letters import letter_rows, parse_letter
from shared.adapters.sql.mapping import TABLES, UPDATED, encode_row, parse_row
from shared.adapters.sql.parts import part_rows
from shared.adapters.sql.prepared import Given, Prepared, Row
from shared.adapters.sql.wires import Wire
from shared.adapters.tables import METADATA
from shared.adapters.tables.messaging import MESSAGING
from shared.contracts.records import Key, Record
from shared.contracts.topology import OUTBOX
from shared.errors import FrameRefused, MessageTypeUnknown
from shared.frame.seal import MAX_FRAME_BYTES
from shared.ports.clock import Clock
from shared.ports.unit_of_work import (
    OVERSIZE_KEPT,
    WHOLE_FRAME,
    DeadLetter,
    Effects,
    OutboxRow,
    ParkedItem,
    RowSeal,
    UnitOfWork,
)

log = structlog.get_logger()

_WAITING = METADATA.tables["leaf_waiting"]


class SqlUnitsOfWork:
    """`ports.UnitsOfWork` for one service over one database."""

    def __init__(self, store: Store, service: str, clock: Clock, seal: RowSeal) -> None:
        self._store = store
        self._service = service
        self._clock = clock
        self._seal = seal

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        async with self._store.transaction() as wire:
            yield SqlUnitOfWork(wire, self._service, self._clock, self._seal)

    async def oldest_outbox_age_s(self) -> float:
        asked = statements.outbox_age(MESSAGING[self._service].outbox, self._store.is_sqlite)
        async with self._store.reading() as wire:
            [row] = await wire.run(asked, {})
        return 0.0 if row["age"] is None else max(0.0, float(row["age"]))

    async def list_due(self, most: int, now: datetime) -> list[ParkedItem]:
        due = statements.listing_due(MESSAGING[self._service].parked, self._store.is_sqlite)
        async with self._store.reading() as wire:
            rows = await wire.run(due, {"now": now, "most": most})
        parked = [
            ParkedItem(
                id=row["item"],
                frame=row["frame"],
                ordinal=row["ordinal"],
                attempts=row["attempts"],
                first_at=row["first_at"],
                retries=row["retries"],
                earlier=row["earlier"],
            )
            for row in rows
        ]
        return [
            replace(item, parked_at=self._seal.when_parked(item, row["seal"]))
            for item, row in zip(parked, rows, strict=True)
        ]


class SqlUnitOfWork:
    def __init__(self, wire: Wire, service: str, clock: Clock, seal: RowSeal) -> None:
        self._wire = wire
        self._is_sqlite = wire.is_sqlite
        self._service = service
        self._tables = MESSAGING[service]
        self._clock = clock
        self._seal = seal

    async def claim(self, item_ids: Sequence[str]) -> set[str]:
        if not item_ids:
            return set()
        now = self._clock.now().timestamp()
        rows = [{"item": item, "claimed_at": now} for item in sorted(set(item_ids))]
        new = await self._run(statements.claiming(self._tables.inbox, self._is_sqlite), self._bound(rows))
        return {row["item"] for row in new}

    async def forget_claims(self, before: datetime, most: int) -> int:
        forgetting = statements.forgetting_claims(self._tables.inbox, self._is_sqlite)
        return len(await self._run(forgetting, {"before": before.timestamp(), "most": most}))

    async def load(self, keys: Iterable[Key]) -> dict[Key, Record]:
        wanted: dict[type[Record], set[tuple[Any, ...]]] = defaultdict(set)
        for key in keys:
            wanted[key.record].add(key.values)
        found: dict[Key, Record] = {}
        for record, table in TABLES.items():  # one fixed order of tables, keys sorted: locks never cross
            if record not in wanted:
                continue
            by_keys = statements.loading(table, record.KEY, record in UPDATED, self._is_sqlite)
            for row in await self._run(by_keys, bound_keys(sorted(wanted[record]), self._is_sqlite)):
                loaded = parse_row(record, row)
                found[loaded.key()] = loaded
        return found

    async def write(self, effects: Effects) -> list[OutboxRow]:
        sealed = self._seal.seal_outbox(effects.publishes)
        for table, rows in _by_table(effects.inserts):
            await self._insert(table, rows)
        for table, rows in _by_table(effects.updates):
            await self._run(statements.updating(table, self._is_sqlite), bound_changes(rows, self._is_sqlite))
        for table, rows in part_rows(effects.parts):
            await self._run(statements.inserting_new(table, self._is_sqlite), self._bound(rows))
        await self._insert(_WAITING, [{"frame": frame} for frame in self._seal.seal_leaves(effects.leaves)])
        if sealed:
            await self._write_outbox([{"id": row.id, "frame": frame} for row, frame in sealed])
        return [row for row, _ in sealed]

    async def prune_parts(self, messages: Sequence[str]) -> set[str]:
        if not messages:
            return set()
        keys = bound_keys([(one,) for one in sorted(messages)], self._is_sqlite)
        await self._run(statements.pruning_chunks(self._is_sqlite), keys)
        return {row["message"] for row in await self._run(statements.pruning_parts(self._is_sqlite), keys)}

    async def hold_parked(self, item_id: str) -> bool:
        one = statements.holding(self._tables.parked, self._is_sqlite)
        return bool(await self._run(one, {"held": item_id}))

    async def park(self, items: Sequence[tuple[ParkedItem, datetime, str]]) -> None:
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
                "seal": self._seal.seal_parked(item),
            }
            for item, due_at, reason in items
        ]
        await self.unpark([item.id for item, _, _ in items])
        await self._insert(self._tables.parked, rows)

    async def unpark(self, item_ids: Sequence[str]) -> None:
        await self._delete(self._tables.parked, "item", item_ids)

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        await self._insert(self._tables.dead_letter, letter_rows(letters, self._seal.seal_letter))

    async def take_letter(self, letter: int) -> DeadLetter | None:
        taken = statements.taking(self._tables.dead_letter, self._is_sqlite)
        for row in await self._run(taken, {"taken": letter}):
            found = parse_letter(row)
            if self._seal.is_own_letter(found, row["seal"]):
                return found
            log.error("letter.foreign", service=self._service, letter=letter)
            return replace(found, id=None, ordinal=WHOLE_FRAME)
        return None

    async def take_overdue_outbox(self, most: int) -> list[OutboxRow]:
        outbox = self._tables.outbox
        rows = await self._run(statements.listing_overdue(outbox, self._is_sqlite), {"most": most})
        if rows:
            keys = bound_keys([(row["id"],) for row in rows], self._is_sqlite)
            await self._run(statements.postponing(outbox, self._is_sqlite), keys)
        taken: list[OutboxRow] = []
        for row in rows:
            try:
                taken.append(self._seal.open_outbox(row["id"], row["frame"]))
            except MessageTypeUnknown as newer:
                log.error("outbox.unreadable", service=self._service, row=row["id"], why=str(newer))
            except FrameRefused as foreign:
                await self._set_aside(row["id"], row["frame"], foreign)
        return taken

    async def forget_outbox(self, ids: Sequence[str]) -> None:
        await self._delete(self._tables.outbox, "id", ids)

    async def commit(self) -> None:
        await self._wire.commit()

    async def _set_aside(self, row_id: str, frame: bytes, foreign: FrameRefused) -> None:
        """What nobody of this service wrote is not published, and not thrown away."""
        log.error("outbox.row-refused", service=self._service, row=row_id, why=str(foreign))
        kept = frame if len(frame) <= MAX_FRAME_BYTES else frame[:OVERSIZE_KEPT]
        reason = f"{foreign.code}: an outbox row: {foreign}"
        await self.bury([DeadLetter(None, kept, WHOLE_FRAME, reason, self._clock.now(), type=OUTBOX)])
        await self.forget_outbox([row_id])

    async def _write_outbox(self, rows: Sequence[Given]) -> None:
        await self._run(statements.writing_outbox(self._tables.outbox, self._is_sqlite), self._bound(rows))

    async def _insert(self, table: Table, rows: Sequence[Given]) -> None:
        if rows:
            await self._run(statements.inserting(table, self._is_sqlite), self._bound(rows))

    async def _delete(self, table: Table, column: str, ids: Sequence[str]) -> None:
        if ids:
            await self._run(statements.deleting(table, column, self._is_sqlite), bound_each(sorted(ids)))

    async def _run(self, prepared: Prepared, given: Given | Sequence[Given]) -> Sequence[Row]:
        return await self._wire.run(prepared, given)

    def _bound(self, rows: Sequence[Given]) -> Any:
        return bound_rows(rows, self._is_sqlite)


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
