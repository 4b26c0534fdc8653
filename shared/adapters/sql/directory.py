"""`ports.KeyRing` over stored documents, verified by each process itself against pinned operator keys.

Rules:
1. A document counts by its signatures, never by its row.
2. Rows that are missing are noticed by memory: the newest event and registry that were judged by or committed here are
   kept outside the database, before anything is judged by them and before what was committed is acknowledged. A
   database that is behind or holds others is refused, whichever process of this service on this machine knew more.
3. When the ledger logged a recovery is believed by the ledger's signatures (`logged_events`); until then its keys wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from itertools import count
from typing import Any, Final

from sqlalchemy import Select, func, select

from shared.adapters.sql.engine import Store
from shared.adapters.sql.logged_events import LoggedEvents
from shared.adapters.sql.prepared import Prepared
from shared.adapters.tables import METADATA
from shared.contracts.records import InstrumentsRecord, KeyEventRecord
from shared.domain.instruments import parse_registry
from shared.errors import DirectoryBehind, InstrumentsInvalid
from shared.keys.base64url import encode_b64u
from shared.keys.directory import Directory
from shared.keys.events import replay_events
from shared.keys.instruments import verify_instruments
from shared.keys.public import Ed25519Public
from shared.keys.signed_document import parse_signed_document
from shared.keys.waiting import EVERYBODY_WAITS, Waits
from shared.ports.keyring import NOTHING_KEPT, DirectoryMemory, KeptDirectory, PublishedInstruments

_EVENT: Final = METADATA.tables["key_event"]
_INSTRUMENTS: Final = METADATA.tables["instruments"]
_TRIES: Final = 8
"""How often one refresh begins again because another process learned more meanwhile. Key events are rare."""


class SqlKeyRing:
    """Without `logged` no recovered key is ever accepted, and without `memory` missing rows are not noticed: for
    services that judge nobody's keys."""

    def __init__(
        self,
        store: Store,
        exchange: str,
        operator_keys: Sequence[Ed25519Public],
        quorum: int,
        waits: Waits = EVERYBODY_WAITS,
        logged: LoggedEvents | None = None,
        memory: DirectoryMemory | None = None,
    ) -> None:
        self._store = store
        self._operator_keys = tuple(operator_keys)
        self._quorum = quorum
        self._logged = logged
        self._memory = memory
        self._directory = Directory.empty(exchange, waits)
        self._instruments = PublishedInstruments(0, None)
        self._following = asyncio.Lock()
        self._committed = NOTHING_KEPT
        """What this process committed and has not kept yet."""
        self._placeless: dict[int, bytes] = {}
        """Recoveries whose place in the ledger is not proven yet, in their signed form."""

    def directory(self) -> Directory:
        return self._directory

    def instruments(self) -> PublishedInstruments:
        return self._instruments

    async def refresh(self) -> Directory:
        for tried in count(1):
            if await self._is_followed():
                break
            if tried == _TRIES:
                raise DirectoryBehind(why="it shows less than other processes of this service know")
        await self._prove_places()
        return self._directory

    async def remember(self, documents: Sequence[KeyEventRecord | InstrumentsRecord]) -> None:
        for one in documents:
            if isinstance(one, KeyEventRecord):
                known = KeptDirectory(one.seq, _digest(one.event), 0, None)
            else:
                known = KeptDirectory(0, None, one.version, _digest(one.document))
            self._committed = self._committed.joined(known)
        await self._keep_committed()

    async def events(self) -> list[bytes]:
        """All stored events as they were signed, in order, for readers who replay them themselves."""
        async with self._store.read() as connection:
            return list((await connection.execute(select(_EVENT.c.event).order_by(_EVENT.c.seq))).scalars())

    async def _is_followed(self) -> bool:
        """Whether this process is where the database is, and no other process of this service is further."""
        await self._keep_committed()
        kept = self._last()  # of before the question: others may refresh while it is asked
        least = (max(kept.index, self._directory.index), max(kept.registry, self._instruments.number))
        async with self._store.reading() as wire:
            [newest] = await wire.run(_newest(wire.is_sqlite), {})
        found = (newest["event"] or 0, newest["registry"] or 0)
        for what, shown, known in zip(("key events", "registries of instruments"), found, least, strict=True):
            if shown < known:
                raise DirectoryBehind(why=f"it holds {shown} {what}, and {known} were known here")
        if found != (self._directory.index, self._instruments.number):
            async with self._following:
                return await self._follow()
        _check_same(kept, self._directory, self._instruments)
        return True

    async def _follow(self) -> bool:
        known = self._directory
        async with self._store.read() as connection:
            events = list((await connection.execute(_events_after(known.index))).scalars())
            published = (await connection.execute(_registry_after(self._instruments.number))).first()
        directory = replay_events(events, self._operator_keys, self._quorum, known)
        instruments = self._instruments
        if published is not None and published.version > instruments.number:
            publication = verify_instruments(published.document, self._operator_keys, self._quorum, directory.exchange)
            if publication.number != published.version:  # an older one under a newer number
                raise InstrumentsInvalid(why=f"row {published.version} holds publication {publication.number}")
            registry = parse_registry(publication.registry)
            instruments = PublishedInstruments(publication.number, registry, publication.digest)
        if not await self._keep(directory, instruments):
            return False
        new = directory.recoveries() - known.recoveries()
        self._placeless |= {seq: events[seq - known.index - 1] for seq in new}
        self._directory, self._instruments = directory.under(self._directory.waits), instruments
        return True

    def _last(self) -> KeptDirectory:
        return (None if self._memory is None else self._memory.last()) or NOTHING_KEPT

    async def _keep(self, directory: Directory, instruments: PublishedInstruments) -> bool:
        """False where another process knows more. Raises DirectoryBehind where the documents are others than those of
        before; StoreUnavailable."""
        if self._memory is None:
            return True
        kept = self._memory.last()
        if kept is not None:
            if kept.index > directory.index or kept.registry > instruments.number:
                return False
            _check_same(kept, directory, instruments)
        newest = KeptDirectory(directory.index, directory.head, instruments.number, instruments.digest)
        return await self._memory.keep(newest, kept)

    async def _keep_committed(self) -> None:
        """Raises StoreUnavailable."""
        while self._memory is not None and self._committed != NOTHING_KEPT:
            committed, kept = self._committed, self._memory.last()
            if await self._memory.keep((kept or NOTHING_KEPT).joined(committed), kept) and self._committed == committed:
                self._committed = NOTHING_KEPT

    async def _prove_places(self) -> None:
        """What a row promises and the ledger does not hold stays waiting. Raises StoreUnavailable."""
        if self._logged is None or self._directory.waits.is_waived:
            return
        for seq, document in list(self._placeless.items()):
            logged_at = await self._logged.logged_at(seq, document)
            if logged_at is not None:
                self._directory = self._directory.logged(seq, logged_at)
                self._placeless.pop(seq, None)


def _check_same(kept: KeptDirectory, directory: Directory, instruments: PublishedInstruments) -> None:
    """That the documents are those that were known. Raises DirectoryBehind."""
    if kept.head is not None and not directory.is_recorded(kept.head):
        raise DirectoryBehind(why=f"key event {kept.index} is another than was known here")
    if kept.registry == instruments.number and kept.registry_digest != instruments.digest:
        raise DirectoryBehind(why=f"registry of instruments {kept.registry} is another than was known here")


def _digest(document: bytes) -> str:
    return encode_b64u(parse_signed_document(document).digest())


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
