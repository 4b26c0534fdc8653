"""An auditor with the trust file alone finds every file that is altered or missing, in a ledger of any size."""

from __future__ import annotations

from multiprocessing import active_children
from pathlib import Path

import pytest

from shared.audit.checkpoint import encode_checkpoint
from shared.audit.tree_head import TreeHead
from tests.unit.audit.paper_log import ORIGIN, log_signers, started_entries
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.told_ledgers import audit, copy_of, flip, forged, found, replace_time, submission_of


def test_an_honest_ledger_verifies_and_is_counted(story: PaperExchange, tmp_path: Path) -> None:
    report = audit(story, tmp_path)
    assert report.differences == []
    assert report.ok
    assert report.read == report.size == len(story.log.entries)
    assert (report.leaves["decision.accepted"], report.rejections["dossier.illegal-move"]) == (2, 1)
    assert report.signatures == 6
    assert [change.type for change in report.key_changes] == ["enrol", "enrol", "enrol", "suspend"]


# --- whoever has the files, and not the log's keys -------------------------------------------------------------------


@pytest.mark.parametrize("what", ["tile/entries/000.p", "tile/0/000.p", "checkpoint"])
def test_one_altered_bit_in_any_file_is_found(story: PaperExchange, tmp_path: Path, what: str) -> None:
    exchange = copy_of(story)
    size = len(exchange.log.entries)
    path = what if what == "checkpoint" else f"{what}/{size}"
    exchange.log.files[path] = flip(exchange.log.files[path], 12)
    assert not audit(exchange, tmp_path).ok


def test_every_single_entry_is_hashed_again(story: PaperExchange, tmp_path: Path) -> None:
    path = f"tile/entries/000.p/{len(story.log.entries)}"
    at = 0
    for entry in story.log.entries:
        exchange = copy_of(story)
        at += 2 + len(entry)
        exchange.log.files[path] = flip(exchange.log.files[path], at - 2)
        assert {"root", "tile"} <= found(audit(exchange, tmp_path))


@pytest.mark.parametrize("what", ["tile/entries/000.p", "tile/0/000.p", "checkpoint"])
def test_a_missing_file_is_found(story: PaperExchange, tmp_path: Path, what: str) -> None:
    exchange = copy_of(story)
    path = what if what == "checkpoint" else f"{what}/{len(exchange.log.entries)}"
    del exchange.log.files[path]
    assert found(audit(exchange, tmp_path)) & {"missing", "checkpoint"}


def test_one_signature_on_the_checkpoint_is_not_enough(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    lines = exchange.log.files["checkpoint"].splitlines(keepends=True)
    exchange.log.files["checkpoint"] = b"".join([*lines[:-2], lines[-1]])
    assert found(audit(exchange, tmp_path)) == {"checkpoint"}


def test_a_checkpoint_for_another_root_is_found(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    head = TreeHead(ORIGIN, len(exchange.log.entries), bytes(32))
    exchange.log.files["checkpoint"] = encode_checkpoint(head, *log_signers())
    assert found(audit(exchange, tmp_path)) == {"root"}


# --- size ------------------------------------------------------------------------------------------------------------


def test_worker_processes_and_several_levels_of_tiles_change_nothing(
    story: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = copy_of(story)
    plain = [replace_time(entry, story) for entry in started_entries(1300)]
    exchange.log.append(plain)
    exchange.log_decision(submission_of(story, tmp_path), "envelope.expired")
    serial = audit(exchange, tmp_path)
    monkeypatch.setattr("client.audit_reading.POOL_FROM", 1)
    pooled = audit(exchange, tmp_path, workers=2)
    assert serial.as_json() == pooled.as_json()
    assert (serial.size, serial.difference_count) == (len(story.log.entries) + 1301, 1)
    assert serial.signatures == 8


def test_a_worker_process_that_is_killed_changes_nothing(
    story: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = copy_of(story)
    received = submission_of(story, tmp_path)
    exchange.log_decision(forged(received), None)
    exchange.log.append([replace_time(entry, story) for entry in started_entries(600)])
    exchange.log_decision(forged(received, "B"), None)
    serial = audit(exchange, tmp_path)
    assert [one.what for one in serial.differences] == ["decision", "decision"]
    monkeypatch.setattr("client.audit_reading.POOL_FROM", 1)
    others, killed = {*active_children()}, []

    def kill(*_: int) -> None:
        for worker in {*active_children()} - others:
            worker.kill()
            worker.join()
            killed.append(worker.name)

    assert audit(exchange, tmp_path, workers=1, progress=kill).as_json() == serial.as_json()
    assert killed


def test_a_tile_of_a_higher_level_is_compared_too(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    exchange.log.append([replace_time(entry, story) for entry in started_entries(600)])
    level_one = next(tile for tile in exchange.log.tiles if tile.level == 1 and tile.width == 2)
    exchange.log.files[level_one.path] = flip(exchange.log.files[level_one.path])
    assert found(audit(exchange, tmp_path)) == {"tile"}
