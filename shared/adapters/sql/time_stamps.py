"""`ports.TimeStamps` in SQL: insert-only rows beside the notes."""

from __future__ import annotations

from sqlalchemy import func, select

from shared.adapters.sql.engine import Store
from shared.adapters.sql.keyed import bound_rows
from shared.adapters.sql.statements import inserting_new
from shared.adapters.tables import METADATA
from shared.ports.time_stamps import KeptStamp

_STAMP = METADATA.tables["ledger_time_stamp"]


class SqlTimeStamps:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def newest(self) -> dict[str, KeptStamp]:
        last = select(_STAMP.c.authority, func.max(_STAMP.c.size).label("size")).group_by(_STAMP.c.authority).subquery()
        of_last = (_STAMP.c.authority == last.c.authority) & (_STAMP.c.size == last.c.size)
        async with self._store.read() as connection:
            rows = await connection.execute(select(_STAMP).join(last, of_last))
            return {row.authority: KeptStamp(row.size, row.authority, row.at, row.token) for row in rows}

    async def add(self, stamp: KeptStamp) -> None:
        async with self._store.transaction() as wire:
            await wire.run(inserting_new(_STAMP, wire.is_sqlite), bound_rows([vars(stamp)], wire.is_sqlite))
            await wire.commit()

    async def covering(self, size: int, most: int) -> list[KeptStamp]:
        wanted = select(_STAMP).where(_STAMP.c.size >= size).order_by(_STAMP.c.size, _STAMP.c.authority).limit(most)
        async with self._store.read() as connection:
            rows = await connection.execute(wanted)
            return [KeptStamp(row.size, row.authority, row.at, row.token) for row in rows]
