"""What intake looks at beside its messages, again and again. How late it is with that, and how its words get out."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from shared.ports.clock import Clock
from shared.ports.unit_of_work import OutboxRow, UnitsOfWork
from shared.runtime.periodic import repeat

Publish = Callable[[Sequence[OutboxRow]], Awaitable[set[str]]]
"""Ids of the rows that the bus confirmed; never raises."""


class Keeper(ABC):
    """It looks at `looks_at` every `every_s`; what is down meanwhile is logged as `waits`. One that has not looked for
    `late_s` is not ready."""

    looks_at: ClassVar[str]
    waits: ClassVar[str]
    every_s: ClassVar[float]
    late_s: ClassVar[float]

    def __init__(self, units: UnitsOfWork, publish: Publish, clock: Clock) -> None:
        self._units = units
        self._publish = publish
        self._clock = clock
        self._looked_at: float | None = None

    @abstractmethod
    async def strike_due(self, stop: asyncio.Event | None = None) -> int:
        """Everything that has fallen by now; how much that was. Raises Transient, Fatal."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Raises Fatal."""

        async def look() -> None:
            await self.strike_due(stop)
            self._looked_at = self._clock.monotonic()

        await repeat(look, self.every_s, self._clock, stop, self.waits)

    async def why_late(self) -> str | None:
        """Why what falls now would not be struck; None while it would."""
        if self._looked_at is None:
            return f"it has not looked at {self.looks_at} yet"
        for_s = self._clock.monotonic() - self._looked_at
        return None if for_s <= self.late_s else f"it has not looked at {self.looks_at} for {for_s:.0f} s"

    async def _publish_at_once(self, rows: Sequence[OutboxRow]) -> None:
        """Rows that were committed; what the bus does not confirm stays in the outbox, and the relay publishes it."""
        confirmed = await self._publish(rows) if rows else set()
        if confirmed:
            async with self._units.begin() as unit:
                await unit.forget_outbox(sorted(confirmed))
                await unit.commit()
