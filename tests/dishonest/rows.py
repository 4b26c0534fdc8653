"""Lies about rows, made from the schema: every table and column, edited, deleted, inserted, exchanged, set back."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Double, Integer, LargeBinary, Table

from shared.adapters.sql.types import UtcTime
from shared.adapters.tables import METADATA
from shared.domain.ids import encode_time, parse_time
from tests.dishonest.declared import TABLES, Seen, Worth
from tests.dishonest.scene import Scene

Row = dict[str, Any]
ROW_WAYS: Final = ("delete", "insert", "exchange", "truncate", "roll back")
"""What is done to rows as wholes. `exchange` gives two rows each other's contents under their own keys."""


@dataclass(frozen=True)
class RowLie:
    """`way` is `edit` for one column, or one of ROW_WAYS; `beyond`: in rows that the declaration leaves out."""

    table: str
    way: str
    column: str | None = None
    beyond: bool = False

    @property
    def name(self) -> str:
        told = f"{self.table}.{self.column}" if self.column else f"{self.table}: {self.way}"
        return f"{told}, other rows" if self.beyond else told

    @property
    def worth(self) -> Worth:
        if not self.beyond:
            return self._declared
        assert isinstance(self._declared, Seen)
        assert self._declared.beyond is not None
        return self._declared.beyond

    @property
    def _declared(self) -> Worth:
        declared = TABLES[self.table]
        return declared.columns[self.column] if self.column else declared.ways[self.way]

    def tell(self, scene: Scene, chance: random.Random) -> str | None:
        """Write it, and say what was written; None where there is nothing to write it on."""
        table = METADATA.tables[self.table]
        with scene.writing() as database:
            database.row_factory = sqlite3.Row
            database.execute("ATTACH ? AS earlier", (str(scene.past.place / "before.sqlite3"),))
            rows = [dict(row) for row in database.execute(f"SELECT rowid AS _row, * FROM main.{_quoted(self.table)}")]
            if self.way == "roll back":
                return _roll_back(database, self.table, rows)
            if where := _where(self._declared):
                where = f"NOT coalesce({where}, 0)" if self.beyond else where
                chosen = database.execute(f"SELECT rowid FROM main.{_quoted(self.table)} WHERE {where}").fetchall()
                rows = [row for row in rows if row["_row"] in {one[0] for one in chosen}]
            if not rows:
                return None
            if self.way == "edit":
                return _edit(database, table, self.column or "", rows, chance)
            return _ROWS[self.way](database, table, rows, chance)


def _where(worth: Worth) -> str:
    return worth.where if isinstance(worth, Seen) else ""


def all_row_lies() -> list[RowLie]:
    """Every way for every table, and an edit for every column."""
    found: list[RowLie] = []
    for name, table in sorted(METADATA.tables.items()):
        found += [RowLie(name, way) for way in ROW_WAYS]
        found += [RowLie(name, "edit", column.name) for column in table.columns]
    others = [RowLie(one.table, one.way, one.column, beyond=True) for one in found if _where(one.worth)]
    return found + others


def _edit(
    database: sqlite3.Connection, table: Table, column: str, rows: list[Row], chance: random.Random
) -> str | None:
    row = _chosen(table.name, rows, chance)
    others = [one[column] for one in rows if one[column] != row[column]]
    values = [chance.choice(others)] if others and chance.random() < 0.5 else []
    values.append(_altered(table, column, row[column], chance))
    if isinstance(row[column], int):
        values.append(max(one[column] or 0 for one in rows) + 1)  # its neighbours may be taken
    for value in values:
        if _set(database, table.name, row, {column: value}):
            return f"{table.name} {_named(table, row)}: {column} {_told(row[column])} → {_told(value)}"
    return None


def _altered(table: Table, column: str, value: Any, chance: random.Random) -> Any:
    """Another value of the same kind."""
    kind = table.columns[column].type
    if value is None:
        return encode_time_of(chance) if isinstance(kind, UtcTime) else "BE.PF"
    if isinstance(kind, UtcTime):
        return encode_time(parse_time(value) + chance.choice((-1, 1)) * timedelta(hours=chance.choice((2, 30, 400))))
    if isinstance(value, int | float):
        return value + chance.choice((-1, 1, 7))
    if isinstance(kind, LargeBinary) or isinstance(value, bytes):
        return flipped(bytes(value), chance)
    if isinstance(kind, Integer | Double):
        return value
    if value.startswith(("{", "[")):
        return json.dumps(another_value(json.loads(value), chance))
    return _retold(value, chance)


def encode_time_of(chance: random.Random) -> str:
    return f"2026-11-2{chance.randrange(3)}T0{chance.randrange(10)}:00:00.000000Z"


def flipped(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return b"\x00"
    changed = bytearray(data)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _retold(text: str, chance: random.Random) -> str:
    """One letter or digit of it is another."""
    places = [place for place, sign in enumerate(text) if sign.isalnum()]
    if not places:
        return text + "x"
    place = chance.choice(places)
    signs = "0123456789" if text[place].isdigit() else "abcdefghijklmnopqrstuvwxyz"
    other = chance.choice([one for one in signs if one != text[place].lower()])
    return text[:place] + (other.upper() if text[place].isupper() else other) + text[place + 1 :]


def another_value(document: Any, chance: random.Random) -> Any:
    """One value in it is another."""
    if isinstance(document, dict) and document:
        name = chance.choice(sorted(document))
        return {**document, name: another_value(document[name], chance)}
    if isinstance(document, list) and document:
        place = chance.randrange(len(document))
        return [another_value(one, chance) if at == place else one for at, one in enumerate(document)]
    if isinstance(document, bool):
        return not document
    if isinstance(document, int | float):
        return document + 1
    return _retold(document, chance) if isinstance(document, str) and document else "x"


def _delete(database: sqlite3.Connection, table: Table, rows: list[Row], chance: random.Random) -> str:
    row = _chosen(table.name, rows, chance)
    database.execute(f"DELETE FROM {_quoted(table.name)} WHERE rowid = ?", (row["_row"],))
    return f"{table.name} {_named(table, row)} deleted"


def _insert(database: sqlite3.Connection, table: Table, rows: list[Row], chance: random.Random) -> str | None:
    """A row like another one, under a key of its own."""
    row = _chosen(table.name, rows, chance)
    keys = [column.name for column in table.primary_key.columns]
    for _ in range(10):
        new = {name: value for name, value in row.items() if name != "_row"}
        key = "reader" if "reader" in keys else keys[-1]
        new[key] = _altered(table, key, row[key], chance)
        try:
            marks = ", ".join("?" for _ in new)
            names = ", ".join(map(_quoted, new))
            database.execute(f"INSERT INTO {_quoted(table.name)} ({names}) VALUES ({marks})", tuple(new.values()))
        except sqlite3.IntegrityError:
            continue
        return f"{table.name} {_named(table, new)} inserted, like {_named(table, row)}"
    return None


def _exchange(database: sqlite3.Connection, table: Table, rows: list[Row], chance: random.Random) -> str | None:
    contents = [one.name for one in table.columns if not one.primary_key]
    row = _chosen(table.name, rows, chance)
    others = [one for one in rows if any(one[name] != row[name] for name in contents)]
    if not others:
        return None
    other = chance.choice(others)
    for to, source in ((row, other), (other, row)):
        _set(database, table.name, to, {name: source[name] for name in contents})
    return f"{table.name} {_named(table, row)} and {_named(table, other)} exchanged"


def _truncate(database: sqlite3.Connection, table: Table, rows: list[Row], chance: random.Random) -> str:
    database.execute(f"DELETE FROM {_quoted(table.name)}")
    return f"{table.name}: all {len(rows)} rows deleted"


def _roll_back(database: sqlite3.Connection, table: str, rows: Sequence[Row]) -> str | None:
    """As it was at the end of the first chapter."""
    earlier = [dict(row) for row in database.execute(f"SELECT rowid AS _row, * FROM earlier.{_quoted(table)}")]
    if earlier == list(rows):
        return None
    database.execute(f"DELETE FROM main.{_quoted(table)}")
    database.execute(f"INSERT INTO main.{_quoted(table)} SELECT * FROM earlier.{_quoted(table)}")
    return f"{table}: set back from {len(rows)} rows to {len(earlier)}"


_ROWS: Final = {"delete": _delete, "insert": _insert, "exchange": _exchange, "truncate": _truncate}


def _chosen(table: str, rows: list[Row], chance: random.Random) -> Row:
    return chance.choice(rows)


def _set(database: sqlite3.Connection, table: str, row: Row, values: Row) -> bool:
    told = ", ".join(f"{_quoted(name)} = ?" for name in values)
    try:
        statement = f"UPDATE {_quoted(table)} SET {told} WHERE rowid = ?"
        database.execute(statement, (*values.values(), row["_row"]))
    except sqlite3.IntegrityError:
        return False
    return True


def _quoted(name: str) -> str:
    return f'"{name}"'


def _named(table: Table, row: Row) -> str:
    return " ".join(str(_told(row[column.name])) for column in table.primary_key.columns)


def _told(value: Any) -> str:
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= 60 else f"{text[:28]}…{text[-28:]}"
