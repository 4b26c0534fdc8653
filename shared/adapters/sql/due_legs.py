"""`ports.DueLegs` over the legs' table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select

from shared.adapters.sql.engine import Store
from shared.adapters.sql.mapping import TABLES
from shared.contracts.records import LegRecord
from shared.ports.due_legs import DueLeg

_LEG = TABLES[LegRecord]


class SqlDueLegs:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def due(self, now: datetime, most: int) -> Sequence[DueLeg]:
        return await self._find(_LEG.c.next_fall <= now, most)

    async def counted_before(self, registry: int, most: int) -> Sequence[DueLeg]:
        return await self._find(_LEG.c.next_fall.is_not(None) & (_LEG.c.calendars < registry), most)

    async def _find(self, wanted: ColumnElement[bool], most: int) -> Sequence[DueLeg]:
        asked = select(_LEG.c.dossier, _LEG.c.requested, _LEG.c.next_fall).where(wanted)
        ordered = asked.order_by(_LEG.c.next_fall, _LEG.c.dossier, _LEG.c.requested).limit(most)
        async with self._store.read() as connection:
            return [DueLeg(*row) for row in await connection.execute(ordered)]
