"""Time, as a port: law and signatures are judged by it, so tests must be able to set it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Wall-clock time, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go backwards, for measuring how long something took."""

    async def sleep(self, seconds: float) -> None:
        """Pause this task."""
