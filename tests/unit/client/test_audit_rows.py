"""Rows of an audit's file that are written several by one statement."""

from __future__ import annotations

import sqlite3

import pytest

from client.audit_rows import ROWS_TOGETHER, insert_rows


@pytest.mark.parametrize("count", [0, 1, ROWS_TOGETHER - 1, ROWS_TOGETHER, ROWS_TOGETHER + 1, 3 * ROWS_TOGETHER + 7])
def test_every_row_is_written_once_and_what_was_there_stays(count: int) -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE kept (place INTEGER PRIMARY KEY, word TEXT)")
    db.execute("INSERT INTO kept VALUES (5, 'before')")
    rows = [(place, f"word {place}") for place in range(count)]
    insert_rows(db, "INSERT INTO kept VALUES (?, ?) ON CONFLICT DO NOTHING", [*rows, *rows])
    expected = {5: "before"} | {place: word for place, word in rows if place != 5}
    assert dict(db.execute("SELECT place, word FROM kept")) == expected
