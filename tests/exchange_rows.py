"""What an exchange has written, read from its SQLite file while it runs or after it died.

Rules:
1. Read only, in one transaction per question: what a test compares belongs together.
2. Effects and work in hand are told apart: an effect is final, work in hand must end.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SERVICES: Final = ("intake", "routing", "notification")
EFFECTS: Final = (
    *("claim", "decision", "dossier", "leg", "key_event", "instruments"),
    *("envelope", "mailbox", "evidence", "part", "part_chunk"),
    *("feed_entry", "ledger_leaf"),
    *(f"{service}_dead_letter" for service in SERVICES),
)
ACCOUNTS: Final = ("leaf exchange.calls-refused", "leaf exchange.started", "leaf exchange.stopped")
IN_HAND: Final = (
    *("bus_message", "leaf_waiting"),
    *(f"{service}_{table}" for service in SERVICES for table in ("outbox", "parked")),
)
SETTLE_TIMEOUT_S: Final = 60.0
_ENTRY_TIME_CHARS: Final = 28  # `logged_at` and a line feed stand before the leaf


@dataclass(frozen=True)
class ExchangeRows:
    path: Path

    def effects(self) -> Counter[str]:
        """Rows per table of effects; `ledger_leaf` per type as well. What the exchange tells of itself is nobody's
        effect: refused calls each minute, processes when they have worked for one."""
        with self._reading() as database:
            counts = Counter({table: _count(database, table) for table in EFFECTS})
            counts.update(f"leaf {leaf['type']}" for leaf in _leaves(database))
        counts["ledger_leaf"] -= sum(counts.pop(account, 0) for account in ACCOUNTS)
        return counts

    def in_hand(self) -> Counter[str]:
        """Rows that somebody still has to work on, and checkpoints without a signature; empty when all is done."""
        with self._reading() as database:
            counts = Counter({table: _count(database, table) for table in IN_HAND})
            counts["unsigned checkpoint"] = int(
                (_one(database, "SELECT max(size) FROM ledger_checkpoint") or 0)
                != (_one(database, "SELECT max(size) FROM ledger_note") or 0)
            )
        return +counts

    def wait_settled(self, timeout_s: float = SETTLE_TIMEOUT_S) -> None:
        """Until nothing is in hand."""
        until = time.monotonic() + timeout_s
        while in_hand := self.in_hand():
            assert time.monotonic() < until, f"still in hand: {dict(in_hand)}"
            time.sleep(0.02)

    def leaves(self) -> list[dict[str, Any]]:
        with self._reading() as database:
            return list(_leaves(database))

    def rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """The rows of a SELECT."""
        with self._reading() as database:
            return database.execute(statement, values).fetchall()

    def dead_letters(self) -> list[str]:
        """The reason of each, with its service."""
        with self._reading() as database:
            return [
                f"{service}: {row['reason']}"
                for service in SERVICES
                for row in database.execute(f"SELECT reason FROM {service}_dead_letter ORDER BY id")
            ]

    def let_relays_be_due(self) -> None:
        """Move what waits for the relay ten seconds on. Only while the exchange does not run: it alone may write."""
        with closing(sqlite3.connect(self.path)) as database, database:
            for service in SERVICES:
                database.execute(f"UPDATE {service}_outbox SET relay_after = relay_after - 10")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            database.execute("BEGIN")
            yield database


def _leaves(database: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    for (entry,) in database.execute('SELECT entry FROM ledger_leaf ORDER BY "index"'):
        leaf: dict[str, Any] = json.loads(entry[_ENTRY_TIME_CHARS:])
        yield leaf


def _count(database: sqlite3.Connection, table: str) -> int:
    return int(_one(database, f"SELECT count(*) FROM {table}"))


def _one(database: sqlite3.Connection, statement: str) -> Any:
    return database.execute(statement).fetchone()[0]
