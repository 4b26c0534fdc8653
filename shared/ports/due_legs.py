"""Which legs have a clock event that fell: by their rows, the earliest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class DueLeg:
    dossier: str
    requested: str
    falls: datetime


class DueLegs(Protocol):
    """Both raise StoreUnavailable, and lock nothing: somebody else may be at these rows."""

    async def due(self, now: datetime, most: int) -> Sequence[DueLeg]:
        """At most `most` legs whose next event has fallen."""

    async def counted_before(self, registry: int, most: int) -> Sequence[DueLeg]:
        """At most `most` legs whose next event was counted by the calendars of an earlier registry."""
