"""Outbox rows → sealed frames → bus, one frame for each row. Every publish seals anew; the items' ids make a repeat
harmless."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shared.adapters.gathering import Gathering
from shared.contracts.messages import FeedAdvanced, ServiceMessage
from shared.contracts.topology import WAKEUPS
from shared.errors import Busy
from shared.frame.items import Item
from shared.frame.seal import FrameSealer
from shared.ports.bus import Bus, Outcome, Outgoing, Wakeups
from shared.ports.clock import Clock
from shared.ports.unit_of_work import OutboxRow
from shared.runtime.meters import ServiceMeters, unseen
from shared.runtime.sealed_rows import gather_rows, item_of
from shared.runtime.telemetry import Size, SpanName, span

PUBLISH_TIMEOUT_S: Final = 5.0
RETRY_AFTER_S: Final = 2
SUBMITTED_TOGETHER: Final = 40
SUBMITS_AT_ONCE: Final = 4
"""Submissions that share a publish, so that a frame and a confirm serve many; and such publishes side by side."""


class Publisher:
    """One service's way onto the bus."""

    def __init__(
        self, bus: Bus, wakeups: Wakeups, sealer: FrameSealer, clock: Clock, meters: ServiceMeters | None = None
    ) -> None:
        self._bus = bus
        self._meters = meters or unseen()
        self._wakeups = wakeups
        self._sealer = sealer
        self._clock = clock
        self._submissions = Gathering(self._submit_together, SUBMITTED_TOGETHER, SUBMITS_AT_ONCE)

    async def publish(self, rows: Sequence[OutboxRow]) -> set[str]:
        """Ids of the rows that the bus confirmed; the others may or may not be there. Never raises."""
        frames = [Outgoing(row.destination, self._seal(row.destination, row.items)) for row in rows]
        with span(SpanName.publish) as told:
            outcomes = await self._bus.publish(frames, PUBLISH_TIMEOUT_S)
            told.note(
                {
                    Size.rows: sum(len(row.items) for row in rows),
                    Size.frames: len(frames),
                    Size.frames_confirmed: outcomes.count(Outcome.confirmed),
                }
            )
        for outcome in outcomes:
            self._meters.count_published(outcome.value)
        return {row.id for row, outcome in zip(rows, outcomes, strict=True) if outcome is Outcome.confirmed}

    async def submit(self, message: ServiceMessage) -> None:
        """Hand over one message that has no outbox row (the gateway has none); durable on return.

        Raises Busy when the bus refused it (then it is not there) or did not answer in time (then it may be there):
        whoever sent it sends the same bytes again.
        """
        if not await self._submissions.ask(item_of(message, self._clock.now())):
            raise Busy(retry_after_s=RETRY_AFTER_S)

    async def _submit_together(self, items: Sequence[Item]) -> list[bool]:
        rows = gather_rows(items, self._clock.now())
        confirmed = await self.publish(rows)
        there = {item.id for row in rows if row.id in confirmed for item in row.items}
        return [item.id in there for item in items]

    async def wake(self, authorities: set[str]) -> None:
        """Hint to every gateway that these feeds advanced; may be lost."""
        if authorities:
            hint = FeedAdvanced(authorities=tuple(sorted(authorities)))
            await self._wakeups.announce(self._seal(WAKEUPS, [item_of(hint, self._clock.now())]))

    def _seal(self, destination: str, items: Sequence[Item]) -> bytes:
        return self._sealer.seal(destination, items, self._clock.now())
