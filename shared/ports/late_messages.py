"""Which accepted messages missed a limit of their transport: by the decisions, and the evidences that came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.contracts.records import TransportScan


@dataclass(frozen=True)
class Acceptance:
    """A message that intake accepted; `recipients` in their order."""

    message: str
    digest: str
    dossier: str
    sender: str
    recipients: tuple[str, ...]
    urgency: str
    accepted_at: datetime


@dataclass(frozen=True)
class Arrival:
    """When a message was delivered to a recipient and retrieved by it, as far as it was."""

    delivered_at: datetime | None = None
    retrieved_at: datetime | None = None


@dataclass(frozen=True)
class DueMessage:
    message: str
    recipient: str
    falls: datetime


class LateMessages(Protocol):
    """All raise StoreUnavailable, and lock nothing: somebody else may be at these rows."""

    async def scans(self) -> Sequence[TransportScan]:
        """How far was looked."""

    async def suspects(self, after: TransportScan, until: datetime, came_by: datetime, most: int) -> list[Acceptance]:
        """At most `most` acceptances behind `after`, not later than `until`, the earliest first, for which the evidence
        that `after` awaits was not there by `came_by` for every recipient; of the retrieval, for everyone to whom it
        was delivered."""

    async def arrivals(self, messages: Sequence[str]) -> Mapping[tuple[str, str], Arrival]:
        """By message and recipient; nothing where it was not delivered."""

    async def due(self, until: datetime, most: int) -> Sequence[DueMessage]:
        """At most `most` late messages that are to be looked at by then, the earliest first."""
