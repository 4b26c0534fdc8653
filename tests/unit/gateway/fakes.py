"""The gateway with everything behind it in memory: what the services would have written, bus, clock, and callers."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.audit.tiles import Tile
from shared.contracts.messages import ServiceMessage
from shared.contracts.records import FeedEntry, InstrumentsRecord, KeyEventRecord
from shared.contracts.topology import QUEUES
from shared.errors import ComityError, NotThere
from shared.keys.directory import Directory
from shared.ports.keyring import PublishedInstruments
from shared.ports.ledger import Round, TreeHead
from shared.ports.operations import LedgerFigures, MessagingFigures, SetAside
from shared.ports.queries import DecisionView, DossierView, EvidenceView, KeyEventPlace, PrunedView, ReadableEnvelope
from shared.ports.time_stamps import KeptStamp
from tests.unit.audit.paper_log import PaperLog
from tests.unit.keys.parties import ExchangeOnTest

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
MESSAGE = "019aaa00-0000-7000-8000-000000000001"


class FakeClock:
    """Stands still unless told; its monotonic time is real, so that waits are."""

    def __init__(self) -> None:
        self.time = NOW
        self.ahead_s = 0.0

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.ahead_s += seconds


@dataclass
class FakeKeyRing:
    exchange: ExchangeOnTest
    snapshot: Directory
    refreshes: int = 0
    failure: ComityError | None = None

    def directory(self) -> Directory:
        return self.snapshot

    def instruments(self) -> PublishedInstruments:
        return PublishedInstruments(0, None)

    async def refresh(self) -> Directory:
        self.refreshes += 1
        await asyncio.sleep(0.01)  # as long as a database takes: others come meanwhile
        if self.failure is not None:
            raise self.failure
        self.snapshot = self.exchange.directory
        return self.snapshot

    async def remember(self, documents: Sequence[KeyEventRecord | InstrumentsRecord]) -> None:
        """The gateway commits none."""

    async def events(self) -> list[bytes]:
        return list(self.exchange.documents)


@dataclass
class FakeQueries:
    """Keyed by who may read: what is not under the reader's name is not there."""

    decisions: dict[tuple[str, str], DecisionView] = field(default_factory=dict)
    envelopes: dict[tuple[str, str], ReadableEnvelope] = field(default_factory=dict)
    evidence: dict[tuple[str, str], list[EvidenceView]] = field(default_factory=dict)
    files: dict[str, list[DossierView]] = field(default_factory=lambda: defaultdict(list))
    every_file: list[DossierView] = field(default_factory=list)
    feeds: dict[str, list[FeedEntry]] = field(default_factory=lambda: defaultdict(list))
    registry: InstrumentsRecord | None = None
    places: list[KeyEventPlace] = field(default_factory=list)
    pruned: dict[str, PrunedView] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    pings: int = 0
    through: set[tuple[str, str]] = field(default_factory=set)
    failure: ComityError | None = None

    def _answer(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def decision(self, sender: str, message: str) -> DecisionView | None:
        self._answer()
        return self.decisions.get((sender, message))

    async def envelope(self, reader: str, message: str) -> ReadableEnvelope | None:
        self._answer()
        return self.envelopes.get((reader, message))

    async def evidences(self, reader: str, message: str) -> list[EvidenceView] | None:
        return self.evidence.get((reader, message))

    async def dossier(self, reader: str, dossier: str) -> DossierView | None:
        return next((view for view in self.files[reader] if view.dossier == dossier), None)

    async def dossiers(self, reader: str, after: str | None, limit: int) -> list[DossierView]:
        newest_first = sorted(self.files[reader], key=lambda view: view.dossier, reverse=True)
        return [view for view in newest_first if after is None or view.dossier < after][:limit]

    async def all_dossiers(self, after: str | None, limit: int) -> list[DossierView]:
        newest_first = sorted(self.every_file, key=lambda view: view.dossier, reverse=True)
        return [view for view in newest_first if after is None or view.dossier < after][:limit]

    async def feed(self, authority: str, after: int, limit: int) -> list[FeedEntry]:
        self._answer()
        return [entry for entry in self.feeds[authority] if entry.position > after][:limit]

    async def settled(self, messages: Sequence[str]) -> set[tuple[str, str]]:
        self._answer()
        return {one for one in self.through if one[1] in messages}

    async def key_event_places(self, after: int, limit: int) -> list[KeyEventPlace]:
        return [place for place in self.places if place.seq > after][:limit]

    async def parts_pruned(self, message: str) -> PrunedView | None:
        return self.pruned.get(message)

    async def instruments(self) -> InstrumentsRecord | None:
        return self.registry

    async def ping(self) -> dict[str, Any]:
        self.pings += 1
        self._answer()
        return self.figures


@dataclass
class FakeOperations:
    """What waits and what was set aside, as the tests put it here; `failure` is a database that does not answer."""

    waiting: list[MessagingFigures] = field(default_factory=list)
    tree: LedgerFigures = field(default_factory=lambda: LedgerFigures(0, 0, None, 0, 0))
    set_aside: list[SetAside] = field(default_factory=list)
    depths: dict[str, tuple[int, int]] = field(default_factory=lambda: dict.fromkeys(QUEUES, (0, 0)))
    failure: ComityError | None = None
    broker_failure: ComityError | None = None

    def _answer(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def messaging(self) -> list[MessagingFigures]:
        self._answer()
        return self.waiting

    async def ledger(self) -> LedgerFigures:
        self._answer()
        return self.tree

    async def letters(
        self, services: Sequence[str], reason: str | None, after: tuple[str, int] | None, limit: int
    ) -> list[SetAside]:
        self._answer()
        order = sorted(self.set_aside, key=lambda one: (QUEUES.index(one.service), -one.number))
        places = [(QUEUES.index(one.service), -one.number) for one in order]
        begin = 0 if after is None else sum(place <= (QUEUES.index(after[0]), -after[1]) for place in places)
        fits = [one for one in order[begin:] if one.service in services]
        return [one for one in fits if reason is None or one.reason.startswith(f"{reason}:")][:limit]

    async def letter(self, service: str, number: int) -> SetAside | None:
        self._answer()
        return next((one for one in self.set_aside if (one.service, one.number) == (service, number)), None)

    async def depth_of(self, queue: str) -> tuple[int, int]:
        if self.broker_failure is not None:
            raise self.broker_failure
        return self.depths[queue]


@dataclass
class FakeLedger:
    """Serves a log on paper. `unsigned` entries are in the tree without a checkpoint over them."""

    paper: PaperLog = field(default_factory=PaperLog)
    unsigned: list[bytes] = field(default_factory=list)

    def round(self) -> AbstractAsyncContextManager[Round | None]:
        raise AssertionError("the gateway never leads the ledger")

    async def rests_at(self) -> int | None:
        return None

    async def unsigned_head(self) -> TreeHead | None:
        raise AssertionError("the gateway signs nothing in the ledger")

    async def publish_note(self, size: int, note: bytes) -> None:
        raise AssertionError("the gateway signs nothing in the ledger")

    async def checkpoint(self) -> bytes | None:
        return self.paper.files.get("checkpoint")

    async def checkpoint_size(self) -> int:
        return len(self.paper.entries)

    async def tile(self, level: int, number: int, width: int) -> bytes | None:
        try:
            return self.paper.read_tile(Tile(level, number, width))
        except StopIteration:
            return None

    async def tiles(self, wanted: Collection[Tile]) -> dict[Tile, bytes]:
        read = {one: await self.tile(one.level, one.index, one.width) for one in wanted}
        return {one: hashes for one, hashes in read.items() if hashes is not None}

    async def entries(self, first: int, count: int) -> list[bytes]:
        return [*self.paper.entries, *self.unsigned][first : first + count]

    async def index_of(self, leaf_digest: bytes) -> int | None:
        raise AssertionError("joined by Queries")


@dataclass
class FakeStamps:
    kept: list[KeptStamp] = field(default_factory=list)

    async def newest(self) -> dict[str, KeptStamp]:
        return {one.authority: one for one in self.kept}

    async def add(self, stamp: KeptStamp) -> None:
        self.kept.append(stamp)

    async def covering(self, size: int, most: int) -> list[KeptStamp]:
        return [one for one in self.kept if one.size >= size][:most]


@dataclass
class FakeParts:
    held: dict[str, bytes] = field(default_factory=dict)

    async def store(self, digest: str, data: bytes) -> None:
        self.held[digest] = data

    async def holds(self, digest: str) -> bool:
        return digest in self.held

    async def read(self, digest: str) -> AsyncIterator[bytes]:
        if digest not in self.held:
            raise NotThere()
        for start in range(0, len(self.held[digest]), 1000):
            yield self.held[digest][start : start + 1000]


@dataclass
class FakeBus:
    kept: list[ServiceMessage] = field(default_factory=list)
    failure: ComityError | None = None

    async def submit(self, message: ServiceMessage) -> None:
        if self.failure is not None:
            raise self.failure
        self.kept.append(message)


class FakeWakeups:
    """Counts its waiters; `hint` wakes those of one authority. `lossy` swallows every hint."""

    def __init__(self) -> None:
        self.waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self.lossy = False

    async def wait(self, authority: str, timeout_s: float) -> None:
        event = asyncio.Event()
        self.waiting[authority].add(event)
        try:
            await asyncio.wait_for(event.wait(), timeout_s)
        except TimeoutError:
            return
        finally:
            self.waiting[authority].discard(event)

    def hint(self, authority: str) -> None:
        if not self.lossy:
            for event in self.waiting[authority]:
                event.set()
