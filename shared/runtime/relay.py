"""The relay publishes outbox rows that nobody confirmed in time: after a crash, a refusal, or an outage.

It runs on every start and always, so that the recovery path is the path of every day.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from shared.errors import Transient
from shared.ports.clock import Clock
from shared.ports.unit_of_work import UnitsOfWork
from shared.runtime.crash_points import Reach, reach_nothing
from shared.runtime.meters import ServiceMeters, unseen
from shared.runtime.publisher import Publisher

RELAY_EVERY_S: Final = 1.0
RELAY_BATCH: Final = 100

log = structlog.get_logger()


class Relay:
    def __init__(
        self,
        units: UnitsOfWork,
        publisher: Publisher,
        clock: Clock,
        reach: Reach = reach_nothing,
        meters: ServiceMeters | None = None,
    ) -> None:
        self._meters = meters or unseen()
        self._units = units
        self._publisher = publisher
        self._clock = clock
        self._reach = reach

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                if await self.relay_once() == RELAY_BATCH:
                    continue
            except Transient as down:
                log.warning("relay.waits", code=down.code, why=str(down))
            await self._clock.sleep(RELAY_EVERY_S)

    async def relay_once(self) -> int:
        """One batch of overdue rows; returns how many there were. Raises StoreUnavailable, StoreConflict."""
        if not await self._units.oldest_outbox_age_s():
            return 0  # asked without a transaction: so it is nearly always
        async with self._units.begin() as unit:
            rows = await unit.take_overdue_outbox(RELAY_BATCH)
            await unit.commit()
        if not rows:
            return 0
        self._reach("relay-taken")
        confirmed = await self._publisher.publish(rows)
        self._reach("relay-published")
        async with self._units.begin() as unit:
            await unit.forget_outbox(sorted(confirmed))
            await unit.commit()
        self._meters.relay_rows.inc(len(rows))
        log.info("relay.published", rows=len(rows), confirmed=len(confirmed))
        return len(rows)
