"""One consuming service: its pump and its relay, until told to stop."""

from __future__ import annotations

import asyncio

from shared.ports.handler import Handler
from shared.runtime.backends import Backend
from shared.runtime.batch import Settler
from shared.runtime.pump import Pump
from shared.runtime.relay import Relay


class ConsumingService:
    """`service` is also the name of its queue."""

    def __init__(self, service: str, handler: Handler, backend: Backend) -> None:
        keys = backend.keys(service)
        units, publisher, reach = backend.units(service), backend.publisher(keys), backend.reach(service)
        settler = Settler(service, handler, units, backend.opener(keys), backend.keyring(), backend.clock, reach)
        self.name = service
        self.pump = Pump(service, settler, units, backend.bus, publisher, backend.clock, reach)
        self._relay = Relay(units, publisher, backend.clock, reach)

    @property
    def is_ready(self) -> bool:
        return self.pump.is_attached

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; the batch in hand is finished. Raises Fatal: then the process must not go on."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.pump.run(stop))
            tasks.create_task(self._relay.run(stop))
