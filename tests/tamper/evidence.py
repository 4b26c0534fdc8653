"""What the database says of a service: letters, claims, rows. Read only."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select

from shared.adapters.sql.engine import Store
from shared.adapters.sql.mapping import TABLES
from shared.adapters.tables import METADATA
from shared.adapters.tables.messaging import MESSAGING
from shared.contracts.topology import LEDGER
from shared.frame.open import FrameOpener

STATE = (*TABLES.values(), METADATA.tables["part"])
_WAITING = METADATA.tables["leaf_waiting"]


@dataclass(frozen=True)
class Letter:
    """A dead letter, its frame as a digest."""

    digest: str
    reason: str
    item: str | None


class Evidence:
    """Of one service."""

    def __init__(self, store: Store, service: str, ledger: FrameOpener) -> None:
        self._store = store
        self._ledger = ledger
        self._leaves, self._last_waiting = 0, 0
        self._tables = MESSAGING[service]

    async def claimed(self, among: Sequence[str] | None = None) -> set[str]:
        """Items in the inbox."""
        inbox = self._tables.inbox
        asked = select(inbox.c.item)
        async with self._store.read() as connection:
            return set(
                (await connection.execute(asked if among is None else asked.where(inbox.c.item.in_(among)))).scalars()
            )

    async def last_letter(self) -> int:
        letters = self._tables.dead_letter
        async with self._store.read() as connection:
            return int((await connection.execute(select(func.coalesce(func.max(letters.c.id), 0)))).scalar_one())

    async def letters_after(self, last: int) -> list[Letter]:
        letters = self._tables.dead_letter
        async with self._store.read() as connection:
            rows = (await connection.execute(select(letters).where(letters.c.id > last))).all()
        return [Letter(hashlib.sha256(row.frame).hexdigest(), row.reason, row.item) for row in rows]

    async def row_counts(self) -> Counter[str]:
        asked = select(*(select(func.count()).select_from(table).scalar_subquery() for table in STATE))
        async with self._store.read() as connection:
            counts = (await connection.execute(asked)).one()
            new = (await connection.execute(select(_WAITING).where(_WAITING.c.id > self._last_waiting))).all()
        for row in new:  # nothing places them here
            self._leaves += len(self._ledger.open(row.frame, LEDGER, datetime.now(UTC), check_age=False).items)
            self._last_waiting = max(self._last_waiting, row.id)
        return Counter({"leaves": self._leaves, **dict(zip((table.name for table in STATE), counts, strict=True))})
