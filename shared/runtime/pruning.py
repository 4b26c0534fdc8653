"""An inbox forgets what it received, once nothing that it would have to recognise can come any more.

Why nothing is revived: an item is refused at its first arrival when its frame, or the item itself by the time in its
id, is older than the inbox's retention (`frame.open`, `reading`). A row is forgotten an hour later than that, so that
clocks that differ between processes do not matter.

Batches are small, each in a transaction of its own: a process that is killed has forgotten some, and the next goes on.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from shared.ports.clock import Clock
from shared.ports.unit_of_work import UnitsOfWork
from shared.runtime.periodic import repeat

PRUNE_EVERY_S: Final = 60.0
PRUNE_BATCH: Final = 1000
CLOCKS_APART: Final = timedelta(hours=1)
"""How much longer than its retention an inbox remembers: no two processes' clocks differ by this."""

log = structlog.get_logger()


class InboxPruner:
    """Of one service. Several processes may prune the same inbox."""

    def __init__(self, service: str, units: UnitsOfWork, retention_s: float, clock: Clock) -> None:
        self._service = service
        self._units = units
        self._kept_for = timedelta(seconds=retention_s) + CLOCKS_APART
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        async def prune() -> bool:
            return await self.prune_once() == PRUNE_BATCH

        await repeat(prune, PRUNE_EVERY_S, self._clock, stop, "inbox.waits", service=self._service)

    async def prune_once(self) -> int:
        """One batch; how many rows went. Raises StoreUnavailable, StoreConflict."""
        async with self._units.begin() as unit:
            gone = await unit.forget_claims(self._clock.now() - self._kept_for, PRUNE_BATCH)
            await unit.commit()
        if gone:
            log.info("inbox.pruned", service=self._service, rows=gone)
        return gone
