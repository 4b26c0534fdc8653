"""The pump: one loop for every consuming service. It takes frames, settles them, publishes, and acknowledges.

Rules (03, "the pump"):
1. Frames are acknowledged after the commit that settled them, whether or not publishing succeeded: the outbox has it.
2. Nothing more is taken while this service's own rows are not accepted by the next queue: pressure walks back.
3. It starts cautiously, one frame at a time, and opens up after 20 acknowledged frames: a frame that kills the process
   must not take its neighbours to the dead letters [prefetch 300: 49 innocents of 50; prefetch 1: none].
4. A database or broker that is down is neither success nor failure of a message: hold, back off, try again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from shared.errors import BusUnavailable, StoreConflict, StoreUnavailable, Transient
from shared.ports.bus import Bus, Consumer, Delivery
from shared.ports.clock import Clock
from shared.ports.unit_of_work import OutboxRow, UnitsOfWork
from shared.runtime.batch import Settled, Settler
from shared.runtime.crash_points import Reach, reach_nothing
from shared.runtime.meters import ServiceMeters, timed, unseen
from shared.runtime.publisher import Publisher
from shared.runtime.telemetry import Size, SpanName, span

CAUTIOUS_PREFETCH: Final = 1
BOLD_PREFETCH: Final = 64
"""More than a batch, and bounded: frames of 4 MiB, as the publisher makes them at most, are 256 MiB in memory."""
CAUTIOUS_FRAMES: Final = 20
BATCH_FRAMES: Final = 50
TAKE_WAIT_S: Final = 0.5
REST_MOST_S: Final = 0.05
FULL_REST_FROM: Final = 8
"""A service rests after a batch for as long as it worked on it, and no longer than REST_MOST_S: what comes meanwhile
shares the next one, and a batch costs little more than a message. After fewer messages than FULL_REST_FROM it rests for
so much less: with little to do it is latency that counts."""
LOOK_EVERY_S: Final = 0.5
BACKOFF_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
OUTBOX_AGE_LIMIT_S: Final = 1.0
UPKEEP_EVERY_S: Final = 0.5
DEAD_EVERY_S: Final = 5.0
DEAD_BATCH: Final = 50

log = structlog.get_logger()


class Pump:
    def __init__(
        self,
        queue: str,
        settler: Settler,
        units: UnitsOfWork,
        bus: Bus,
        publisher: Publisher,
        clock: Clock,
        reach: Reach = reach_nothing,
        meters: ServiceMeters | None = None,
    ) -> None:
        self._meters = meters or unseen()
        self._queue = queue
        self._settler = settler
        self._units = units
        self._bus = bus
        self._publisher = publisher
        self._clock = clock
        self._reach = reach
        self._acknowledged = 0
        self._confirmed: list[str] = []
        self._next_upkeep = self._next_drain = self._next_look = 0.0
        self._congested = False
        self.slowed_s = 0.0
        """Development only: seconds lost on each message, so that little load is an overload."""
        self.is_attached = False
        """Whether this service is consuming now; readiness tells it."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set: the batch in hand is finished first. Raises Fatal only."""
        failures = 0
        while not stop.is_set():
            try:
                await self._consume(stop)
                failures = 0
            except Transient as down:
                log.warning("pump.waits", queue=self._queue, code=down.code, why=str(down))
                await self._clock.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
                failures += 1
            finally:
                self._attach(False)
        await self._forget_confirmed()

    async def _consume(self, stop: asyncio.Event) -> None:
        """One subscription: cautious until 20 frames are acknowledged, then bold.

        Raises BusUnavailable, StoreUnavailable; DirectoryUntrusted before a frame is taken, for each delivery counts.
        """
        await self._settler.read_directory()
        cautious = self._acknowledged < CAUTIOUS_FRAMES
        async with self._bus.consume(self._queue, CAUTIOUS_PREFETCH if cautious else BOLD_PREFETCH) as consumer:
            self._attach(True)
            while not stop.is_set():
                await self._upkeep()
                is_congested = await self._is_congested()
                self._meters.congested.set(is_congested)
                if is_congested:
                    await self._clock.sleep(0.1)
                    continue
                await self._take_and_settle(consumer, stop)
                if cautious and self._acknowledged >= CAUTIOUS_FRAMES:
                    return

    async def _take_and_settle(self, consumer: Consumer, stop: asyncio.Event) -> None:
        deliveries = await consumer.take(BATCH_FRAMES, TAKE_WAIT_S)
        if not deliveries:
            await self._forget_confirmed()
            return
        self._reach("taken")
        began = self._clock.monotonic()
        self._meters.frames_taken.inc(len(deliveries))
        self._meters.batch_frames.observe(len(deliveries))
        with span(SpanName.batch, self._queue) as told:
            settled = await self._settle_holding([delivery.frame for delivery in deliveries], stop)
            if settled is None:
                return  # stopping with the store down: leaving the subscription gives the frames back
            told.note({Size.frames: len(deliveries), Size.items: settled.handled, Size.parked: settled.parked})
            if self.slowed_s:
                await self._clock.sleep(self.slowed_s * settled.handled)
            await self._finish(settled, consumer, deliveries, stop)
        worked_s = self._clock.monotonic() - began
        await self._clock.sleep(min(worked_s, REST_MOST_S) * min(1, settled.handled / FULL_REST_FROM))

    async def _finish(
        self, settled: Settled, consumer: Consumer, deliveries: Sequence[Delivery], stop: asyncio.Event
    ) -> None:
        unsent = await self._publish(settled.outbox)
        self._reach("published")
        await self._publisher.wake(settled.wakes)
        await consumer.acknowledge(deliveries)
        self._reach("acknowledged")
        self._acknowledged += len(deliveries)
        await self._publish_until_accepted(unsent, stop)

    async def _settle_holding(self, frames: Sequence[bytes], stop: asyncio.Event) -> Settled | None:
        """Settle these frames, waiting for the store as long as it takes; None when asked to stop meanwhile."""
        forget, self._confirmed = self._confirmed, []
        for attempt in range(1_000_000):
            try:
                with timed(self._meters.batch_seconds):
                    settled = await self._settler.settle(frames, forget)
                self._count(settled)
                return settled
            except (StoreUnavailable, StoreConflict) as down:
                self._meters.holds.inc()
                log.warning("pump.holds", queue=self._queue, frames=len(frames), why=str(down))
                if stop.is_set():
                    break
                await self._clock.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
        return None

    async def _publish(self, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
        """Publish; returns the rows that were not confirmed."""
        if not rows:
            return []
        confirmed = await self._publisher.publish(rows)
        self._confirmed += confirmed
        return [row for row in rows if row.id not in confirmed]

    async def _publish_until_accepted(self, rows: Sequence[OutboxRow], stop: asyncio.Event) -> None:
        """Refused rows stand in the outbox; taking more now would only move the congestion here."""
        failures = 0
        while rows and not stop.is_set():
            await self._clock.sleep(BACKOFF_S[min(failures, 3)])
            failures += 1
            rows = await self._publish(rows)

    async def _is_congested(self) -> bool:
        now = self._clock.monotonic()
        if now >= self._next_look:
            self._next_look = now + LOOK_EVERY_S
            self._congested = await self._units.oldest_outbox_age_s() > OUTBOX_AGE_LIMIT_S
        return self._congested

    def _attach(self, is_attached: bool) -> None:
        self.is_attached = is_attached
        self._meters.attached.set(is_attached)

    def _count(self, settled: Settled) -> None:
        self._meters.items_settled.inc(settled.handled - settled.parked)
        self._meters.items_parked.inc(settled.parked)
        self._meters.items_set_aside.inc(settled.set_aside)
        self._meters.batches_redone.inc(settled.redone)

    async def _upkeep(self) -> None:
        """Parked items that are due, and frames that the bus gave up on."""
        now = self._clock.monotonic()
        if now >= self._next_upkeep:
            self._next_upkeep = now + UPKEEP_EVERY_S
            settled = await self._settler.settle_due()
            self._count(settled)
            await self._publish(settled.outbox)
            await self._publisher.wake(settled.wakes)
        if now >= self._next_drain:
            self._next_drain = now + DEAD_EVERY_S
            given_up = await self._bus.drain_dead(self._queue, DEAD_BATCH, self._settler.bury_frames)
            self._meters.items_set_aside.inc(given_up)

    async def _forget_confirmed(self) -> None:
        """With nothing to do, confirmed rows must not wait for the next batch: the relay would publish them again."""
        if self._confirmed:
            forget, self._confirmed = self._confirmed, []
            try:
                await self._settler.settle([], forget)
            except (StoreUnavailable, StoreConflict, BusUnavailable) as down:
                log.warning("pump.outbox-kept", queue=self._queue, why=str(down))
