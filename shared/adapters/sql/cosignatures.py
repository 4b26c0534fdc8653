"""`ports.Cosignatures` in SQL: insert-only rows beside the notes."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from shared.adapters.sql.engine import Store
from shared.adapters.sql.keyed import bound_rows
from shared.adapters.sql.statements import inserting_new
from shared.adapters.tables import METADATA

_NOTE = METADATA.tables["ledger_note"]
_LINE = METADATA.tables["ledger_cosignature"]
_QUORUM = METADATA.tables["ledger_quorum"]


class SqlCosignatures:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def newest_signed(self) -> tuple[int, bytes] | None:
        async with self._store.read() as connection:
            row = (await connection.execute(select(_NOTE).order_by(_NOTE.c.size.desc()).limit(1))).first()
            return None if row is None else (row.size, row.note)

    async def lines(self, size: int) -> dict[str, bytes]:
        async with self._store.read() as connection:
            rows = await connection.execute(select(_LINE.c.key, _LINE.c.line).where(_LINE.c.size == size))
            return {row.key: row.line for row in rows}

    async def add(self, size: int, lines: Mapping[str, bytes], is_quorum: bool) -> None:
        given = [{"size": size, "key": key, "line": line} for key, line in sorted(lines.items())]
        async with self._store.transaction() as wire:
            if given:
                await wire.run(inserting_new(_LINE, wire.is_sqlite), bound_rows(given, wire.is_sqlite))
            if is_quorum:
                await wire.run(inserting_new(_QUORUM, wire.is_sqlite), bound_rows([{"size": size}], wire.is_sqlite))
            await wire.commit()
