"""Rows as the services see them: frozen, flat, without a database behind them.

Each record names the columns of its key. One service writes each record (03, "each table has one writing service"):
intake: Claim, Decision, Dossier, LegRecord, LateMessage, FailedEvidence, TransportScan, KeyEventRecord,
InstrumentsRecord;
routing: StoredEnvelope, MailboxEntry, Evidence; notification: FeedHead, FeedEntry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple


class Record:
    """A row. `KEY` names the fields that identify it."""

    KEY: ClassVar[tuple[str, ...]]

    def key(self) -> Key:
        return Key(type(self), tuple([getattr(self, name) for name in self.KEY]))


class Key(NamedTuple):
    """Names one row: its record type and the values of its key columns."""

    record: type[Record]
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Claim(Record):
    """A message id, spent by the first envelope under it whose signatures verified; never for other bytes again."""

    KEY = ("message",)
    message: str
    sender: str
    digest: str


@dataclass(frozen=True)
class Decision(Record):
    """What intake decided on one envelope, and the ledger leaf that says so."""

    KEY = ("message", "digest")
    message: str
    digest: str
    sender: str
    decision: str
    code: str | None
    facts: dict[str, str]
    decided_at: datetime
    receipt: str
    leaf_digest: bytes
    dossier: str | None = None
    """This and what follows: of an acceptance, for the limits of its transport; None on a row of before there were
    any."""
    recipients: str | None = None
    """Joined by blanks."""
    urgency: str | None = None


@dataclass(frozen=True)
class Dossier(Record):
    KEY = ("dossier",)
    dossier: str
    requesting: str
    profile: str
    opening: str
    """Id of the message that opened it."""
    opened_at: datetime


@dataclass(frozen=True)
class LegRecord(Record):
    """The legal state of one leg; `state` is `shared.domain.dossier.encode_leg`. `holder` is the enrolled authority
    that the leg was handed to, if it was: it reads the leg and its messages."""

    KEY = ("dossier", "requested")
    dossier: str
    requested: str
    requesting: str
    version: int
    state: dict[str, Any]
    updated_at: datetime
    holder: str | None = None
    struck: dict[str, Any] | None = None
    """What clocks have struck on it (`clock_events.Struck`); None on a row of before there were clocks."""
    next_fall: datetime | None = None
    """When the next clock event falls, by the calendars of registry `calendars`; None when none does until it moves."""
    calendars: int = 0


@dataclass(frozen=True)
class LateMessage(Record):
    """An accepted message that missed a limit of its transport to one recipient; others have no row."""

    KEY = ("message", "recipient")
    message: str
    recipient: str
    dossier: str
    digest: str
    sender: str
    urgency: str
    accepted_at: datetime
    struck: str
    """What was said of it, joined by blanks (`transport_limits.SAID`)."""
    next_fall: datetime | None
    """When it is to be looked at again; None when nothing can fall any more."""


@dataclass(frozen=True)
class TransportScan(Record):
    """Which acceptances of this urgency were looked at once the first limit of this evidence had passed: all until
    `accepted_at`, of that very time until `message`."""

    KEY = ("awaited", "urgency")
    awaited: str
    urgency: str
    accepted_at: datetime
    message: str


@dataclass(frozen=True)
class KeyEventRecord(Record):
    """One signed key event; the row adds nothing to trust, readers verify `event` against pinned operator keys.

    `leaf_digest` finds its place in the ledger."""

    KEY = ("seq",)
    seq: int
    event: bytes
    recorded_at: datetime
    leaf_digest: bytes | None


@dataclass(frozen=True)
class InstrumentsRecord(Record):
    """One published registry of instruments; `version` counts the publications."""

    KEY = ("version",)
    version: int
    document: bytes
    recorded_at: datetime


@dataclass(frozen=True)
class StoredEnvelope(Record):
    KEY = ("message",)
    message: str
    digest: str
    dossier: str
    sender: str
    leg: str | None
    kind: str
    jws: bytes
    summary: dict[str, Any]
    stored_at: datetime


@dataclass(frozen=True)
class MailboxEntry(Record):
    """One reader's copy of an envelope: its key wrap, and when it was delivered and first fetched."""

    KEY = ("reader", "message")
    reader: str
    message: str
    kid: str
    wrap: bytes
    delivered_at: datetime
    retrieved_at: datetime | None


@dataclass(frozen=True)
class TransportFact:
    """One transport fact (ETSI EN 319 532 REM vocabulary); `leaf_digest` finds its place in the ledger."""

    KEY: ClassVar[tuple[str, ...]] = ("message", "kind", "recipient")
    message: str
    kind: str
    recipient: str
    at: datetime
    leaf_digest: bytes


@dataclass(frozen=True)
class Evidence(TransportFact, Record):
    """Of what came, or was refused: routing's."""


@dataclass(frozen=True)
class FailedEvidence(TransportFact, Record):
    """Of what did not come within a time limit: intake's."""


@dataclass(frozen=True)
class PartsPruned(Record):
    """The sealed parts of a message are gone, by policy: so many days after its dossier was closed."""

    KEY = ("message",)
    message: str
    dossier: str
    pruned_at: datetime
    closed_at: datetime
    kept_days: int
    leaf_digest: bytes


@dataclass(frozen=True)
class AuditorDay(Record):
    """On this day (UTC, `2026-11-22`) the auditor read, and the ledger says so."""

    KEY = ("auditor", "day")
    auditor: str
    day: str
    first_at: datetime
    """When it was first heard of."""


@dataclass(frozen=True)
class FeedHead(Record):
    """The last position of one authority's feed; its row lock orders the feed."""

    KEY = ("authority",)
    authority: str
    position: int


@dataclass(frozen=True)
class FeedEntry(Record):
    KEY = ("authority", "position")
    authority: str
    position: int
    at: datetime
    type: str
    message: str
    dossier: str
    data: dict[str, Any]
