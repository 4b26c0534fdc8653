"""What an auditor has to remember of a log while reading it, on disk: spent ids, decisions, evidences, legs.

The memory of this program stays bounded, however long the log is. The rows lie in an `AuditFile`, which decides what is
kept when. What is mostly changed or gone again soon is written together: a leg's state, what is awaited.
"""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from client import audit_work
from client.audit_decided import Decided, decided_of
from client.audit_rows import insert_rows
from client.audit_work import WorkMemory
from shared.audit.leaves import Leaf, encode_entry, encode_leaf, parse_entry
from shared.audit.log_verification import LoggedLeaf
from shared.domain.clock_events import Struck, parse_struck
from shared.domain.ids import encode_time, parse_time
from shared.domain.leg import Leg, read_leg, write_leg

SCHEMA = """
CREATE TABLE spent (message TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE decided (
    message TEXT, digest TEXT, place INTEGER, accepted INTEGER, dossier TEXT, leg TEXT, kind TEXT, sender TEXT,
    recipients TEXT, code TEXT, at TEXT, logged_at TEXT, decide_by TEXT, flags TEXT, ed25519 TEXT, mldsa65 TEXT,
    routes TEXT, urgency TEXT, PRIMARY KEY (message, digest)
) WITHOUT ROWID;
CREATE TABLE evidences (
    message TEXT, kind TEXT, recipient TEXT, at TEXT, PRIMARY KEY (message, kind, recipient)
) WITHOUT ROWID;
CREATE TABLE awaited (
    message TEXT, recipient TEXT, place INTEGER, logged_at TEXT, PRIMARY KEY (message, recipient)
) WITHOUT ROWID;
CREATE TABLE watched (message TEXT, recipient TEXT, falls TEXT, PRIMARY KEY (message, recipient)) WITHOUT ROWID;
CREATE INDEX watched_by_fall ON watched (falls);
CREATE TABLE legs (
    dossier TEXT, requested TEXT, state TEXT, struck TEXT, next_fall TEXT, PRIMARY KEY (dossier, requested)
) WITHOUT ROWID;
CREATE INDEX legs_by_fall ON legs (next_fall) WHERE next_fall IS NOT NULL;
CREATE TABLE documents (place INTEGER PRIMARY KEY, entry BLOB NOT NULL);
"""
SCHEMA += audit_work.SCHEMA
_INSERT_DECIDED: Final = (
    "INSERT INTO decided VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_INSERT_LEGS: Final = (
    "INSERT INTO legs VALUES (?, ?, ?, ?, ?) ON CONFLICT (dossier, requested)"
    " DO UPDATE SET state = excluded.state, struck = excluded.struck, next_fall = excluded.next_fall"
)

RECENT_KEPT: Final = 1536
UNWRITTEN_MOST: Final = 1024
"""Decisions, legs, or awaited deliveries that are held back until they are written; fewer than RECENT_KEPT."""


class AuditMemory:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.work = WorkMemory(db)
        self._recent: OrderedDict[tuple[str, str], Decided] = OrderedDict()  # evidences follow their decisions closely
        self._decided: list[tuple[Any, ...]] = []
        self._awaited: dict[tuple[str, str], tuple[int, str]] = {}
        self._watched: dict[tuple[str, str], str] = {}
        self._legs: dict[tuple[str, str], tuple[Leg, Struck, datetime | None]] = {}
        self._dossiers: set[str] = set()

    def write(self) -> None:
        """What was held back. Whatever is not looked up by its key asks for it first."""
        awaited = [(*key, *since) for key, since in self._awaited.items()]
        watched = [(*key, falls) for key, falls in self._watched.items()]
        legs = [(*key, *_leg_row(*held)) for key, held in self._legs.items()]
        insert_rows(self._db, _INSERT_DECIDED, self._decided)
        insert_rows(self._db, "INSERT INTO awaited VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", awaited)
        insert_rows(self._db, "INSERT OR REPLACE INTO watched VALUES (?, ?, ?)", watched)
        insert_rows(self._db, _INSERT_LEGS, legs)
        for held in (self._decided, self._awaited, self._watched, self._legs, self._dossiers):
            held.clear()

    def _write_if_many(self) -> None:
        if max(len(self._decided), len(self._awaited), len(self._watched), len(self._legs)) >= UNWRITTEN_MOST:
            self.write()

    # --- decisions ---------------------------------------------------------------------------------------------------

    def spend(self, message: str, digest: str) -> str:
        """On which bytes this id is spent: on these, or on those that were first."""
        spent = self._db.execute("INSERT INTO spent VALUES (?, ?) ON CONFLICT DO NOTHING", (message, digest))
        if spent.rowcount == 1:
            return digest
        return str(self._db.execute("SELECT digest FROM spent WHERE message = ?", (message,)).fetchone()[0])

    def spent_on(self, message: str) -> str:
        """The bytes that a spent id stands for; nothing where it was not spent."""
        row = self._db.execute("SELECT digest FROM spent WHERE message = ?", (message,)).fetchone()
        return "" if row is None else str(row[0])

    def decided(self, message: str, digest: str) -> Decided | None:
        if (message, digest) in self._recent:
            return self._recent[message, digest]
        asked = "SELECT * FROM decided WHERE message = ? AND digest = ?"
        row = self._db.execute(asked, (message, digest)).fetchone()
        return None if row is None else decided_of(row)

    def decide(self, message: str, digest: str, one: Decided) -> None:
        """Keep the first decision on these bytes; from an acceptance on, each delivery is awaited."""
        self._recent[message, digest] = one
        if len(self._recent) > RECENT_KEPT:
            self._recent.popitem(last=False)
        place, logged_at = one.place, encode_time(one.logged_at)
        self._decided.append(
            (
                *(message, digest, place, one.accepted, one.dossier, one.leg, one.kind, one.sender),
                *(" ".join(one.recipients), one.code, encode_time(one.at), logged_at, encode_time(one.decide_by)),
                *(" ".join(one.flags), *one.signers, " ".join(one.routes), one.urgency),
            )
        )
        if one.accepted:
            for recipient in one.recipients:
                self._awaited.setdefault((message, recipient), (place, logged_at))
        self._write_if_many()

    def signed_by(self, kid: str, since: datetime) -> list[tuple[int, str]]:
        """Place and message of what was accepted under this key and logged at this time or later."""
        self.write()
        rows = self._db.execute(
            "SELECT place, message FROM decided WHERE accepted AND logged_at >= ?1 AND ?2 IN (ed25519, mldsa65)"
            " ORDER BY place",
            (encode_time(since), kid),
        )
        return [(int(place), str(message)) for place, message in rows]

    def decisions(self) -> Iterator[tuple[str, Decided]]:
        """Every message that was decided, with its decision, in the order of the log."""
        self.write()
        for row in self._db.execute("SELECT * FROM decided ORDER BY place"):
            yield str(row[0]), decided_of(row)

    def moves(self, dossier: str) -> list[Decided]:
        """What was accepted in a dossier, in the order of the log."""
        self.write()
        rows = self._db.execute(
            "SELECT decided.* FROM entries JOIN decided USING (message)"
            " WHERE entries.dossier = ? AND entries.type = 'decision.accepted' AND decided.accepted"
            " ORDER BY decided.place",
            (dossier,),
        )
        return [decided_of(row) for row in rows]

    def openings(self) -> Iterator[tuple[str, str]]:
        """Every dossier with the party that opened it."""
        self.write()
        return self._db.execute("SELECT dossier, sender FROM decided WHERE accepted AND leg IS NULL")

    # --- evidences ---------------------------------------------------------------------------------------------------

    def is_new_evidence(self, message: str, kind: str, recipient: str, at: datetime) -> bool:
        done = self._db.execute(
            "INSERT INTO evidences VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (message, kind, recipient, encode_time(at)),
        )
        return done.rowcount == 1

    def is_told_first(self, leaf: Leaf, of: str, whom: str = "") -> bool:
        """Whether no leaf of this type, which tells of each thing once, was read about it before."""
        return self.is_new_evidence(of, leaf.type, whom, leaf.at)

    def evidences(self, message: str, recipient: str) -> Collection[str]:
        """The kinds that stand for this recipient."""
        return self.evidence_times(message, recipient).keys()

    def evidence_times(self, message: str, recipient: str) -> dict[str, datetime]:
        """By kind."""
        asked = "SELECT kind, at FROM evidences WHERE message = ? AND recipient = ?"
        return {str(kind): parse_time(at) for kind, at in self._db.execute(asked, (message, recipient))}

    def watch(self, message: str, recipient: str, falls: datetime) -> None:
        """When the next limit of the transport to this recipient falls; nothing was watched, or no more."""
        self._watched[message, recipient] = encode_time(falls)
        self._write_if_many()

    def unwatch(self, message: str, recipient: str) -> None:
        if self._watched.pop((message, recipient), None) is None:
            self._db.execute("DELETE FROM watched WHERE message = ? AND recipient = ?", (message, recipient))

    def watched(self, before: datetime, awaited_before: datetime) -> list[tuple[str, str]]:
        """Messages and recipients with a limit that fell before a time, or whose delivery is awaited since another."""
        self.write()
        rows = self._db.execute(
            "SELECT message, recipient FROM watched WHERE falls < ?"
            " UNION SELECT message, recipient FROM awaited WHERE logged_at < ? ORDER BY message, recipient",
            (encode_time(before), encode_time(awaited_before)),
        )
        return [(str(message), str(recipient)) for message, recipient in rows]

    def delivered(self, message: str, recipient: str) -> None:
        """Delivered, or said not to be: nothing is awaited any more."""
        if self._awaited.pop((message, recipient), None) is None:
            self._db.execute("DELETE FROM awaited WHERE message = ? AND recipient = ?", (message, recipient))

    def take_undelivered(self, before: datetime) -> list[tuple[int, str, str]]:
        """Place, message and recipient of what was accepted before this time and is still awaited; given once."""
        self.write()
        rows = self._db.execute(
            "SELECT place, message, recipient FROM awaited WHERE logged_at < ? ORDER BY place", (encode_time(before),)
        ).fetchall()
        self._db.execute("DELETE FROM awaited WHERE logged_at < ?", (encode_time(before),))
        return [(int(place), str(message), str(recipient)) for place, message, recipient in rows]

    def was_accepted(self, message: str, dossier: str) -> bool:
        self.write()
        accepted = "SELECT 1 FROM decided WHERE message = ? AND dossier = ? AND accepted"
        return self._db.execute(accepted, (message, dossier)).fetchone() is not None

    # --- legs --------------------------------------------------------------------------------------------------------

    def knows_dossier(self, dossier: str) -> bool:
        asked = "SELECT 1 FROM legs WHERE dossier = ? LIMIT 1"
        return dossier in self._dossiers or self._db.execute(asked, (dossier,)).fetchone() is not None

    def leg(self, dossier: str, requested: str) -> Leg | None:
        if (dossier, requested) in self._legs:
            return self._legs[dossier, requested][0]
        row = self._db.execute(
            "SELECT state FROM legs WHERE dossier = ? AND requested = ?", (dossier, requested)
        ).fetchone()
        return None if row is None else read_leg(row[0])

    def legs(self) -> Iterator[Leg]:
        """All legs, dossier by dossier."""
        self.write()
        for row in self._db.execute("SELECT state FROM legs ORDER BY dossier, requested"):
            yield read_leg(row[0])

    def dossiers(self) -> Iterator[tuple[str, list[Leg]]]:
        """Every dossier with its legs, the newest first, as the exchange lists them."""
        self.write()
        rows = self._db.execute("SELECT dossier, state FROM legs ORDER BY dossier DESC, requested")
        for dossier, states in groupby(rows, key=lambda row: str(row[0])):
            yield dossier, [read_leg(row[1]) for row in states]

    def legs_of(self, dossier: str) -> list[Leg]:
        self.write()
        rows = self._db.execute("SELECT state FROM legs WHERE dossier = ? ORDER BY requested", (dossier,))
        return [read_leg(row[0]) for row in rows]

    def keep_leg(self, leg: Leg, struck: Struck, next_fall: datetime | None) -> None:
        """With what clocks have said on it, and when they will speak next."""
        self._legs[leg.dossier, leg.requested] = (leg, struck, next_fall)
        self._dossiers.add(leg.dossier)
        self._write_if_many()

    def struck(self, leg: Leg) -> Struck:
        """What clocks have said on a leg that is kept."""
        held = self._legs.get((leg.dossier, leg.requested))
        if held is not None:
            return held[1]
        asked = "SELECT struck FROM legs WHERE dossier = ? AND requested = ?"
        return parse_struck(json.loads(self._db.execute(asked, (leg.dossier, leg.requested)).fetchone()[0]))

    def fallen(self, before: datetime) -> list[Leg]:
        """Legs on which clocks should have spoken before this time."""
        self.write()
        asked = "SELECT state FROM legs WHERE next_fall < ? ORDER BY next_fall, dossier, requested"
        return [read_leg(row[0]) for row in self._db.execute(asked, (encode_time(before),))]

    # --- documents of the operators ----------------------------------------------------------------------------------

    def keep_document(self, logged: LoggedLeaf) -> None:
        """From these a reading that is continued makes directory and registry again."""
        leaf = logged.leaf
        entry = encode_entry(logged.logged_at, encode_leaf(leaf.type, leaf.at, leaf.nonce, **leaf.fields))
        self._db.execute("INSERT INTO documents VALUES (?, ?)", (logged.index, entry))

    def documents(self) -> list[LoggedLeaf]:
        rows = self._db.execute("SELECT place, entry FROM documents ORDER BY place").fetchall()
        return [LoggedLeaf(int(place), *parse_entry(entry)) for place, entry in rows]


def _leg_row(leg: Leg, struck: Struck, next_fall: datetime | None) -> tuple[str, str, str | None]:
    falls = None if next_fall is None else encode_time(next_fall)
    return write_leg(leg).decode(), json.dumps(struck.encode()), falls
