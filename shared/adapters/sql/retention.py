"""`ports.Retention` in SQL: it walks what is still kept, so that what was pruned long ago costs nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from shared.adapters.sql.engine import Store
from shared.adapters.sql.mapping import TABLES, parse_row
from shared.adapters.tables import METADATA
from shared.contracts.records import LegRecord, StoredEnvelope
from shared.ports.retention import KeptDossier

_PART = METADATA.tables["part"]
_ENVELOPE = TABLES[StoredEnvelope]
_LEG = TABLES[LegRecord]


class SqlRetention:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def kept(self, after: str | None, stored_before: datetime, most: int) -> Sequence[KeptDossier]:
        old = _PART.join(_ENVELOPE, _ENVELOPE.c.message == _PART.c.message)
        wanted = select(_ENVELOPE.c.dossier).select_from(old).where(_ENVELOPE.c.stored_at < stored_before)
        if after is not None:
            wanted = wanted.where(_ENVELOPE.c.dossier > after)
        wanted = wanted.distinct().order_by(_ENVELOPE.c.dossier).limit(most)
        async with self._store.read() as connection:
            dossiers = list((await connection.execute(wanted)).scalars())
            if not dossiers:
                return ()
            owners = select(_ENVELOPE.c.dossier, _ENVELOPE.c.message).select_from(old).distinct()
            rows = await connection.execute(owners.where(_ENVELOPE.c.dossier.in_(dossiers)))
            messages: dict[str, list[str]] = defaultdict(list)
            for dossier, message in rows:
                messages[dossier].append(message)
            legs: dict[str, list[LegRecord]] = defaultdict(list)
            found = await connection.execute(select(_LEG).where(_LEG.c.dossier.in_(dossiers)))
            for row in found.mappings():
                legs[row["dossier"]].append(parse_row(LegRecord, row))
        return [KeptDossier(one, tuple(sorted(messages[one])), tuple(legs[one])) for one in dossiers]
