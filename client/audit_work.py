"""What an audit remembers of processes of the exchange's services: from when to when each worked, under which roster.

Rows of an `AuditFile`, beside `audit_memory.py`. A start and an end may come in either order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.ids import encode_time, parse_time

SCHEMA = """
CREATE TABLE work (
    process TEXT PRIMARY KEY, service TEXT, place INTEGER, logged_at TEXT, started_at TEXT, ended_at TEXT,
    roster TEXT, issued_at TEXT
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Work:
    """One process, as one service. `place` and `logged_at` are those of its start, or of its end where that is alone;
    `issued_at` is its roster's, None while the ledger was not told of that roster."""

    process: str
    service: str
    place: int
    logged_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    roster: str | None = None
    issued_at: datetime | None = None


class WorkMemory:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, process: str) -> Work | None:
        row = self._db.execute("SELECT * FROM work WHERE process = ?", (process,)).fetchone()
        return None if row is None else _work(row)

    def keep(self, work: Work) -> None:
        row = [getattr(work, name) for name in Work.__slots__]
        told = [encode_time(one) if isinstance(one, datetime) else one for one in row]
        self._db.execute("INSERT OR REPLACE INTO work VALUES (?, ?, ?, ?, ?, ?, ?, ?)", told)

    def newest_roster(self, service: str, started_by: datetime) -> datetime | None:
        """When the newest roster was issued under which this service began by then."""
        asked = "SELECT MAX(issued_at) FROM work WHERE service = ? AND started_at <= ?"
        row = self._db.execute(asked, (service, encode_time(started_by))).fetchone()
        return _time(row[0])

    def open(self, before: datetime) -> Sequence[Work]:
        """What was logged before this time and waits: for its start, or for its roster to be told."""
        rows = self._db.execute(
            "SELECT * FROM work WHERE logged_at < ? AND"
            " (started_at IS NULL AND ended_at IS NOT NULL OR roster IS NOT NULL AND issued_at IS NULL) ORDER BY place",
            (encode_time(before),),
        )
        return [_work(row) for row in rows.fetchall()]

    def close(self, work: Work) -> None:
        """It waits no more."""
        self._db.execute("UPDATE work SET ended_at = NULL, roster = NULL WHERE process = ?", (work.process,))


def _work(row: tuple[Any, ...]) -> Work:
    process, service, place, logged_at, started_at, ended_at, roster, issued_at = row
    return Work(
        process, service, place, parse_time(logged_at), _time(started_at), _time(ended_at), roster, _time(issued_at)
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)
