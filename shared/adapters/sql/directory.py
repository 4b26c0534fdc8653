"""`ports.KeyRing` over stored key events: verified by each process itself against pinned operator keys."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from shared.adapters.sql.engine import Store
from shared.adapters.tables import METADATA
from shared.keys.directory import Directory
from shared.keys.events import verify_event
from shared.keys.public import Ed25519Public

_EVENT = METADATA.tables["key_event"]


class SqlKeyRing:
    def __init__(self, store: Store, operator_keys: Sequence[Ed25519Public], quorum: int) -> None:
        self._store = store
        self._operator_keys = tuple(operator_keys)
        self._quorum = quorum
        self._directory = Directory.empty()

    def directory(self) -> Directory:
        return self._directory

    async def refresh(self) -> Directory:
        newer = select(_EVENT.c.event).where(_EVENT.c.seq > self._directory.index).order_by(_EVENT.c.seq)
        async with self._store.read() as connection:
            events = list((await connection.execute(newer)).scalars())
        directory = self._directory
        for event in events:
            directory = directory.apply(verify_event(event, self._operator_keys, self._quorum, directory))
        self._directory = directory
        return directory
