"""`ports.Operations` in SQL. Nothing of a frame is selected, not even its size: the gateway's role may not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, or_, select

from shared.adapters.sql.engine import Store
from shared.adapters.tables import METADATA
from shared.adapters.tables.messaging import DEAD_LETTERS, MESSAGING
from shared.contracts.topology import QUEUES
from shared.domain.ids import time_of_uuid7
from shared.ports.operations import LedgerFigures, MessagingFigures, SetAside

_WAITING = METADATA.tables["leaf_waiting"]
_CHECKPOINT = METADATA.tables["ledger_checkpoint"]
_NOTE = METADATA.tables["ledger_note"]


class SqlOperations:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def messaging(self) -> list[MessagingFigures]:
        found = []
        async with self._store.read() as connection:
            for service in QUEUES:
                tables = MESSAGING[service]
                parked = (
                    await connection.execute(
                        select(func.count(tables.parked.c.due_at), func.min(tables.parked.c.due_at))
                    )
                ).one()
                # Ids are made in the order of time, so that the primary key finds the oldest at once.
                outbox = (
                    await connection.execute(select(func.count(tables.outbox.c.id), func.min(tables.outbox.c.id)))
                ).one()
                letters = (await connection.execute(select(func.count(tables.dead_letter.c.id)))).scalar_one()
                oldest = None if outbox[1] is None else time_of_uuid7(outbox[1])
                found.append(MessagingFigures(service, parked[0], parked[1], outbox[0], oldest, letters))
        return found

    async def ledger(self) -> LedgerFigures:
        async with self._store.read() as connection:
            head = (await connection.execute(select(_CHECKPOINT).order_by(_CHECKPOINT.c.size.desc()).limit(1))).first()
            signed = (await connection.execute(select(func.coalesce(func.max(_NOTE.c.size), 0)))).scalar_one()
            letters = (await connection.execute(select(func.count(DEAD_LETTERS["ledger"].c.id)))).scalar_one()
            waiting = (await connection.execute(select(func.count(_WAITING.c.id)))).scalar_one()
        return LedgerFigures(head.size if head else 0, signed, head.logged_at if head else None, waiting, letters)

    async def letters(
        self, services: Sequence[str], reason: str | None, after: tuple[str, int] | None, limit: int
    ) -> list[SetAside]:
        found: list[SetAside] = []
        begun = services if after is None or after[0] not in services else services[services.index(after[0]) :]
        async with self._store.read() as connection:
            for service in begun:
                column = DEAD_LETTERS[service].c
                wanted = _told(service).order_by(column.id.desc()).limit(limit - len(found))
                if after is not None and after[0] == service:
                    wanted = wanted.where(column.id < after[1])
                if reason is not None:
                    wanted = wanted.where(_begins_with(column.reason, reason))
                found += [_set_aside(service, row) for row in await connection.execute(wanted)]
                if len(found) == limit:
                    break
        return found

    async def letter(self, service: str, number: int) -> SetAside | None:
        async with self._store.read() as connection:
            wanted = _told(service).where(DEAD_LETTERS[service].c.id == number)
            row = (await connection.execute(wanted)).first()
        return None if row is None else _set_aside(service, row)


def _told(service: str) -> Select[Any]:
    column = DEAD_LETTERS[service].c
    told = (column.id, column.item, column.type, column.at, column.attempts, column.retries, column.reason)
    return select(*told, column.earlier)


def _begins_with(column: ColumnElement[str], reason: str) -> ColumnElement[bool]:
    starts = [column.startswith(f"{reason}{end}", autoescape=True) for end in (":", " ")]
    return or_(column == reason, *starts)


def _set_aside(service: str, row: Row[Any]) -> SetAside:
    return SetAside(
        service=service,
        number=row.id,
        item=row.item,
        type=row.type,
        at=row.at,
        attempts=row.attempts,
        retries=row.retries,
        reason=row.reason,
        earlier=tuple(row.earlier.splitlines()),
    )
