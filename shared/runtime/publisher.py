"""Outbox rows → sealed frames → bus. Every publish seals anew; the rows' ids make a repeat harmless."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from shared.adapters.gathering import Gathering
from shared.contracts.messages import FeedAdvanced, ServiceMessage
from shared.contracts.registry import encode_message
from shared.contracts.topology import DESTINATION, WAKEUPS
from shared.domain.ids import new_uuid7
from shared.errors import Busy
from shared.frame.items import Item
from shared.frame.seal import FrameSealer
from shared.ports.bus import Bus, Outcome, Outgoing, Wakeups
from shared.ports.clock import Clock
from shared.ports.unit_of_work import OutboxRow
from shared.runtime.meters import ServiceMeters, unseen
from shared.runtime.telemetry import Size, SpanName, span

FRAME_ITEMS: Final = 20
FRAME_BYTES: Final = 4 * 1024 * 1024
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
        batches = list(_batches(rows))
        frames = [Outgoing(destination, self._seal(destination, items)) for destination, items in batches]
        with span(SpanName.publish) as told:
            outcomes = await self._bus.publish(frames, PUBLISH_TIMEOUT_S)
            told.note(
                {
                    Size.rows: len(rows),
                    Size.frames: len(frames),
                    Size.frames_confirmed: outcomes.count(Outcome.confirmed),
                }
            )
        for outcome in outcomes:
            self._meters.count_published(outcome.value)
        return {
            item.id
            for (_, items), outcome in zip(batches, outcomes, strict=True)
            if outcome is Outcome.confirmed
            for item in items
        }

    async def submit(self, message: ServiceMessage) -> None:
        """Hand over one message that has no outbox row (the gateway has none); durable on return.

        Raises Busy when the bus refused it (then it is not there) or did not answer in time (then it may be there):
        whoever sent it sends the same bytes again.
        """
        row = OutboxRow(new_uuid7(self._clock.now()), message)
        if not await self._submissions.ask(row):
            raise Busy(retry_after_s=RETRY_AFTER_S)

    async def _submit_together(self, rows: Sequence[OutboxRow]) -> list[bool]:
        confirmed = await self.publish(rows)
        return [row.id in confirmed for row in rows]

    async def wake(self, authorities: set[str]) -> None:
        """Hint to every gateway that these feeds advanced; may be lost."""
        if authorities:
            hint = FeedAdvanced(authorities=tuple(sorted(authorities)))
            row = OutboxRow(new_uuid7(self._clock.now()), hint)
            await self._wakeups.announce(self._seal(WAKEUPS, [_item(row)]))

    def _seal(self, destination: str, items: Sequence[Item]) -> bytes:
        return self._sealer.seal(destination, items, self._clock.now())


def _batches(rows: Sequence[OutboxRow]) -> Iterator[tuple[str, list[Item]]]:
    """Items per frame: one destination, at most 20 items and 4 MiB."""
    waiting: dict[str, list[Item]] = defaultdict(list)
    sizes: dict[str, int] = defaultdict(int)
    for row in rows:
        destination, item = DESTINATION[type(row.message)], _item(row)
        full = len(waiting[destination]) >= FRAME_ITEMS or sizes[destination] + len(item.data) > FRAME_BYTES
        if waiting[destination] and full:
            yield destination, waiting.pop(destination)
            sizes[destination] = 0
        waiting[destination].append(item)
        sizes[destination] += len(item.data)
    yield from waiting.items()


def _item(row: OutboxRow) -> Item:
    return Item(row.id, row.message.TYPE, row.message.VERSION, encode_message(row.message))
