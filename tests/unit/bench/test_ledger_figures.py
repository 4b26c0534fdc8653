"""What is told of the ledger's benchmark, and that what it measures is what it says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import ledger
from bench.audited import write_audited
from bench.ledger_page import ledger_section
from bench.orders import Ordered
from bench.turns import Measured, Sizes, Turns
from client.auditor import verify_ledger
from client.ledger_source import DirectoryLedger

SIZES = Sizes(2, 1.0, 7, Path("run"), Path("environments"))
SERIES = {
    "10.comity_append": [50.0, 60.0],
    "10.pymerkle_disk_append": [100.0, 100.0],
    "1000000.comity_append": [50.0, 60.0],
    "1000000.comity_small_append": [60.0, 60.0],
    "1000000.comity_proof_ms": [2.0, 2.0],
    "1000000.comity_small_proof_ms": [1.0, 0.5],
    "1000000.pymerkle_disk_proof_ms": [100.0, 50.0],
}
MEMORY = {"10": {"comity": 80}, "1000000": {"comity": 105, "comity_small": 100}}


def turns(**absent: str) -> Turns:
    made = Turns(SIZES, lambda line: None)
    made.measured = Measured(series=SERIES if not absent else {}, why_not=absent)
    return made


def test_each_goal_is_judged_by_the_median_of_its_pairs() -> None:
    document, verdicts = ledger._report(SIZES, [10, 1_000_000], turns(), MEMORY)
    told = {one["says"]: (round(one["median"], 3), one["reached"]) for one in document["figures"]}
    assert told["append at 10 leaves, whole signed rounds, against pymerkle on disk"] == (0.55, "not reached")
    assert told["proof at 1,000,000 leaves, against pymerkle on disk"] == (0.03, "reached")
    assert told["cost of size: time to append a leaf, 1,000,000 leaves against 10"] == (1.1, "reached")
    assert told["cost of size: time of a proof, 1,000,000 leaves against 10"] == (3.0, "not reached")
    assert verdicts[-1].endswith("1.05 × that of a small ledger which took its turns beside it, goal ≤ 1.1 ×: reached")
    _, alone = ledger._report(SIZES, [10], turns(), MEMORY)
    assert alone[-1] == "memory of our process, 0 MiB at 10 leaves"


def test_an_absent_peer_is_named_with_its_reason() -> None:
    _, verdicts = ledger._report(SIZES, [10, 1_000_000], turns(pymerkle="no wheel"), MEMORY)
    assert any("not measured (no wheel)" in line for line in verdicts)


def test_the_page_shows_what_was_measured_and_draws_it(tmp_path: Path) -> None:
    document, _ = ledger._report(SIZES, [10, 1_000_000], turns(), MEMORY)
    text = ledger_section(document, {}, tmp_path)
    assert "| 10 | Comity, SQLite | 55 |" in text
    assert "Comity, SQLite, 1,000,000" in (tmp_path / "ledger-append.svg").read_text()
    assert ledger_section({}, {}, tmp_path) == ""


def test_a_process_that_ends_instead_of_answering_is_told_with_its_own_words(tmp_path: Path) -> None:
    process = Ordered([sys.executable, "-c", "raise SystemExit('no disk')"], tmp_path / "log")
    with pytest.raises((RuntimeError, BrokenPipeError)):
        process.ask("append", leaves=1)
    process.stop()


def test_a_ledger_that_is_made_to_be_audited_verifies_with_every_signature_in_it(tmp_path: Path) -> None:
    trust, letters = write_audited(tmp_path, 300, 2)
    report = verify_ledger(DirectoryLedger(tmp_path), trust, workers=0)
    assert report.ok
    assert report.size >= 300
    assert report.signatures == 2 * letters
