"""`ports.LateMessages` over intake's tables and the evidences that routing wrote.

Messages that arrive in time are counted where they lie, and nothing is written of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, func, or_, select

from shared.adapters.sql.engine import Store
from shared.adapters.sql.mapping import TABLES, parse_row
from shared.contracts.records import Decision, Evidence, LateMessage, TransportScan
from shared.domain.evidences import Evidence as Kind
from shared.ports.late_messages import Acceptance, Arrival, DueMessage

_DECISION = TABLES[Decision]
_EVIDENCE = TABLES[Evidence]
_LATE = TABLES[LateMessage]
_SCAN = TABLES[TransportScan]


class SqlLateMessages:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def scans(self) -> Sequence[TransportScan]:
        async with self._store.read() as connection:
            rows = (await connection.execute(select(_SCAN))).mappings()
            return [parse_row(TransportScan, row) for row in rows]

    async def suspects(self, after: TransportScan, until: datetime, came_by: datetime, most: int) -> list[Acceptance]:
        columns, decided = _DECISION.c, _DECISION.c.decided_at
        behind = or_(decided > after.accepted_at, and_(decided == after.accepted_at, columns.message > after.message))
        wanted = (
            select(_DECISION)
            .where(columns.urgency == after.urgency, decided >= after.accepted_at, decided <= until, behind)
            .where(_lacks(Kind(after.awaited), came_by))
            .order_by(decided, columns.message)
            .limit(most)
        )
        async with self._store.read() as connection:
            rows = (await connection.execute(wanted)).mappings().all()
        return [
            Acceptance(
                message=row["message"],
                digest=row["digest"],
                dossier=row["dossier"],
                sender=row["sender"],
                recipients=tuple(row["recipients"].split()),
                urgency=row["urgency"],
                accepted_at=row["decided_at"],
            )
            for row in rows
        ]

    async def arrivals(self, messages: Sequence[str]) -> Mapping[tuple[str, str], Arrival]:
        columns = _EVIDENCE.c
        came = select(columns.message, columns.recipient, columns.kind, columns.at)
        came = came.where(columns.message.in_(messages), columns.kind.in_([Kind.delivery.value, Kind.retrieval.value]))
        found: dict[tuple[str, str], dict[str, datetime]] = {}
        async with self._store.read() as connection:
            for message, recipient, kind, at in await connection.execute(came):
                found.setdefault((message, recipient), {})[kind] = at
        return {key: Arrival(came.get(Kind.delivery), came.get(Kind.retrieval)) for key, came in found.items()}

    async def due(self, until: datetime, most: int) -> Sequence[DueMessage]:
        asked = select(_LATE.c.message, _LATE.c.recipient, _LATE.c.next_fall).where(_LATE.c.next_fall <= until)
        ordered = asked.order_by(_LATE.c.next_fall, _LATE.c.message, _LATE.c.recipient).limit(most)
        async with self._store.read() as connection:
            return [DueMessage(*row) for row in await connection.execute(ordered)]


def _lacks(awaited: Kind, came_by: datetime) -> ColumnElement[bool]:
    """Counted for each message by the key of its evidences: no planner makes it a join of whole tables."""
    came = _count(awaited, _EVIDENCE.c.at <= came_by)
    return came < (_count(Kind.delivery) if awaited is Kind.retrieval else 1)


def _count(kind: Kind, *more: ColumnElement[bool]) -> ScalarSelect[Any]:
    of_it = (_EVIDENCE.c.message == _DECISION.c.message, _EVIDENCE.c.kind == kind.value)
    return select(func.count()).select_from(_EVIDENCE).where(*of_it, *more).correlate(_DECISION).scalar_subquery()
