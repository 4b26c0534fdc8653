"""A service at work in this process: its real pump and relay, on the embedded bus and a SQLite file.

The service is `routing` with a handler that does what each message says; the next queue is `notification`, whose frames
the tests open themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from shared.adapters.sql.directory import SqlKeyRing
from shared.adapters.sql.embedded_bus import EmbeddedBus
from shared.adapters.sql.engine import Store
from shared.adapters.sql.unit_of_work import SqlUnitsOfWork
from shared.adapters.tables import METADATA
from shared.contracts.messages import EnvelopeRetrieved, RetrievalRecorded, ServiceMessage
from shared.contracts.records import Claim, Key
from shared.contracts.registry import encode_message
from shared.contracts.topology import LEDGER
from shared.domain.ids import encode_time, new_uuid7
from shared.errors import RetryLater
from shared.frame.items import Item
from shared.ports.bus import Bus, Outcome, Outgoing, Wakeups
from shared.ports.handler import Occasion
from shared.ports.unit_of_work import Effects, View
from shared.runtime.batch import Settler
from shared.runtime.crash_points import Reach, reach_nothing
from shared.runtime.publisher import Publisher
from shared.runtime.pump import Pump
from shared.runtime.relay import Relay
from tests.conformance.stores import rows_of
from tests.fakes import FakeClock
from tests.unit.frame.services import NOW, leaf_opener, opener, row_seal, sealer

SERVICE, NEXT = "routing", "notification"
PATIENCE_S = 20.0
SECRET = "what the poisoned message says"
READY_AFTER = timedelta(seconds=5)


class Killed(BaseException):
    """The end of a process, as far as a test can play it."""


def dying_at(point: str) -> Reach:
    def reach(reached: str) -> None:
        if reached == point:
            raise Killed(point)

    return reach


def a_message(request: str = "") -> EnvelopeRetrieved:
    """A message for the service; `request` says what its handler shall do with it."""
    at = encode_time(NOW)
    return EnvelopeRetrieved(message=new_uuid7(NOW), recipient="BE.PF", request=request, retrieved_at=at)


def an_item(message: ServiceMessage) -> Item:
    return Item(new_uuid7(NOW), message.TYPE, message.VERSION, encode_message(message))


class Obedient:
    """A handler whose effects are one row, one leaf and one message to the next service, unless the message says
    `poison`, `later` or `unwritable`."""

    def needs(self, message: ServiceMessage) -> Sequence[Key]:
        assert isinstance(message, EnvelopeRetrieved)
        if message.request == "poison before":
            raise ValueError(SECRET)
        return [Key(Claim, (message.message,))]

    def handle(self, message: ServiceMessage, view: View, occasion: Occasion) -> Effects:
        assert isinstance(message, EnvelopeRetrieved)
        if message.request == "poison":
            raise ValueError(SECRET)
        if message.request == "later" and occasion.now - occasion.first_at < READY_AFTER:
            raise RetryLater(why="it is early", after_s=1)
        assert view.get(Claim, message.message) is None, "handled twice"
        sender = None if message.request == "unwritable" else message.recipient
        told = RetrievalRecorded(
            message=message.message,
            dossier=message.message,
            sender="MA.PGR",
            recipient=message.recipient,
            retrieved_at=message.retrieved_at,
        )
        return Effects(
            inserts=[Claim(message.message, sender, "d" * 43)],  # type: ignore[arg-type]  # None cannot be written
            publishes=[told],
            leaves=[message.message.encode()],
        )


@dataclass
class Workplace:
    """One process of the service. `store` holds its rows, `bus` the queues; another process may open both anew."""

    store: Store
    bus: EmbeddedBus
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    reach: Reach = reach_nothing
    handler: Obedient = field(default_factory=Obedient)

    def __post_init__(self) -> None:
        self.units = SqlUnitsOfWork(self.store, SERVICE, self.clock, row_seal(SERVICE, self.clock))
        self.publisher = self.publisher_on(self.bus, self.bus)
        keyring = SqlKeyRing(self.store, "comity.test/log", [], 2)
        self.settler = Settler(
            SERVICE, self.handler, self.units, opener(SERVICE), keyring, self.clock, lambda point: self.reach(point)
        )

    def publisher_on(self, bus: Bus, wakeups: Wakeups) -> Publisher:
        return Publisher(bus, wakeups, sealer(SERVICE), self.clock)

    def pump(self) -> Pump:
        return Pump(
            SERVICE, self.settler, self.units, self.bus, self.publisher, self.clock, lambda point: self.reach(point)
        )

    def relay(self) -> Relay:
        return Relay(self.units, self.publisher, self.clock, lambda point: self.reach(point))

    def seal(self, *messages: ServiceMessage) -> bytes:
        return sealer("gateway").seal(SERVICE, [an_item(message) for message in messages], self.clock.now())

    async def post(self, *frames: bytes) -> None:
        """Let these frames wait for the service."""
        outgoing = [Outgoing(SERVICE, frame) for frame in frames]
        assert await self.bus.publish(outgoing, 5) == [Outcome.confirmed] * len(frames)

    async def handled(self) -> list[str]:
        """The ids of the messages that had their effect; each row with its leaf."""
        async with self.store.read() as connection:  # both in one snapshot
            rows = sorted((await connection.execute(select(METADATA.tables["claim"].c.message))).scalars())
            waiting = (await connection.execute(select(METADATA.tables["leaf_waiting"].c.frame))).scalars()
            frames = [leaf_opener().open(frame, LEDGER, NOW, check_age=False) for frame in waiting]
            assert sorted(item.data.decode() for frame in frames for item in frame.items) == rows
        return rows

    async def told(self) -> dict[str, str]:
        """What the next service was told, frames acknowledged: item id → message. A repeat has the id that it had."""
        found: dict[str, str] = {}
        async with self.bus.consume(NEXT, 500) as consumer:
            while taken := await consumer.take(500, 0.05):
                for delivery in taken:
                    for item in opener(NEXT).open(delivery.frame, NEXT, self.clock.now()).items:
                        message = RetrievalRecorded.model_validate_json(item.data)
                        assert found.setdefault(item.id, message.message) == message.message
                await consumer.acknowledge(taken)
        return found

    async def reasons(self) -> list[str]:
        return [row.reason for row in await rows_of(self.store, f"{SERVICE}_dead_letter")]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Pump]:
        """The pump at work; stopped in good order at the end."""
        pump, stop = self.pump(), asyncio.Event()
        working = asyncio.create_task(pump.run(stop))
        try:
            yield pump
        finally:
            stop.set()
            async with asyncio.timeout(PATIENCE_S):
                await working

    async def work_until(self, claim: Callable[[], bool | Awaitable[bool]]) -> None:
        async with self.running():
            await until(claim)

    async def work_off(self) -> None:
        """Run the pump until nothing waits for it, and stop it."""

        async def nothing_waits() -> bool:
            return not [row for row in await rows_of(self.store, "bus_message") if row.queue == SERVICE]

        await self.work_until(nothing_waits)


async def until(claim: Callable[[], bool | Awaitable[bool]]) -> None:
    """Poll until it holds."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            holds = claim()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(0.01)


@asynccontextmanager
async def open_workplace(file: Path, reach: Reach = reach_nothing) -> AsyncIterator[Workplace]:
    """A process on this file, as a start would make it."""
    store = Store(f"sqlite+aiosqlite:///{file}")
    bus = EmbeddedBus(store)
    await bus.open()
    try:
        yield Workplace(store, bus, reach=reach)
    finally:
        await bus.close()
        await store.close()
