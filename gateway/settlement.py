"""Looks which submissions of this gateway have been delivered or rejected, and tells `gateway.admission`.

It reads the feeds' table, which notification writes last of all: what stands there has passed every stage. Reading
costs a lookup by index for each submission, and more for one that is long on its way.
"""

from __future__ import annotations

import structlog

from gateway.admission import Admission
from gateway.config import Limits
from shared.errors import Transient
from shared.ports.clock import Clock
from shared.ports.queries import Queries

_LOG = structlog.get_logger("gateway")


class Settlement:
    def __init__(self, admission: Admission, queries: Queries, limits: Limits, clock: Clock) -> None:
        self._admission = admission
        self._queries = queries
        self._limits = limits
        self._clock = clock

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self._clock.sleep(self._limits.look_every_s)
            try:
                while await self.look():
                    pass
            except Transient as down:  # nothing is settled meanwhile, and the window fills
                _LOG.warning("settlement.waits", code=down.code, why=str(down))

    async def look(self) -> bool:
        """For some of the submissions of this process. True where another look would find more. Raises
        StoreUnavailable."""
        asked = self._admission.next_to_look_for(self._limits.look_most)
        if not asked:
            return False
        found = await self._queries.settled([one.message for one in asked])
        settled = [one for one in asked if one in found]
        self._admission.settle(settled)
        return len(settled) > self._limits.look_most // 2
