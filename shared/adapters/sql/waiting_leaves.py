"""Leaves that no message caused, put among those that wait for their place: sealed, as a unit of work puts them."""

from __future__ import annotations

from collections.abc import Sequence

from shared.adapters.sql.engine import Store
from shared.adapters.sql.keyed import bound_rows
from shared.adapters.sql.statements import inserting
from shared.adapters.tables import METADATA
from shared.ports.unit_of_work import RowSeal

_WAITING = METADATA.tables["leaf_waiting"]


class SqlWaitingLeaves:
    """Of one service, whose seal it is."""

    def __init__(self, store: Store, seal: RowSeal) -> None:
        self._store = store
        self._seal = seal

    async def add(self, leaves: Sequence[bytes]) -> None:
        """All of them or none. Raises StoreUnavailable."""
        rows = [{"frame": frame} for frame in self._seal.seal_leaves(leaves)]
        async with self._store.transaction() as wire:
            await wire.run(inserting(_WAITING, wire.is_sqlite), bound_rows(rows, wire.is_sqlite))
            await wire.commit()
