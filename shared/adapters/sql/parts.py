"""`ports.Parts`: sealed parts in chunks of 256 KiB, beside everything else that must survive together."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from sqlalchemy import Table, select

from shared.adapters.sql.engine import Store
from shared.adapters.sql.keyed import bound_rows
from shared.adapters.sql.statements import inserting_new
from shared.adapters.tables import METADATA
from shared.errors import EnvelopePartMismatch, NotThere
from shared.keys.base64url import encode_b64u
from shared.ports.unit_of_work import SealedPart

CHUNK_BYTES: Final = 256 * 1024
_PART = METADATA.tables["part"]
_CHUNK = METADATA.tables["part_chunk"]


def part_rows(parts: Mapping[str, SealedPart]) -> list[tuple[Table, list[dict[str, Any]]]]:
    """The rows of `part` and of `part_chunk` for sealed parts by digest, where there are any."""
    heads = [
        {"digest": digest, "size": len(part.data), "message": part.message} for digest, part in sorted(parts.items())
    ]
    chunks = [
        {"digest": digest, "seq": seq, "data": part.data[start : start + CHUNK_BYTES]}
        for digest, part in sorted(parts.items())
        for seq, start in enumerate(range(0, len(part.data), CHUNK_BYTES))
    ]
    return [(table, rows) for table, rows in ((_PART, heads), (_CHUNK, chunks)) if rows]


class SqlParts:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def store(self, digest: str, data: bytes) -> None:
        if encode_b64u(hashlib.sha256(data).digest()) != digest:
            raise EnvelopePartMismatch(part=digest)
        async with self._store.transaction() as wire:
            for table, rows in part_rows({digest: SealedPart(None, data)}):
                await wire.run(inserting_new(table, wire.is_sqlite), bound_rows(rows, wire.is_sqlite))
            await wire.commit()

    async def holds(self, digest: str) -> bool:
        async with self._store.read() as connection:
            found = await connection.execute(select(_PART.c.digest).where(_PART.c.digest == digest))
            return found.first() is not None

    async def read(self, digest: str) -> AsyncIterator[bytes]:
        if not await self.holds(digest):
            raise NotThere()
        seq = 0
        while True:
            # one short read per chunk: a slow reader holds no connection of the pool
            async with self._store.read() as connection:
                chunk = await connection.execute(
                    select(_CHUNK.c.data).where(_CHUNK.c.digest == digest, _CHUNK.c.seq == seq)
                )
            data = chunk.scalar()
            if data is None:
                return
            yield data
            seq += 1
