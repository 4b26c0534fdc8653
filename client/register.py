"""The register of one authority: what it sent, what it received, what it has seen. One SQLite file in its home.

Promises:
1. What `keep_outgoing` keeps is on disk when it returns (WAL, synchronous=FULL): a message is stored, sealed, before
   its first byte leaves, so that after a crash the same bytes are sent again under the same id.
2. Recording is idempotent by message id and by feed cursor: a feed read twice changes nothing.
3. No plaintext and no private key is kept here: sealed bytes, headers, digests, decisions.

Times are RFC 3339 UTC texts. The file is readable by its owner alone.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from client.leg_chain import Fork, Gap, Link, forks_of, gaps_of, head_of
from client.register_keys import SeenKeys
from client.register_places import MessagePlaces
from client.register_rows import SCHEMA, DecisionKept, Entry, EventKept, Kept, Submission
from client.register_words import SealedWords
from client.rewraps import Rewraps
from shared.errors import Ambiguous, NotInRegister, RegisterUnusable

VERSION: Final = "1"


class Register:
    """Opens, or makes, the register in this file. Raises RegisterUnusable. Not for use from several threads."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite would make it with the umask's rights
            self._db = sqlite3.connect(file, isolation_level=None, timeout=10)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA foreign_keys=ON")
            with self._transaction():
                for statement in SCHEMA.split(";"):
                    self._db.execute(statement)
                self._db.execute("INSERT INTO facts VALUES ('version', ?) ON CONFLICT DO NOTHING", (VERSION,))
        except (OSError, sqlite3.Error) as broken:
            raise RegisterUnusable(file=file, why=broken) from None
        self.rewraps = Rewraps(self._db)
        if self.fact("version") != VERSION:
            raise RegisterUnusable(file=file, why=f"its version is {self.fact('version')}, not {VERSION}")
        self.keys = SeenKeys(self._db)
        self.places = MessagePlaces(self._db)
        self.casebook = SealedWords(self._db)

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Register:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # --- single facts: the feed's cursor, the directory's last event ------------------------------------------------

    def fact(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def note_fact(self, name: str, value: str) -> None:
        self.note_facts({name: value})

    def note_facts(self, facts: Mapping[str, str]) -> None:
        """All of them or none."""
        with self._transaction():
            for name, value in facts.items():
                self._set_fact(name, value)

    def _set_fact(self, name: str, value: str) -> None:
        self._db.execute(
            "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
        )

    # --- sending -----------------------------------------------------------------------------------------------------

    def keep_outgoing(self, entry: Entry, container: bytes, uploads: Mapping[str, str], recorded_at: str) -> None:
        """Store a sealed message before it is sent; durable on return. Keeping the same id again changes nothing."""
        with self._transaction():
            if self._insert(entry, "stored", recorded_at):
                self._db.execute(
                    "INSERT INTO submissions VALUES (?, ?, ?)", (entry.message, container, json.dumps(dict(uploads)))
                )

    def undecided(self) -> list[str]:
        """What was sent, or stored to be sent, and has no decision yet; oldest first."""
        rows = self._db.execute("SELECT message FROM messages WHERE state IN ('stored', 'submitted') ORDER BY entered")
        return [str(row[0]) for row in rows]

    def submission(self, message: str) -> Submission:
        """The bytes that were sealed for this message. Raises NotInRegister."""
        row = self._db.execute(
            "SELECT digest, container, uploads FROM submissions JOIN messages USING (message) WHERE message = ?",
            (message,),
        ).fetchone()
        if row is None:
            raise NotInRegister(fragment=message)
        return Submission(message, row[0], row[1], json.loads(row[2]))

    def note_receipt(self, message: str, receipt: str, decide_by: str) -> None:
        """The exchange holds the message and promised a decision."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO receipts VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (message, receipt, decide_by)
            )
            self._db.execute(
                "UPDATE messages SET state = 'submitted' WHERE message = ? AND state = 'stored'", (message,)
            )

    def note_refused(self, message: str) -> None:
        """The exchange would not take the message: it is not sent again."""
        with self._transaction():
            self._db.execute("UPDATE messages SET state = 'refused' WHERE message = ? AND state = 'stored'", (message,))

    def broken_promises(self, now: str) -> dict[str, str]:
        """What the exchange holds and should have decided by now → the time by which it promised to."""
        rows = self._db.execute(
            "SELECT message, decide_by FROM receipts JOIN messages USING (message)"
            " WHERE state = 'submitted' AND decide_by < ? ORDER BY entered",
            (now,),
        )
        return {str(message): str(decide_by) for message, decide_by in rows}

    def receipt(self, message: str) -> str | None:
        row = self._db.execute("SELECT receipt FROM receipts WHERE message = ?", (message,)).fetchone()
        return None if row is None else str(row[0])

    def note_decision(self, decision: DecisionKept) -> None:
        """The exchange decided; the first decision noted stays."""
        one = decision
        with self._transaction():
            self._db.execute(
                "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message)"
                " DO UPDATE SET leaf_index = coalesce(leaf_index, excluded.leaf_index)",
                (
                    *(one.message, one.decision, one.code, one.sentence),
                    *(json.dumps(dict(one.facts)), one.decided_at, one.leaf_index),
                ),
            )
            self._db.execute(
                "UPDATE messages SET state = (SELECT decision FROM decisions WHERE message = ?1)"
                " WHERE message = ?1 AND state IN ('stored', 'submitted', 'refused')",
                (one.message,),
            )

    def decision(self, message: str) -> DecisionKept | None:
        row = self._db.execute("SELECT * FROM decisions WHERE message = ?", (message,)).fetchone()
        return None if row is None else DecisionKept(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5], row[6])

    # --- receiving ---------------------------------------------------------------------------------------------------

    def keep_incoming(self, entry: Entry, recorded_at: str, state: str = "received") -> bool:
        """Record a verified message; `accepted` for one's own that another register sent. Whether it was new."""
        with self._transaction():
            return self._insert(entry, state, recorded_at)

    def keep_events(self, events: Sequence[EventKept], cursor: str) -> list[EventKept]:
        """Record feed items and the place to go on from, together. Returns those that were new."""
        new = []
        with self._transaction():
            for event in events:
                done = self._db.execute(
                    "INSERT INTO events (cursor, at, type, message, dossier, data) VALUES (?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT (cursor) DO NOTHING",
                    (event.cursor, event.at, event.type, event.message, event.dossier, json.dumps(dict(event.data))),
                )
                new += [event] if done.rowcount else []
            self._set_fact("feed-cursor", cursor)
        return new

    def note_opened(self, message: str, at: str) -> None:
        with self._transaction():
            self._db.execute("UPDATE messages SET opened_at = coalesce(opened_at, ?) WHERE message = ?", (at, message))

    # --- reading -----------------------------------------------------------------------------------------------------

    def message(self, message: str) -> Kept | None:
        row = self._db.execute("SELECT * FROM kept WHERE message = ?", (message,)).fetchone()
        return None if row is None else _kept(row)

    def messages(self, dossier: str) -> list[Kept]:
        """In the order of recording."""
        rows = self._db.execute("SELECT * FROM kept WHERE dossier = ? ORDER BY entered", (dossier,))
        return [_kept(row) for row in rows]

    def received(self, unopened_only: bool = False) -> list[Kept]:
        """Messages that came from others, newest last."""
        rows = self._db.execute("SELECT * FROM kept WHERE state = 'received' ORDER BY entered")
        return [kept for kept in map(_kept, rows) if not (unopened_only and kept.opened_at)]

    def events(self, dossier: str) -> list[EventKept]:
        told = "SELECT cursor, at, type, message, dossier, data FROM events WHERE dossier = ? ORDER BY entered"
        rows = self._db.execute(told, (dossier,))
        return [_event(row) for row in rows]

    def unrecorded(self) -> list[EventKept]:
        """Arrivals that the feed told of and whose message is not recorded: it did not verify."""
        rows = self._db.execute(
            "SELECT cursor, at, type, message, dossier, data FROM events"
            " WHERE type = 'message.received' AND message NOT IN (SELECT message FROM messages) ORDER BY entered"
        )
        return [_event(row) for row in rows]

    def dossiers(self) -> dict[str, str]:
        """Every dossier known here, the newest first → who opened it."""
        rows = self._db.execute("SELECT dossier, sender FROM messages WHERE leg IS NULL ORDER BY dossier DESC")
        return {str(dossier): str(sender) for dossier, sender in rows}

    def find_message(self, fragment: str) -> str:
        """The one message whose id begins or ends with this. Raises NotInRegister, Ambiguous."""
        rows = self._db.execute("SELECT message FROM messages ORDER BY entered")
        ids = [str(row[0]) for row in rows]
        return _only(fragment, [one for one in ids if one.startswith(fragment) or one.endswith(fragment)])

    # --- chains ------------------------------------------------------------------------------------------------------

    def seen(self, dossier: str, leg: str) -> str | None:
        """What the next message on this leg has to name as `seen`; None for an unknown leg."""
        head = head_of(self._links(dossier, leg))
        return None if head is None else head.digest

    def knows(self, dossier: str, leg: str, digest: str) -> bool:
        return any(link.digest == digest for link in self._links(dossier, leg))

    def gaps(self) -> list[Gap]:
        return [gap for dossier, leg in self._legs() for gap in gaps_of(dossier, leg, self._links(dossier, leg))]

    def forks(self) -> list[Fork]:
        return [fork for dossier, leg in self._legs() for fork in forks_of(dossier, leg, self._links(dossier, leg))]

    def _legs(self) -> list[tuple[str, str]]:
        return list(self._db.execute("SELECT DISTINCT dossier, leg FROM links ORDER BY dossier, leg"))

    def _links(self, dossier: str, leg: str) -> list[Link]:
        rows = self._db.execute(
            "SELECT message, links.digest, seen, changes_state, state, entered, profile, kind"
            " FROM links JOIN messages USING (message)"
            " WHERE links.dossier = ? AND links.leg = ? AND state NOT IN ('rejected', 'refused') ORDER BY entered",
            (dossier, leg),
        )
        return [
            Link(message, digest, seen, bool(changes), state in ("accepted", "received"), order, profile, kind)
            for message, digest, seen, changes, state, order, profile, kind in rows
        ]

    def _insert(self, entry: Entry, state: str, recorded_at: str) -> bool:
        done = self._db.execute(
            "INSERT INTO messages (message, state, dossier, profile, kind, sender, recipients, leg, in_reply_to,"
            " digest, header, jws, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (message) DO NOTHING",
            (
                *(entry.message, state, entry.dossier, entry.profile, entry.kind, entry.sender),
                *(json.dumps(entry.recipients), entry.leg, entry.in_reply_to, entry.digest),
                *(entry.header, entry.jws, recorded_at),
            ),
        )
        if done.rowcount == 0:
            return False
        self._db.executemany(
            "INSERT INTO links VALUES (?, ?, ?, ?, ?, ?)",
            [(entry.dossier, leg, entry.message, entry.digest, entry.seen, entry.changes_state) for leg in entry.legs],
        )
        return True


def _kept(row: tuple[Any, ...]) -> Kept:
    _, message, state, dossier, profile, kind, sender, recipients, *rest = row
    return Kept(message, state, dossier, profile, kind, sender, tuple(json.loads(recipients)), *rest)


def _event(row: tuple[Any, ...]) -> EventKept:
    cursor, at, type_, message, dossier, data = row
    return EventKept(cursor, at, type_, message, dossier, json.loads(data))


def _only(fragment: str, found: list[str]) -> str:
    if not found or not fragment:
        raise NotInRegister(fragment=fragment)
    if len(found) > 1:
        raise Ambiguous(fragment=fragment, candidates=", ".join(found[:5]))
    return found[0]
