"""How a process comes to each adapter. Used by the fixtures, and by the child processes that are killed."""

from typing import Protocol

from shared.adapters.amqp import AmqpBus
from shared.adapters.sql.embedded_bus import EmbeddedBus
from shared.adapters.sql.engine import Store
from shared.adapters.tables import METADATA
from shared.adapters.tables.bus import BUS_MESSAGE
from shared.ports.bus import Bus, Wakeups

WORK = "intake"
"""The queue of these tests; one of the real names, since only those exist."""


class BusAndWakeups(Bus, Wakeups, Protocol):
    """Both ports on one object: that mypy accepts the adapters here is the proof that they conform."""


async def connect_amqp(url: str, prefix: str) -> BusAndWakeups:
    bus = AmqpBus(url, prefix, queues=(WORK,))
    await bus.open()
    return bus


async def connect_embedded(file: str) -> tuple[BusAndWakeups, Store]:
    """The bus and the store that it was given, for the caller to close after it."""
    store = Store(f"sqlite+aiosqlite:///{file}")
    async with store.write() as connection:
        await connection.run_sync(METADATA.create_all, tables=[BUS_MESSAGE])
    bus = EmbeddedBus(store, queues=(WORK,))
    await bus.open()
    return bus, store
