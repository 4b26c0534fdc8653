"""Backup, loss and restoration of a running exchange: nothing that was signed is lost, and nothing is signed twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from client.ledger_export import export_ledger
from comity.main import app
from shared.adapters.directory_memory import memory_file
from shared.adapters.head_memory import HEAD_FILE
from shared.audit.checkpoint import parse_checkpoint
from tests.exchange_process import EnrolledExchange
from tests.faults.letters import Prepared, assert_ledger_verifies, assert_read, resume, send, write_request

DATABASE = "exchange.sqlite3"
LETTERS = 4


def run(*arguments: object, code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["operator", *map(str, arguments), "--json"])
    assert result.exit_code == code, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def lose_machine(exchange: EnrolledExchange) -> None:
    """Everything in the directory is gone but the keys, which lay elsewhere too."""
    exchange.hang_up()
    exchange.process.kill()
    for file in exchange.process.data.iterdir():
        if file.is_file():
            file.unlink()


def test_a_backup_is_taken_under_load_and_the_last_one_is_restored_to_the_signed_root_and_goes_on(
    exchange: EnrolledExchange, prepared: Prepared, tmp_path: Path
) -> None:
    exchange.process.start()
    data = exchange.process.data
    letters = [write_request(exchange) for _ in range(LETTERS)]
    for letter in letters[:2]:
        exchange.correspondence(letter.sender).outbox.send(letter.message)
    early = run("backup", "--data", data, "--to", tmp_path / "early")  # what was sent is on its way now
    for letter in letters[2:]:
        exchange.correspondence(letter.sender).outbox.send(letter.message)
    assert [resume(exchange, letter) for letter in letters] == ["accepted"] * LETTERS
    exchange.rows.wait_settled()
    last = run("backup", "--data", data, "--to", tmp_path / "last")
    export_ledger(exchange.ledger(), tmp_path / "copy", exchange.trust)
    newest = tmp_path / "copy" / "checkpoint"
    signed = parse_checkpoint(newest.read_bytes())
    lose_machine(exchange)

    assert early["size"] < last["size"]
    refused = run("restore", tmp_path / "early", "--data", data, "--checkpoint", newest, code=1)
    assert refused["error"]["code"] == "operator.backup-refused"
    assert not (data / DATABASE).exists()
    restored = run("restore", tmp_path / "last", "--data", data, "--checkpoint", newest)
    assert (restored["compared"], restored["keys_missing"]) == (True, False)
    assert (restored["size"], restored["root"]) == (signed.size, last["root"])

    exchange.process.start()
    now = parse_checkpoint(exchange.auditor().checkpoint())
    assert (now.size, now.root) == (signed.size, signed.root)
    assert send(exchange, write_request(exchange)) == "accepted"
    exchange.rows.wait_settled()
    for letter in letters:
        assert_read(exchange, letter)
    assert_ledger_verifies(exchange)
    grown = export_ledger(exchange.ledger(), tmp_path / "copy", exchange.trust)  # refuses what does not continue it
    assert grown.old_size == signed.size < grown.size


def test_what_was_accepted_and_not_taken_yet_is_in_the_backup_and_is_decided_after_it(
    exchange: EnrolledExchange, prepared: Prepared, tmp_path: Path
) -> None:
    """The embedded bus lies in the same file. (A broker of its own has no part in a backup: see the guide.)"""
    exchange.process.start(crash_at="intake:taken")
    letter = write_request(exchange)
    exchange.correspondence(letter.sender).outbox.send(letter.message)
    exchange.process.wait_killed(30)
    backup = run("backup", "--data", exchange.process.data, "--to", tmp_path / "backup")
    lose_machine(exchange)
    assert run("restore", tmp_path / "backup", "--data", exchange.process.data)["compared"] is False
    exchange.process.start()
    assert resume(exchange, letter) == "accepted"
    exchange.rows.wait_settled()
    assert parse_checkpoint(exchange.auditor().checkpoint()).size > backup["size"]
    assert_ledger_verifies(exchange)


def test_an_old_database_put_back_by_hand_halts_the_exchange_before_it_signs(
    exchange: EnrolledExchange, prepared: Prepared, tmp_path: Path
) -> None:
    exchange.process.start()
    data = exchange.process.data
    run("backup", "--data", data, "--to", tmp_path / "old")
    assert send(exchange, write_request(exchange)) == "accepted"
    exchange.rows.wait_settled()
    exchange.hang_up()
    exchange.process.stop()
    kept = (data / HEAD_FILE).read_bytes()
    for file in data.glob(f"{DATABASE}*"):
        file.unlink()
    assert run("restore", tmp_path / "old", "--data", data, code=1)["error"]["code"] == "operator.backup-refused"
    shutil.copy(tmp_path / "old" / DATABASE, data / DATABASE)
    with pytest.raises(AssertionError, match="did not start"):
        exchange.process.start()
    exchange.process.kill()
    assert "ledger.forked" in exchange.process.log.read_text(encoding="utf-8")
    assert (data / HEAD_FILE).read_bytes() == kept


def test_a_backup_that_was_changed_or_is_incomplete_is_not_restored(exchange: EnrolledExchange, tmp_path: Path) -> None:
    data, backup = exchange.process.data, tmp_path / "backup"
    run("backup", "--data", data, "--to", backup)
    assert run("restore", backup, "--data", data, code=1)["error"]["code"] == "operator.backup-refused"  # it is there
    database = (backup / DATABASE).read_bytes()
    for change in (database[:-4096], database[:5000] + b"x" + database[5001:]):
        (backup / DATABASE).write_bytes(change)
        assert run("restore", backup, "--data", tmp_path / "new", code=1)["error"]["code"] == "operator.backup-refused"
    (backup / DATABASE).unlink()
    assert run("restore", backup, "--data", tmp_path / "new", code=1)["error"]["code"] == "operator.backup-refused"
    assert not (tmp_path / "new" / DATABASE).exists()
    assert not list(backup.glob("**/keys")), "no key is in a backup"


def test_a_database_is_not_put_back_beside_the_log_of_another(exchange: EnrolledExchange, tmp_path: Path) -> None:
    """SQLite would replay it."""
    backup, place = tmp_path / "backup", tmp_path / "new"
    run("backup", "--data", exchange.process.data, "--to", backup)
    place.mkdir()
    (place / f"{DATABASE}-wal").write_bytes(b"of the database that was moved away")
    refused = run("restore", backup, "--data", place, code=1)["error"]
    assert f"{DATABASE}-wal is there" in refused["sentence"]
    (place / f"{DATABASE}-wal").unlink()
    kept = {"origin": exchange.trust.origin, "index": 99, "head": "A" * 43, "registry": 1, "registry_digest": None}
    memory = place / memory_file("intake")
    memory.write_text(json.dumps({**kept, "roster": "2026-11-22T09:30:00Z"}))
    refused = run("restore", backup, "--data", place, code=1)["error"]
    assert "intake has judged by 99; find a newer copy" in refused["sentence"]
    memory.unlink()
    run("restore", backup, "--data", place)
    assert {file.name for file in place.iterdir()} >= {DATABASE, "trust.json", "roster.json"}
