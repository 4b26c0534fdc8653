"""`ports.KeyRing` over stored documents, verified by each process itself against pinned operator keys."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Select, func, select

from shared.adapters.sql.engine import Store
from shared.adapters.sql.prepared import Prepared
from shared.adapters.tables import METADATA
from shared.domain.instruments import parse_registry
from shared.errors import InstrumentsInvalid
from shared.keys.directory import Directory
from shared.keys.events import replay_events
from shared.keys.instruments import verify_instruments
from shared.keys.public import Ed25519Public
from shared.ports.keyring import PublishedInstruments

_EVENT = METADATA.tables["key_event"]
_INSTRUMENTS = METADATA.tables["instruments"]


class SqlKeyRing:
    def __init__(self, store: Store, exchange: str, operator_keys: Sequence[Ed25519Public], quorum: int) -> None:
        self._store = store
        self._operator_keys = tuple(operator_keys)
        self._quorum = quorum
        self._directory = Directory.empty(exchange)
        self._instruments = PublishedInstruments(0, None)

    def directory(self) -> Directory:
        return self._directory

    def instruments(self) -> PublishedInstruments:
        return self._instruments

    async def refresh(self) -> Directory:
        known = self._directory  # others may refresh meanwhile: what is read here follows this snapshot, not theirs
        async with self._store.reading() as wire:
            [newest] = await wire.run(_newest(wire.is_sqlite), {})
        if (newest["event"], newest["registry"]) == (known.index or None, self._instruments.number or None):
            return self._directory
        async with self._store.read() as connection:
            events = list((await connection.execute(_events_after(known.index))).scalars())
            published = (await connection.execute(_registry_after(self._instruments.number))).first()
        directory = replay_events(events, self._operator_keys, self._quorum, known)
        if directory.index > self._directory.index:
            self._directory = directory
        if published is not None and published.version > self._instruments.number:
            publication = verify_instruments(published.document, self._operator_keys, self._quorum, directory.exchange)
            if publication.number != published.version:  # an older one under a newer number
                raise InstrumentsInvalid(why=f"row {published.version} holds publication {publication.number}")
            registry = parse_registry(publication.registry)
            self._instruments = PublishedInstruments(publication.number, registry, publication.digest)
        return self._directory

    async def events(self) -> list[bytes]:
        """All stored events as they were signed, in order, for readers who replay them themselves."""
        async with self._store.read() as connection:
            return list((await connection.execute(select(_EVENT.c.event).order_by(_EVENT.c.seq))).scalars())


@cache
def _newest(is_sqlite: bool) -> Prepared:
    """Asked for every batch, nearly always in vain."""
    event = select(func.max(_EVENT.c.seq)).scalar_subquery().label("event")
    return Prepared(
        select(event, select(func.max(_INSTRUMENTS.c.version)).scalar_subquery().label("registry")), is_sqlite
    )


def _events_after(seq: int) -> Select[Any]:
    return select(_EVENT.c.event).where(_EVENT.c.seq > seq).order_by(_EVENT.c.seq)


def _registry_after(number: int) -> Select[Any]:
    """The newest one, if it is newer."""
    newer = select(_INSTRUMENTS.c.version, _INSTRUMENTS.c.document).where(_INSTRUMENTS.c.version > number)
    return newer.order_by(_INSTRUMENTS.c.version.desc()).limit(1)
