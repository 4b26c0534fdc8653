"""Time-stamps on what is served: authorities outside are asked beside the rounds, and delay none of them.

Rules:
1. Of each authority one stamp in `every_s`, on the newest served checkpoint; none while the tree has not grown since
   its last one: what is stamped already gains nothing.
2. The process that leads asks, one authority after the other, so that stamped trees only grow.
3. A stamp is kept once it verifies under the root certificates of the settings, over exactly that tree head.
4. An authority that is down, or gives something else, is a line in the log and a figure, and is asked again after
   RETRY_S. Nothing waits for it: a checkpoint is served with a stamp or without.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

import structlog

from shared.audit.checkpoint import LogKeys, verify_checkpoint
from shared.audit.tree_head import TreeHead
from shared.errors import LedgerInvalid, StampAuthorityUnreachable, StampInvalid
from shared.ports.clock import Clock
from shared.ports.time_stamps import KeptStamp, StampAuthority, TimeStamps
from shared.runtime.meters import StampingMeters
from shared.runtime.periodic import repeat

LOOK_S: Final = 5.0
"""Pause between two looks at whether a stamp is due, at most."""
RETRY_S: Final = (5.0, 30.0, 120.0, 600.0)
"""Pauses before an authority that gave none is asked again; the last one again and again."""

log = structlog.get_logger()


class Stamping:
    """`served` reads the newest checkpoint that readers are shown; `leads`: whether this process makes the rounds."""

    def __init__(
        self,
        authorities: Sequence[StampAuthority],
        every_s: float,
        keys: LogKeys,
        served: Callable[[], Awaitable[bytes | None]],
        kept: TimeStamps,
        clock: Clock,
        meters: StampingMeters,
        leads: Callable[[], bool],
    ) -> None:
        self._authorities = authorities
        self._every_s = every_s
        self._keys = keys
        self._served = served
        self._kept = kept
        self._clock = clock
        self._meters = meters
        self._leads = leads
        self._failures = dict.fromkeys((one.name for one in authorities), 0)
        self._not_before = dict.fromkeys(self._failures, 0.0)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set, in the middle of a question too. Without authorities there is nothing to do."""
        stopping = asyncio.create_task(stop.wait())
        asking = asyncio.create_task(self._ask(stop) if self._authorities else stop.wait())
        try:
            await asyncio.wait({stopping, asking}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                asking.result()
        finally:
            for task in (stopping, asking):
                task.cancel()
            await asyncio.gather(stopping, asking, return_exceptions=True)

    async def _ask(self, stop: asyncio.Event) -> None:
        async def look() -> None:
            if self._leads():
                await self.look()

        await repeat(look, min(LOOK_S, self._every_s), self._clock, stop, "ledger.time-stamps-wait")

    async def look(self) -> None:
        """Ask whoever is due. Raises StoreUnavailable."""
        for one in self._authorities:
            if self._clock.monotonic() >= self._not_before[one.name]:
                await self._ask_one(one)

    async def _ask_one(self, one: StampAuthority) -> None:
        newest = await self._kept.newest()
        last = newest.get(one.name)
        if last is not None:
            self._meters.size.labels(one.name).set(last.size)
            since = self._clock.now() - last.at
            if timedelta(0) <= since < timedelta(seconds=self._every_s):  # a clock that was ahead stamps again
                self._wait(one, self._every_s - since.total_seconds())
                return
        try:
            head = await self._newest_served()
        except LedgerInvalid as broken:
            self._failed(one, broken)
            return
        if head is None or any(head.size < each.size for each in newest.values()) or (last and head.size == last.size):
            return
        try:
            token = await one.stamp(head)
        except (StampAuthorityUnreachable, StampInvalid) as failed:
            self._failed(one, failed)
            return
        await self._kept.add(KeptStamp(head.size, one.name, self._clock.now(), token))
        self._failures[one.name] = 0
        self._wait(one, self._every_s)
        self._meters.missing.labels(one.name).set(0)
        self._meters.stamps.labels(one.name).inc()
        self._meters.size.labels(one.name).set(head.size)

    async def _newest_served(self) -> TreeHead | None:
        """What the log's own keys signed: a row alone would have somebody else's tree stamped. Raises LedgerInvalid."""
        note = await self._served()
        return None if note is None else verify_checkpoint(note, self._keys).head

    def _failed(self, one: StampAuthority, why: Exception) -> None:
        """Rule 4."""
        pause_s = RETRY_S[min(self._failures[one.name], len(RETRY_S) - 1)]
        if not self._failures[one.name]:
            log.error("ledger.time-stamp-missing", stamper=one.name, why=str(why))
        self._failures[one.name] += 1
        self._wait(one, min(pause_s, self._every_s))
        self._meters.missing.labels(one.name).set(1)

    def _wait(self, one: StampAuthority, seconds: float) -> None:
        self._not_before[one.name] = self._clock.monotonic() + seconds
