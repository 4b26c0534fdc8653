"""What may be pruned: sealed parts by message, with the legs that say whether their dossier is closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.contracts.records import LegRecord


@dataclass(frozen=True)
class KeptDossier:
    """A dossier of which sealed parts are still here: the messages they came with, and all its legs."""

    dossier: str
    messages: tuple[str, ...]
    legs: tuple[LegRecord, ...]


class Retention(Protocol):
    async def kept(self, after: str | None, stored_before: datetime, most: int) -> Sequence[KeptDossier]:
        """At most `most` dossiers by id, after this one, with parts of messages that were stored before this time.

        Raises StoreUnavailable."""
