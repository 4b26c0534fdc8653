"""A real exchange, its database written by somebody who may write everything: the auditor's replay names what is shown
otherwise than the ledger says, and its monitor a receipt that nothing came of."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from client.audit_file import AuditFile
from client.audit_folder import AuditFolder
from client.audit_monitor import Finding, Monitor
from client.audit_replay import Replayed, ShownDossiers, replay
from client.auditor import Elsewhere
from shared.apisig.receipts import verify_receipt
from tests.acceptance.refusals import BRUSSELS, PARIS, RABAT, Bench
from tests.exchange_process import AUDITOR, now
from tests.unit.envelope.workshop import Forgery


@pytest.fixture(scope="module")
def opening(bench: Bench) -> Forgery:
    """Rabat asks Brussels and Paris; Paris acknowledges."""
    opening = bench.accepted(bench[RABAT].letter())
    bench.accepted(bench[PARIS].reply(opening, "acknowledge"))
    return opening


@pytest.fixture
def written(bench: Bench) -> Iterator[sqlite3.Connection]:
    """The database, to be written; the legs are put back afterwards."""
    with closing(sqlite3.connect(bench.exchange.rows.path, timeout=30, isolation_level=None)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(leg)")]
        before = database.execute("SELECT * FROM leg").fetchall()
        yield database
        database.execute("BEGIN IMMEDIATE")
        database.execute("DELETE FROM leg")
        places = ", ".join("?" * len(columns))
        database.executemany(f"INSERT INTO leg VALUES ({places})", before)  # question marks alone
        database.execute("COMMIT")


def replayed(bench: Bench, place: Path) -> Replayed:
    folder = AuditFolder(place, bench.exchange.trust)
    with ExitStack() as opened:

        def read_on() -> AuditFile:
            opened.pop_all().close()
            report, file = opened.enter_context(folder.brought_up_to_date(bench.exchange.ledger(), workers=0))
            assert report.ok, report.differences
            return file

        return replay(ShownDossiers(bench.exchange.auditor(), AUDITOR), read_on, lambda _: None)


def change(database: sqlite3.Connection, opening: Forgery, requested: str, **members: Any) -> None:
    where = (opening.header["dossier"], requested)
    [(state,)] = database.execute("SELECT state FROM leg WHERE dossier = ? AND requested = ?", where)
    changed = json.dumps({**json.loads(state), **members})
    database.execute("UPDATE leg SET state = ? WHERE dossier = ? AND requested = ?", (changed, *where))


def test_an_untouched_exchange_shows_what_its_ledger_says(bench: Bench, opening: Forgery, tmp_path: Path) -> None:
    bench.exchange.rows.wait_settled()
    done = replayed(bench, tmp_path)
    assert done.differences == []
    assert done.legs >= 2


def test_a_leg_that_somebody_wrote_into_the_database_is_named(
    bench: Bench, opening: Forgery, written: sqlite3.Connection, tmp_path: Path
) -> None:
    change(written, opening, PARIS, holder="FR.PNF", deadline="2030-01-01")
    told = {(one.leg, one.why) for one in replayed(bench, tmp_path).differences}
    assert told == {
        (PARIS, "the holder is shown as FR.PNF; by the ledger it is none"),
        (PARIS, "the deadline is shown as 2030-01-01; by the ledger it is 2027-01-31"),
    }


def test_a_leg_that_somebody_removed_from_the_database_is_named(
    bench: Bench, opening: Forgery, written: sqlite3.Connection, tmp_path: Path
) -> None:
    written.execute("DELETE FROM leg WHERE dossier = ? AND requested = ?", (opening.header["dossier"], BRUSSELS))
    told = {(one.dossier, one.leg, one.why) for one in replayed(bench, tmp_path).differences}
    assert told == {(opening.header["dossier"], BRUSSELS, "this leg is not shown")}


def test_a_receipt_that_nothing_came_of_is_told_by_the_monitor(bench: Bench, opening: Forgery, tmp_path: Path) -> None:
    """The same promise once for a letter that was decided, and once for one that was dropped."""
    letter = bench[RABAT].letter()
    answer = bench[RABAT].post(letter)
    assert answer.status == 202
    bench.await_decision(bench[RABAT], letter.header["id"])
    bench.exchange.rows.wait_settled()
    kept = verify_receipt(str(answer.document["receipt"]), bench.exchange.trust.receipt_key)
    dropped = replace(kept, message=opening.header["id"])
    found: list[Finding] = []
    clock = [now()]
    monitor = Monitor(
        AuditFolder(tmp_path, bench.exchange.trust),
        bench.exchange.ledger(),
        lambda: Elsewhere(receipts=[("kept", kept), ("dropped", dropped)], now=clock[0]),
        found.append,
        lambda: clock[0],
        explained=tuple(range(1, len(bench.exchange.operator().directory().events) + 1)),  # enrolments
    )
    monitor.look()
    assert found == []
    clock[0] = kept.decide_by.replace(year=kept.decide_by.year + 1)
    monitor.look()
    assert [one.what for one in found] == ["promise", "stalled"]
    assert found[0].why.startswith("dropped: ")
