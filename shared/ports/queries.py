"""Reading, for the gateway: joins what several services wrote, so that no message flows backwards.

Every method reads committed rows only, takes no lock that writers wait for, and raises StoreUnavailable.
What is not the reader's own is as absent as what does not exist: None, or left out of the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from shared.contracts.records import Decision, Evidence, FeedEntry, InstrumentsRecord, LegRecord, PartsPruned


@dataclass(frozen=True)
class ReadableEnvelope:
    """What one reader may fetch of one envelope: the whole JWS and its own wrap; the manifest names the parts. A holder
    that its leg was handed to has no wrap of what came before: the secret came to it in the `forward`."""

    message: str
    dossier: str
    sender: str
    digest: str
    jws: bytes
    kid: str | None
    wrap: bytes | None
    delivered_at: datetime
    is_sender: bool


@dataclass(frozen=True)
class DossierView:
    """A dossier as one party sees it: its own leg only, or all legs for the requesting authority."""

    dossier: str
    requesting: str
    profile: str
    opened_at: datetime
    legs: Sequence[LegRecord]
    transport: dict[str, str]
    """Requested authority → `submitted`, `transmitted` or `delivered` for the opening message."""


@dataclass(frozen=True)
class EvidenceView:
    evidence: Evidence
    leaf_index: int | None
    """None until the sequencer gave the leaf its place."""


@dataclass(frozen=True)
class PrunedView:
    pruned: PartsPruned
    leaf_index: int | None
    """None until the sequencer gave the leaf its place."""


@dataclass(frozen=True)
class DecisionView:
    decision: Decision
    leaf_index: int | None
    """None until the sequencer gave the leaf its place."""


@dataclass(frozen=True)
class KeyEventPlace:
    """Where key event `seq` stands in the ledger; None until the sequencer gave its leaf a place."""

    seq: int
    leaf_index: int | None


class Queries(Protocol):
    async def decision(self, sender: str, message: str) -> DecisionView | None:
        """The decision on the envelope that holds this id; if none ever held it, the newest rejection under it."""

    async def envelope(self, reader: str, message: str) -> ReadableEnvelope | None: ...

    async def evidences(self, reader: str, message: str) -> list[EvidenceView] | None: ...

    async def dossier(self, reader: str, dossier: str) -> DossierView | None: ...

    async def dossiers(self, reader: str, after: str | None, limit: int) -> list[DossierView]:
        """By dossier id, newest first; `after` is the last id of the page before."""

    async def all_dossiers(self, after: str | None, limit: int) -> list[DossierView]:
        """Everybody's, with all legs, in the same order: for auditors with the full mandate."""

    async def feed(self, authority: str, after: int, limit: int) -> list[FeedEntry]:
        """Entries at positions greater than `after`, in order, without a gap."""

    async def settled(self, messages: Sequence[str]) -> set[tuple[str, str]]:
        """Sender and id of those of these messages that are through: delivered to all, or rejected, and so it stands in
        the sender's feed."""

    async def key_event_places(self, after: int, limit: int) -> list[KeyEventPlace]:
        """Of the events with numbers greater than `after`, in order."""

    async def parts_pruned(self, message: str) -> PrunedView | None:
        """When and by which policy the sealed parts of this message went; None while they are here."""

    async def instruments(self) -> InstrumentsRecord | None: ...

    async def ping(self) -> dict[str, Any]:
        """Figures for readiness: outbox_age_s, dead_letters, parked, parked_due_at, ledger_size, ledger_logged_at,
        leaves_waiting."""
