"""An operator's evening: what was set aside is found, tried again, and the ledger tells who did it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from typer.testing import CliRunner

from comity.main import app
from tests.exchange_process import EnrolledExchange
from tests.faults.letters import assert_ledger_verifies

RUNNER = CliRunner()


@pytest.fixture
def arguments(exchange: EnrolledExchange, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What follows each command. The operators' keys of tests lie in this process, not in files."""
    monkeypatch.setattr("comity.operator_keys.load_operator", lambda place, path: exchange.operators[0])
    trust = exchange.process.data / "trust.json"
    return ["--operator-key", "operator.json", "--trust", str(trust), "--url", exchange.process.url]


def set_aside(exchange: EnrolledExchange, queue: str, *frames: bytes) -> None:
    """Somebody put these on the bus: they do not open."""
    with closing(sqlite3.connect(exchange.process.data / "exchange.sqlite3")) as database, database:
        rows = [(queue, 0, frame) for frame in frames]
        database.executemany("INSERT INTO bus_message (queue, deliveries, frame) VALUES (?, ?, ?)", rows)


def run(arguments: list[str], *command: str, code: int = 0) -> Any:
    result = RUNNER.invoke(app, ["operator", *command, *arguments, "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def told(arguments: list[str], *command: str, code: int = 0) -> str:
    result = RUNNER.invoke(app, ["operator", *command, *arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_what_was_set_aside_is_found_and_tried_again_and_the_ledger_tells_by_whom(
    exchange: EnrolledExchange, arguments: list[str]
) -> None:
    set_aside(exchange, "routing", b"one", b"two")
    set_aside(exchange, "notification", b"three")
    exchange.process.start()
    exchange.rows.wait_settled()

    queues = run(arguments, "queues")
    assert {one["service"]: one["dead_letters"] for one in queues["queues"]} == {
        "intake": 0,
        "routing": 2,
        "notification": 1,
    }
    assert queues["unread"] == []
    assert "dead letters" in told(arguments, "queues")
    listed = run(arguments, "dead-letters", "list", "--service", "routing", "--reason", "frame.refused")["items"]
    assert len(listed) == 2
    assert "frame.refused" in told(arguments, "dead-letters", "list")
    letter = listed[0]["id"]
    assert "sealed to its service" in told(arguments, "dead-letters", "show", letter)
    assert run(arguments, "dead-letters", "show", "intake-99", code=1)["error"]["code"] == "call.not-there"

    first = run(arguments, "dead-letters", "retry", letter, code=1)
    assert (first["retried"], first["not_taken_yet"]) == ([letter], [])
    (back,) = first["came_back"]
    assert (back["retries"], back["service"]) == (1, "routing")
    again = run(arguments, "dead-letters", "show", back["id"])
    assert again["earlier"] == [listed[0]["reason"]]
    rest = run(arguments, "dead-letters", "retry", "--all", "--service", "notification", code=1)
    assert [one["service"] for one in rest["came_back"]] == ["notification"]

    exchange.rows.wait_settled()
    assert exchange.rows.effects()["leaf exchange.letter-retried"] == 2
    assert_ledger_verifies(exchange)
