"""Finding entries by party, time, kind, message and dossier: one row for each entry that was read.

The rows say where to look and no more: what an entry says is read from the ledger again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from client.audit_rows import insert_rows
from shared.audit.leaf_catalogue import CATALOGUE
from shared.audit.leaf_fields import Kind
from shared.audit.log_verification import LoggedLeaf
from shared.domain.header import Header
from shared.domain.ids import encode_time

SCHEMA = """
CREATE TABLE entries (
    place INTEGER PRIMARY KEY, type TEXT NOT NULL, kind TEXT, logged_at TEXT NOT NULL, message TEXT, dossier TEXT
);
CREATE INDEX entries_by_time ON entries (logged_at);
CREATE INDEX entries_by_message ON entries (message) WHERE message IS NOT NULL;
CREATE INDEX entries_by_dossier ON entries (dossier) WHERE dossier IS NOT NULL;
CREATE TABLE named (party TEXT, place INTEGER, PRIMARY KEY (party, place)) WITHOUT ROWID;
"""
_LIKE: Final = {
    "message": "SELECT DISTINCT message FROM entries WHERE message LIKE ? OR message LIKE ? LIMIT 3",
    "dossier": "SELECT DISTINCT dossier FROM entries WHERE dossier LIKE ? OR dossier LIKE ? LIMIT 3",
}
_PARTY_FIELDS: Final = {
    type_: tuple(field.name for field in fields if field.kind is Kind.AUTHORITY) for type_, fields in CATALOGUE.items()
}


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; what is None or empty does not narrow. `kind` is a leaf's type or its beginning
    (`evidence`), or a message's kind (`refuse`). `since` and `until` bound `logged_at`, the latter excluded."""

    party: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    message: str | None = None
    dossier: str | None = None


class AuditIndex:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def note(self, entries: Iterable[tuple[LoggedLeaf, Header | None]]) -> None:
        """Entries as they are read; a decision with the header of its envelope, if that can be read."""
        rows: list[tuple[Any, ...]] = []
        named: list[tuple[str, int]] = []
        for logged, header in entries:
            fields, type_ = logged.leaf.fields, logged.leaf.type
            kind = None if header is None else header.kind
            place = (logged.index, type_, kind, encode_time(logged.logged_at))
            rows.append((*place, fields.get("message"), fields.get("dossier")))
            named += [(party, logged.index) for party in parties_of(logged, header)]
        insert_rows(self._db, "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", rows)
        insert_rows(self._db, "INSERT INTO named VALUES (?, ?)", sorted(named))

    def count(self, search: Search) -> int:
        condition, values = _condition(search)
        asked = f"SELECT count(*) FROM entries WHERE {condition}"  # noqa: S608  # the conditions below, no text of others
        return int(self._db.execute(asked, values).fetchone()[0])

    def find(self, search: Search, skip: int, limit: int) -> list[int]:
        """Places, the newest first."""
        condition, values = _condition(search)
        asked = f"SELECT place FROM entries WHERE {condition} ORDER BY place DESC LIMIT ? OFFSET ?"  # noqa: S608  # as above
        return [int(row[0]) for row in self._db.execute(asked, (*values, limit, skip))]

    def ids_like(self, part: str) -> list[tuple[str, str]]:
        """(`message` or `dossier`, id) for each id that begins or ends so; three at most of each."""
        found = []
        for what, asked in _LIKE.items():
            found += [(what, str(row[0])) for row in self._db.execute(asked, (f"{part}%", f"%{part}"))]
        return found


def parties_of(logged: LoggedLeaf, header: Header | None) -> set[str]:
    """Every party that the entry names."""
    fields = logged.leaf.fields
    named = {fields[name] for name in _PARTY_FIELDS[logged.leaf.type] if name in fields}
    if header is not None:
        named |= {header.sender, *header.recipients}
    return named


def _condition(search: Search) -> tuple[str, list[str]]:
    conditions, values = ["1"], []
    if search.party is not None:
        conditions.append("place IN (SELECT place FROM named WHERE party = ?)")
        values.append(search.party)
    if search.kind is not None:
        conditions.append("(type = ? OR type LIKE ? ESCAPE '!' OR kind = ?)")
        escaped = search.kind.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        values += [search.kind, f"{escaped}.%", search.kind]
    for column, sign, moment in (("logged_at", ">=", search.since), ("logged_at", "<", search.until)):
        if moment is not None:
            conditions.append(f"{column} {sign} ?")
            values.append(encode_time(moment))
    for column, value in (("message", search.message), ("dossier", search.dossier)):
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(value)
    return " AND ".join(conditions), values
