"""What the register remembers of a message's place in the ledger: since when it is here, and when it was logged."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placeless:
    """A message that came, or was said to be decided, before its decision had a place in the ledger. `since`, by the
    own clock, is None where it was not noted: by an earlier version, or before a crash."""

    message: str
    since: str | None


class MessagePlaces:
    """One party's memory; times are RFC 3339 UTC texts. What was noted once stays as it was."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def note(self, message: str, at: str, logged_at: str | None) -> None:
        """The message is here, at this time of the own clock; `logged_at` once its place was proven."""
        self._db.execute(
            "INSERT INTO places VALUES (?, ?, ?) ON CONFLICT (message)"
            " DO UPDATE SET logged_at = coalesce(logged_at, excluded.logged_at)",
            (message, at, logged_at),
        )

    def logged_at(self, message: str) -> str | None:
        """When its decision was logged; None while no place of it was proven here."""
        row = self._db.execute("SELECT logged_at FROM places WHERE message = ?", (message,)).fetchone()
        return None if row is None or row[0] is None else str(row[0])

    def placeless(self) -> list[Placeless]:
        """What came here, and what was sent and is said to be decided, without a proven place; oldest first."""
        rows = self._db.execute(
            "SELECT message, since FROM messages LEFT JOIN places USING (message)"
            " WHERE logged_at IS NULL AND state IN ('received', 'accepted', 'rejected') ORDER BY entered"
        )
        return [Placeless(*row) for row in rows]

    def logged_since(self, sender: str, since: str) -> list[tuple[str, bytes, str]]:
        """What came from this authority and was logged at this time or later: message, envelope, when it was logged."""
        rows = self._db.execute(
            "SELECT message, jws, logged_at FROM messages JOIN places USING (message)"
            " WHERE sender = ? AND state = 'received' AND logged_at >= ? ORDER BY entered",
            (sender, since),
        )
        return [(str(message), bytes(jws), str(logged_at)) for message, jws, logged_at in rows]
