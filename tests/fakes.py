"""What tests set the world with: a clock that stands still, leaves by their digests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from shared.audit.leaves import digest_of_leaf

START = datetime(2026, 11, 22, 9, 0, 0, tzinfo=UTC)


def by_digest(leaves: Iterable[bytes]) -> dict[bytes, bytes]:
    """As `plan_round` takes them."""
    return {digest_of_leaf(leaf): leaf for leaf in leaves}


class FakeClock:
    """`ports.Clock` that stands still until it is told otherwise; sleeping moves it and takes no time."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._passed_s = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed_s)

    def monotonic(self) -> float:
        return self._passed_s

    async def sleep(self, seconds: float) -> None:
        """Let this much time pass, and let other tasks run once."""
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("time does not go backwards; jump() sets the wall clock alone")
        self._passed_s += seconds

    def jump(self, to: datetime) -> None:
        """Set the wall clock, as an operator would; what was measured by `monotonic` is not touched."""
        self._start = to - timedelta(seconds=self._passed_s)
