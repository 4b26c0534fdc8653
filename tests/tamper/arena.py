"""A real exchange in this process, at whose broker the adversary sits: real publishers, pumps, handlers and database.

One service works at a time. What it sends on lies in the next queue until the adversary takes it: so every frame of the
campaign was sealed by the service that seals such frames.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from typing_extensions import override

from services.intake.directory import RecordDocuments
from services.intake.handler import IntakeHandler
from services.notification.handler import NotificationHandler
from services.routing.handler import RoutingHandler
from shared.adapters.amqp import AmqpBus
from shared.adapters.clock import SystemClock
from shared.adapters.keyfiles import init_exchange
from shared.contracts.messages import (
    EnvelopeAdmitted,
    FeedAdvanced,
    RecordInstruments,
    RecordKeyEvent,
    RetrievalRecorded,
    ServiceMessage,
)
from shared.contracts.records import Key
from shared.contracts.registry import encode_message
from shared.contracts.topology import CONSUMER, DESTINATION
from shared.domain.ids import encode_time
from shared.frame.open import FrameOpener, OpenedFrame
from shared.keys.instruments import sign_instruments
from shared.ports.handler import Handler, Occasion
from shared.ports.unit_of_work import Effects, View
from shared.runtime.backends import Backend, open_backend
from shared.runtime.publisher import Publisher
from shared.runtime.sealed_rows import build_leaf_opener, gather_rows, item_of
from shared.runtime.service import ConsumingService
from shared.runtime.settings import Settings
from tests.tamper.broker import Broker, at_the_broker
from tests.tamper.cases import Genuine
from tests.unit.envelope.workshop import EXCHANGE, NOW, PARTIES
from tests.unit.keys.parties import ExchangeOnTest
from tests.unit.services.desk import BE, INSTRUMENTS, MA, intake, new_exchange, new_id, request, submit

PATIENCE_S = 30.0


class MovedClock(SystemClock):
    """The machine's clock, set to another time."""

    def __init__(self, start: datetime) -> None:
        self._ahead = start - super().now()

    @override
    def now(self) -> datetime:
        return super().now() + self._ahead

    def move(self, by: timedelta) -> None:
        self._ahead += by


@dataclass
class Watched:
    """A service's real handler, and what reached it."""

    handler: Handler
    reached: set[bytes] = field(default_factory=set)
    effects: dict[bytes, Effects] = field(default_factory=dict)

    def needs(self, message: ServiceMessage) -> Sequence[Key]:
        self.reached.add(encode_message(message))
        return self.handler.needs(message)

    def handle(self, message: ServiceMessage, view: View, occasion: Occasion) -> Effects:
        done = self.handler.handle(message, view, occasion)
        self.effects[encode_message(message)] = done
        return done

    def forget(self) -> None:
        self.reached.clear()
        self.effects.clear()


@dataclass
class Arena:
    backend: Backend
    clock: MovedClock
    broker: Broker
    beside: Broker
    aside: AmqpBus
    """Queues that no service consumes: what is published here is the adversary's."""
    exchange: ExchangeOnTest

    def publisher(self, service: str) -> Publisher:
        """As a new process of this service, with epochs of its own; its frames lie aside."""
        return replace(self.backend, bus=self.aside, wakeups=self.aside).publisher(self.backend.keys(service))

    @asynccontextmanager
    async def serving(self, service: str) -> AsyncIterator[Watched]:
        """A process of this service; stopped in good order at the end, by which it must not have died."""
        watched = Watched(self._handler(service))
        pump = ConsumingService(service, watched, self.backend).pump
        stop = asyncio.Event()
        working = asyncio.create_task(pump.run(stop))
        try:
            yield watched
        finally:
            assert not working.done(), f"{service} died: {working}"
            stop.set()
            async with asyncio.timeout(PATIENCE_S):
                await working

    def _handler(self, service: str) -> Handler:
        if service == "intake":
            trust = self.backend.trust
            return IntakeHandler(trust.origin, RecordDocuments(trust.operator_keys, trust.operator_quorum))
        return RoutingHandler() if service == "routing" else NotificationHandler()

    async def sent(self, publisher: Publisher, *messages: ServiceMessage) -> list[Genuine]:
        """What a service publishes, one frame for each message, as the adversary takes it off the queue."""
        taken = []
        for message in messages:
            [row] = gather_rows([item_of(message, self.clock.now())], self.clock.now())
            assert await publisher.publish([row]) == {row.id}
            queue = DESTINATION[type(message)]
            taken += [self.describe(queue, frame) for frame in await self.beside.take(queue, 1)]
        return taken

    async def intercept(self, queue: str) -> list[Genuine]:
        """What a service has sent on and waits in this queue, taken by the adversary."""
        return [self.describe(queue, frame) for frame in await self.broker.take(queue)]

    def describe(self, queue: str, frame: bytes) -> Genuine:
        """What the judge knows of a frame that a service sealed."""
        opened = self.open(queue, frame)
        return Genuine(
            queue,
            frame,
            opened.producer,
            tuple(item.type for item in opened.items),
            tuple(item.id for item in opened.items),
        )

    def open(self, queue: str, frame: bytes) -> OpenedFrame:
        opener = self.backend.opener(self.backend.keys(CONSUMER[queue]))
        return opener.open(frame, queue, self.clock.now(), check_age=False)

    def leaf_opener(self) -> FrameOpener:
        """The ledger's, which is not at work here."""
        return build_leaf_opener(self.backend.keys("ledger"), self.backend.roster)

    def fresh(self, queue: str) -> tuple[str, ServiceMessage]:
        """A service that speaks to this queue, and something new that it could say there."""
        if queue == "intake":
            return "gateway", submit(request(), MA)
        if queue == "routing":
            said = intake().handle(submit(request(), MA)).publishes
            return "intake", next(one for one in said if isinstance(one, EnvelopeAdmitted))
        at = encode_time(self.clock.now())
        if queue == "notification":
            told = RetrievalRecorded(message=new_id(), dossier=new_id(), sender=MA, recipient=BE, retrieved_at=at)
            return "routing", told
        return "notification", FeedAdvanced(authorities=(MA, BE))

    def documents(self) -> list[ServiceMessage]:
        """The key events that enrol the parties, and the registry of instruments."""
        at = encode_time(self.clock.now())
        signed = sign_instruments(INSTRUMENTS.read_bytes(), self.exchange.operators[:2], EXCHANGE)
        events: list[ServiceMessage] = [
            RecordKeyEvent(event=document, received_at=at) for document in self.exchange.documents
        ]
        return [*events, RecordInstruments(document=signed, received_at=at)]


@asynccontextmanager
async def open_arena(place: Path, broker: str, database: str, prefix: str) -> AsyncIterator[Arena]:
    """On a broker and a migrated, empty database that nobody else uses under this prefix."""
    exchange = new_exchange(*PARTIES)
    place.mkdir(parents=True, exist_ok=True)
    init_exchange(place, EXCHANGE, exchange.operators, 2, NOW, "development")
    settings = Settings(data=place, database=database, broker=broker, queue_prefix=prefix)
    clock = MovedClock(NOW)
    aside = AmqpBus(broker, f"{prefix}aside.")
    await aside.open()
    async with open_backend(settings) as backend, at_the_broker(broker, prefix, f"{prefix}aside.") as (hands, beside):
        yield Arena(replace(backend, clock=clock), clock, hands, beside, aside, exchange)
    await aside.close()
