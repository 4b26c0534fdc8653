"""What the register remembers of the directory: every key event seen here, when each key was seen first, and what the
exchange signed about its newest event and registry of instruments."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.apisig.directory_statements import DirectoryStatement
from shared.domain.ids import encode_time


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """A key event as it was seen here first. `logged_at` is None until its place in the ledger was proven."""

    seq: int
    digest: str
    first_seen: str
    logged_at: str | None


@dataclass(frozen=True, slots=True)
class StatementKept:
    """What the exchange signed at `at`: event `seq` and publication `registry` are its newest. `statement` is the
    signed text."""

    seq: int
    head: str | None
    at: str
    registry: int
    statement: str


class SeenKeys:
    """One party's memory; times are RFC 3339 UTC texts. What was noted once stays as it was."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def events(self) -> list[SeenEvent]:
        rows = self._db.execute("SELECT seq, digest, first_seen, logged_at FROM key_events ORDER BY seq")
        return [SeenEvent(*row) for row in rows]

    def note_events(self, events: Iterable[tuple[int, str]], at: str) -> None:
        """Numbers and digests of events that are shown at this time."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT INTO key_events VALUES (?, ?, ?, NULL) ON CONFLICT DO NOTHING",
                [(seq, digest, at) for seq, digest in events],
            )

    def note_logged(self, seq: int, logged_at: str) -> None:
        """The place of the event in the ledger is proven."""
        self._db.execute(
            "UPDATE key_events SET logged_at = coalesce(logged_at, ?) WHERE seq = ?",
            (logged_at, seq),
        )

    def note_statement(self, said: DirectoryStatement, text: str) -> None:
        """What the exchange signed: of one event and registry the last statement stays."""
        self._db.execute(
            "INSERT INTO statements VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (seq, head, registry, registry_digest)"
            " DO UPDATE SET at = excluded.at, statement = excluded.statement WHERE excluded.at > at",
            (said.index, said.head or "", said.registry, said.registry_digest or "", encode_time(said.at), text),
        )

    def statements(self) -> list[StatementKept]:
        rows = self._db.execute("SELECT seq, head, at, registry, statement FROM statements ORDER BY seq, at")
        return [StatementKept(seq, head or None, at, registry, text) for seq, head, at, registry, text in rows]

    def sealed_between(self, party: str, since: str, until: str) -> list[str]:
        """The messages to this party that were sealed here in this time."""
        rows = self._db.execute(
            "SELECT message, recipients FROM messages JOIN submissions USING (message)"
            " WHERE recorded_at >= ? AND recorded_at <= ? ORDER BY entered",
            (since, until),
        )
        return [str(message) for message, recipients in rows if party in json.loads(recipients)]

    def first_seen(self, kid: str) -> str | None:
        """When this key counted here for the first time: when its event was proven."""
        row = self._db.execute("SELECT min(first_seen) FROM pins WHERE kid = ?", (kid,)).fetchone()
        return None if row[0] is None else str(row[0])

    def pin(self, keys: Sequence[tuple[str, str, str, int]], at: str) -> None:
        """Party, use, kid and event of keys that count here from now on."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT INTO pins VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", [(*key, at) for key in keys]
            )
