"""What an auditor has to remember of a log while reading it, on disk: spent ids, decisions, evidences, legs.

A temporary SQLite database that nobody else sees and that vanishes with the process: the memory of this program stays
bounded, however long the log is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.dossier import encode_leg, parse_leg
from shared.domain.ids import encode_time, parse_time
from shared.domain.leg import Leg

_SCHEMA = """
CREATE TABLE spent (message TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE decided (
    message TEXT, digest TEXT, place INTEGER, accepted INTEGER, dossier TEXT, recipients TEXT, code TEXT,
    logged_at TEXT, ed25519 TEXT, mldsa65 TEXT, PRIMARY KEY (message, digest)
) WITHOUT ROWID;
CREATE TABLE evidences (message TEXT, kind TEXT, recipient TEXT, PRIMARY KEY (message, kind, recipient)) WITHOUT ROWID;
CREATE TABLE legs (dossier TEXT, requested TEXT, state TEXT, PRIMARY KEY (dossier, requested)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision: `place` is its index in the log, `logged_at` aware UTC."""

    place: int
    accepted: bool
    dossier: str | None
    recipients: tuple[str, ...]
    code: str | None
    logged_at: datetime
    signers: tuple[str, str]


class AuditMemory:
    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)  # a private temporary file
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_SCHEMA)
        self._db.execute("BEGIN")

    def close(self) -> None:
        self._db.close()

    def spent_on(self, message: str) -> str | None:
        row = self._db.execute("SELECT digest FROM spent WHERE message = ?", (message,)).fetchone()
        return None if row is None else str(row[0])

    def spend(self, message: str, digest: str) -> None:
        self._db.execute("INSERT INTO spent VALUES (?, ?) ON CONFLICT DO NOTHING", (message, digest))

    def decided(self, message: str, digest: str) -> Decided | None:
        row = self._db.execute(
            "SELECT place, accepted, dossier, recipients, code, logged_at, ed25519, mldsa65 FROM decided"
            " WHERE message = ? AND digest = ?",
            (message, digest),
        ).fetchone()
        if row is None:
            return None
        place, accepted, dossier, recipients, code, logged_at, *signers = row
        readers, at = tuple(json.loads(recipients)), parse_time(logged_at)
        return Decided(place, bool(accepted), dossier, readers, code, at, (signers[0], signers[1]))

    def decide(self, message: str, digest: str, decided: Decided) -> None:
        one = decided
        self._db.execute(
            "INSERT INTO decided VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                *(message, digest, one.place, one.accepted, one.dossier),
                *(json.dumps(one.recipients), one.code, encode_time(one.logged_at), *one.signers),
            ),
        )

    def signed_by(self, kid: str, since: datetime) -> list[tuple[int, str]]:
        """Place and message of what was accepted under this key and logged at this time or later."""
        rows = self._db.execute(
            "SELECT place, message FROM decided WHERE accepted AND logged_at >= ?1 AND ?2 IN (ed25519, mldsa65)"
            " ORDER BY place",
            (encode_time(since), kid),
        )
        return [(int(place), str(message)) for place, message in rows]

    def is_new_evidence(self, message: str, kind: str, recipient: str) -> bool:
        done = self._db.execute(
            "INSERT INTO evidences VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (message, kind, recipient)
        )
        return done.rowcount == 1

    def undelivered(self, before: datetime) -> Iterator[tuple[int, str, str]]:
        """Place, message and recipient of what was accepted before this time and has no evidence of its delivery."""
        return self._db.execute(
            "SELECT place, message, named.value FROM decided, json_each(recipients) AS named"
            " WHERE accepted AND logged_at < ? AND NOT EXISTS (SELECT 1 FROM evidences AS one"
            " WHERE one.message = decided.message AND one.kind IN ('delivery', 'non-delivery')"
            " AND one.recipient = named.value) ORDER BY place",
            (encode_time(before),),
        )

    def knows_dossier(self, dossier: str) -> bool:
        return self._db.execute("SELECT 1 FROM legs WHERE dossier = ? LIMIT 1", (dossier,)).fetchone() is not None

    def leg(self, dossier: str, requested: str) -> Leg | None:
        row = self._db.execute(
            "SELECT state FROM legs WHERE dossier = ? AND requested = ?", (dossier, requested)
        ).fetchone()
        return None if row is None else parse_leg(_parsed(row[0]))

    def keep_leg(self, leg: Leg) -> None:
        self._db.execute(
            "INSERT INTO legs VALUES (?, ?, ?) ON CONFLICT (dossier, requested) DO UPDATE SET state = excluded.state",
            (leg.dossier, leg.requested, json.dumps(encode_leg(leg))),
        )


def _parsed(text: str) -> Any:
    return json.loads(text)
