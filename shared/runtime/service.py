"""One consuming service: its pump and its relay, until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from shared.ports.handler import Handler
from shared.ports.keyring import PublishedInstruments
from shared.runtime.backends import Backend
from shared.runtime.batch import Settler
from shared.runtime.pruning import InboxPruner
from shared.runtime.pump import Pump
from shared.runtime.readiness import STUCK_S, Check
from shared.runtime.relay import Relay


class ConsumingService:
    """`service` is also the name of its queue."""

    def __init__(self, service: str, handler: Handler, backend: Backend) -> None:
        keys, meters = backend.keys(service), backend.meters.of(service)
        units, publisher, reach = backend.units(keys), backend.publisher(keys), backend.reach(service)
        settler = Settler(service, handler, units, backend.opener(keys), backend.keyring(service), backend.clock, reach)
        self.name = service
        self.pump = Pump(service, settler, units, backend.bus, publisher, backend.clock, reach, meters)
        self.pump.slowed_s = backend.settings.slowed_s(service)
        self._pruner = InboxPruner(service, units, backend.settings.inbox_retention_s, backend.clock)
        self._relay = Relay(units, publisher, backend.clock, reach, meters)
        self.beside: list[Callable[[asyncio.Event], Coroutine[Any, Any, None]]] = []
        """What else runs until `stop` is set."""
        self.first: list[Callable[[asyncio.Event], Coroutine[Any, Any, None]]] = []
        """What is done before any work is taken."""
        self.also_checked: list[Check] = []
        self.units = units
        self.publish = publisher.publish
        self._life = backend.working_life(service)
        self._settler = settler
        self._meters = meters
        self._probing = backend.probing_units(keys)

    @property
    def is_ready(self) -> bool:
        return self.pump.is_attached

    def checks(self) -> list[Check]:
        return [
            Check("directory", self._ask_directory),
            Check(f"{self.name}-outbox", self._ask_outbox),
            Check(self.name, self._ask_pump),
            *self.also_checked,
        ]

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; the batch in hand is finished. Raises Fatal: then the process must not go on."""
        for task in self.first:
            await task(stop)
        async with self._life.during(), asyncio.TaskGroup() as tasks:
            tasks.create_task(self.pump.run(stop))
            tasks.create_task(self._relay.run(stop))
            tasks.create_task(self._pruner.run(stop))
            for task in self.beside:
                tasks.create_task(task(stop))

    async def instruments(self) -> PublishedInstruments:
        """The newest registry, verified. Raises StoreUnavailable, DirectoryUntrusted."""
        return await self._settler.read_instruments()

    async def _ask_pump(self) -> str | None:
        return None if self.pump.is_attached else "it does not consume from its queue"

    async def _ask_directory(self) -> str | None:
        await self._settler.read_directory()
        return None

    async def _ask_outbox(self) -> str | None:
        overdue_s = await self._probing.oldest_outbox_age_s()
        self._meters.outbox_oldest.set(overdue_s)
        if overdue_s <= STUCK_S:
            return None
        return f"its oldest message is overdue by {overdue_s:.0f} s: the bus does not take it (limit {STUCK_S:.0f} s)"
