"""The clocks of all legs: what falls while nobody writes is struck here, once, in order, however long nobody was there.

Rules:
1. Which legs are due, their rows say (`next_fall`): a process that starts anew goes on where the last one stopped, and
   several processes may keep the same clocks. Each leg's row is locked while it is struck; whoever comes second finds
   it done.
2. Events are struck in the order in which they fell, over all legs: of a page of due legs nothing later than the last
   one's, so that what is due on the next page comes in its turn.
3. Leaves, the word to notification and the row stand or fall together. The outbox is published at once; what is not
   confirmed the relay publishes.
4. When the operators publish new calendars, what was not struck yet is counted anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog
from typing_extensions import override

from services.intake.keeping import Keeper, Publish
from services.intake.striking import after_striking, falling_until, strike
from shared.contracts.records import Key, LegRecord
from shared.domain.clock_events import ClockEvent
from shared.errors import Rejection
from shared.ports.clock import Clock
from shared.ports.due_legs import DueLeg, DueLegs
from shared.ports.keyring import PublishedInstruments
from shared.ports.unit_of_work import Effects, UnitsOfWork

LOOK_EVERY_S: Final = 1.0
LEGS_TOGETHER: Final = 100
LATE_S: Final = 60.0

log = structlog.get_logger()


class ClockKeeper(Keeper):
    """`instruments` are the newest that a quorum of the operators signed; asking for them raises what the pump's asking
    raises."""

    looks_at = "the clocks of legs"
    waits = "clocks.wait"
    every_s = LOOK_EVERY_S
    late_s = LATE_S

    def __init__(
        self,
        due: DueLegs,
        units: UnitsOfWork,
        instruments: Callable[[], Awaitable[PublishedInstruments]],
        publish: Publish,
        clock: Clock,
    ) -> None:
        super().__init__(units, publish, clock)
        self._due = due
        self._instruments = instruments
        self._counted_by = -1

    @override
    async def strike_due(self, stop: asyncio.Event | None = None) -> int:
        """Everything that has fallen by now; how many events. Raises Transient, Fatal."""
        instruments = await self._instruments()
        await self._count_anew(instruments, stop)
        struck = 0
        while stop is None or not stop.is_set():
            now = self._clock.now()
            page = await self._due.due(now, LEGS_TOGETHER)
            if not page:
                break
            until = now if len(page) < LEGS_TOGETHER else page[-1].falls
            struck += await self._strike(page, instruments, until, now)
        if struck:
            log.info("clocks.struck", events=struck)
        return struck

    async def _count_anew(self, instruments: PublishedInstruments, stop: asyncio.Event | None) -> None:
        while self._counted_by != instruments.number and (stop is None or not stop.is_set()):
            page = await self._due.counted_before(instruments.number, LEGS_TOGETHER)
            if not page:
                self._counted_by = instruments.number
                return
            await self._strike(page, instruments, None, self._clock.now())

    async def _strike(
        self, page: Sequence[DueLeg], instruments: PublishedInstruments, until: datetime | None, now: datetime
    ) -> int:
        """Of these legs, what fell until then; nothing without `until`, which counts anew only."""
        effects, events = Effects(), list[ClockEvent]()
        async with self._units.begin() as unit:
            legs = await unit.load([Key(LegRecord, (one.dossier, one.requested)) for one in page])
            for leg in legs.values():
                if isinstance(leg, LegRecord):
                    events += _fallen(effects, leg, instruments, until)
            events.sort(key=lambda one: (one.falls, one.dossier, one.leg, one.key))
            strike(effects, events, instruments.number, now)
            rows = await unit.write(effects)
            await unit.commit()
        await self._publish_at_once(rows)
        return len(events)


def _fallen(
    effects: Effects, leg: LegRecord, instruments: PublishedInstruments, until: datetime | None
) -> list[ClockEvent]:
    """What is to be struck on this leg; its row is among the effects."""
    try:
        fallen = [] if until is None else falling_until(leg, instruments, until)
        effects.updates.append(after_striking(leg, fallen, instruments))
    except (ValueError, LookupError, OverflowError, Rejection) as broken:
        log.error("clocks.leg-unreadable", dossier=leg.dossier, why=str(broken))  # others must not wait behind it
        effects.updates.append(replace(leg, next_fall=None, calendars=instruments.number))
        return []
    return fallen
