"""The rows of the casebook in the register: of each message its words, sealed. `client/casebook.py` seals and opens."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection


class SealedWords:
    """The table `casebook` of an open register."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def keep(self, message: str, kid: str, sealed: bytes) -> None:
        """Durable on return."""
        self._db.execute(
            "INSERT INTO casebook VALUES (?, ?, ?)"
            " ON CONFLICT (message) DO UPDATE SET kid = excluded.kid, sealed = excluded.sealed",
            (message, kid, sealed),
        )

    def kid(self, message: str) -> str | None:
        """The key that the row of this message is sealed to."""
        row = self._db.execute("SELECT kid FROM casebook WHERE message = ?", (message,)).fetchone()
        return None if row is None else str(row[0])

    def rows(self, dossier: str | None = None) -> list[tuple[str, str, bytes]]:
        """Message, key and sealed words, of one dossier or of all."""
        asked = "SELECT message, kid, sealed FROM casebook JOIN messages USING (message)"
        if dossier is None:
            return self._db.execute(f"{asked} ORDER BY entered").fetchall()
        return self._db.execute(f"{asked} WHERE dossier = ? ORDER BY entered", (dossier,)).fetchall()

    def without(self, kids: Collection[str]) -> list[str]:
        """What was opened or sent here and has no row under one of these keys."""
        rows = self._db.execute(
            "SELECT message, kid FROM messages LEFT JOIN casebook USING (message)"
            " WHERE opened_at IS NOT NULL OR state = 'accepted' ORDER BY entered"
        )
        return [str(message) for message, kid in rows if kid not in kids]
