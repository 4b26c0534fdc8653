"""The figures of the store for `/readyz` and `/metrics`, which anybody may ask for: read once a second at most."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from math import inf
from typing import Any, Final

from shared.errors import ComityError
from shared.ports.clock import Clock
from shared.ports.queries import Queries

MOST_OFTEN_S: Final = 1.0


class Figures:
    def __init__(self, queries: Queries, clock: Clock) -> None:
        self._queries = queries
        self._clock = clock
        self._read_at = -inf
        self._last: Mapping[str, Any] | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> Mapping[str, Any] | None:
        """What `Queries.ping` said within the last second; None where the store did not answer."""
        async with self._lock:
            if self._clock.monotonic() - self._read_at >= MOST_OFTEN_S:
                self._read_at = self._clock.monotonic()
                try:
                    self._last = await self._queries.ping()
                except ComityError:
                    self._last = None
            return self._last
