"""What the register keeps, as rows: its schema, and the frozen values that go in and come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS messages (
    entered INTEGER PRIMARY KEY, message TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    dossier TEXT NOT NULL, profile TEXT NOT NULL, kind TEXT NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL,
    leg TEXT, in_reply_to TEXT, digest TEXT NOT NULL, header BLOB NOT NULL, jws BLOB NOT NULL,
    recorded_at TEXT NOT NULL, opened_at TEXT,
    CHECK (state IN ('stored', 'submitted', 'accepted', 'rejected', 'refused', 'received'))
) STRICT;
CREATE VIEW IF NOT EXISTS kept AS SELECT
    entered, message, state, dossier, profile, kind, sender, recipients, leg, in_reply_to, digest, header, jws,
    recorded_at, opened_at FROM messages;
CREATE INDEX IF NOT EXISTS messages_by_dossier ON messages (dossier);
CREATE TABLE IF NOT EXISTS submissions (
    message TEXT PRIMARY KEY REFERENCES messages (message), container BLOB NOT NULL, uploads TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS receipts (
    message TEXT PRIMARY KEY REFERENCES messages (message), receipt TEXT NOT NULL, decide_by TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS decisions (
    message TEXT PRIMARY KEY REFERENCES messages (message), decision TEXT NOT NULL, code TEXT, sentence TEXT,
    facts TEXT NOT NULL, decided_at TEXT NOT NULL, leaf_index INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS links (
    dossier TEXT NOT NULL, leg TEXT NOT NULL, message TEXT NOT NULL REFERENCES messages (message),
    digest TEXT NOT NULL, seen TEXT, changes_state INTEGER NOT NULL, PRIMARY KEY (dossier, leg, message)
) STRICT;
CREATE TABLE IF NOT EXISTS events (
    entered INTEGER PRIMARY KEY, cursor TEXT NOT NULL UNIQUE, at TEXT NOT NULL, type TEXT NOT NULL,
    message TEXT NOT NULL, dossier TEXT NOT NULL, data TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS key_events (
    seq INTEGER PRIMARY KEY, digest TEXT NOT NULL, first_seen TEXT NOT NULL, logged_at TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS statements (
    seq INTEGER NOT NULL, head TEXT NOT NULL, registry INTEGER NOT NULL, registry_digest TEXT NOT NULL,
    at TEXT NOT NULL, statement TEXT NOT NULL, PRIMARY KEY (seq, head, registry, registry_digest)
) STRICT;
CREATE TABLE IF NOT EXISTS pins (
    party TEXT NOT NULL, use TEXT NOT NULL, kid TEXT NOT NULL, event_seq INTEGER NOT NULL, first_seen TEXT NOT NULL,
    PRIMARY KEY (party, use, kid)
) STRICT;
CREATE TABLE IF NOT EXISTS places (
    message TEXT PRIMARY KEY REFERENCES messages (message), since TEXT NOT NULL, logged_at TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS casebook (
    message TEXT PRIMARY KEY REFERENCES messages (message), kid TEXT NOT NULL, sealed BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS rewraps (
    message TEXT PRIMARY KEY REFERENCES messages (message), kid TEXT NOT NULL, wrap BLOB NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One message as it enters the register. `legs` are those that it belongs to, several when it opens them."""

    message: str
    dossier: str
    profile: str
    kind: str
    sender: str
    recipients: tuple[str, ...]
    leg: str | None
    legs: tuple[str, ...]
    in_reply_to: str | None
    digest: str
    seen: str | None
    changes_state: bool
    header: bytes
    jws: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as the register tells it: `state` is stored, submitted, accepted, rejected, refused or received.

    `refused` is what the exchange would not even take: there is no receipt, and no decision will come.
    """

    message: str
    state: str
    dossier: str
    profile: str
    kind: str
    sender: str
    recipients: tuple[str, ...]
    leg: str | None
    in_reply_to: str | None
    digest: str
    header: bytes
    jws: bytes
    recorded_at: str
    opened_at: str | None


@dataclass(frozen=True, slots=True)
class Submission:
    """The exact bytes to post, and the sealed files to upload before: SHA-256 in hex → path."""

    message: str
    digest: str
    container: bytes
    uploads: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DecisionKept:
    message: str
    decision: str
    code: str | None
    sentence: str | None
    facts: Mapping[str, str]
    decided_at: str
    leaf_index: int | None


@dataclass(frozen=True, slots=True)
class EventKept:
    cursor: str
    at: str
    type: str
    message: str
    dossier: str
    data: Mapping[str, Any]
