"""What was kept when it happened is told when it is read: by code and facts, in the language of whoever reads it."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from client.problems import error_by_code
from comity.operator_letters import _reason
from comity.words import told_refusal
from shared.errors import AnswerRefused, CallClockSkew
from tests.unit.client.letters import CONTENT
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.comity.conftest import Run, document_of
from tests.unit.comity.test_correspondence_commands import sent

MA, FR = "MA.PGR", "FR.BEPI"
ENGLISH = re.compile(
    r"\b(the|of|is|are|what|when|which|may|was|by|from|with|received|enrolled|submitted|acknowledge(?! )|facts)\b"
)
WRITTEN = tuple(str(value) for value in CONTENT.values())
SUSPENDED = "[message.unknown-recipient]"


@pytest.fixture
def rejected(run: Run, request_file: Path, exchange: PaperExchange, tmp_path: Path) -> str:
    """The sentence of a message that was rejected while its sender read English; the feed tells of it again later."""
    exchange.record_event("suspend", FR)
    exchange.events.pop()
    result = run(MA, "send", str(request_file), "--to", FR, "--instrument", "quadripartite", "--json")
    said = document_of(result)
    sentence = error_by_code(said["code"], "", said["facts"]).sentence()
    _kept(tmp_path, "UPDATE decisions SET sentence = ?", sentence)
    return sentence


def _kept(tmp_path: Path, statement: str, *values: str) -> None:
    with sqlite3.connect(tmp_path / MA / "register.sqlite3") as register:
        register.execute(statement, values)


def _again(run: Run, monkeypatch: pytest.MonkeyPatch, language: str) -> str:
    monkeypatch.setenv("COMITY_LANGUAGE", language)
    [line] = [one for one in run(MA, "inbox").stdout.splitlines() if SUSPENDED in one]
    return line


@pytest.mark.parametrize(("language", "word"), [("fr", "suspendu"), ("es", "suspendid"), ("ar", "موقوف")])
def test_a_rejection_of_yesterday_is_told_in_the_language_of_today(
    run: Run, rejected: str, monkeypatch: pytest.MonkeyPatch, language: str, word: str
) -> None:
    line = _again(run, monkeypatch, language)
    assert word in line
    assert rejected not in line


def test_a_row_that_kept_the_sentence_alone_is_told_too(
    run: Run, rejected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _kept(tmp_path, "UPDATE decisions SET facts = '{}'")
    assert "suspendu" in _again(run, monkeypatch, "fr")


def test_a_code_and_a_sentence_of_a_newer_exchange_stay_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMITY_LANGUAGE", "fr")
    newer = {"code": "message.unheard-of", "sentence": "Nobody here knows this reason.", "facts": {}}
    assert told_refusal(newer) == "Nobody here knows this reason. [message.unheard-of]"
    reworded = {"code": CallClockSkew.code, "sentence": "The clocks of old differed.", "facts": {}}
    assert told_refusal(reworded) == f"The clocks of old differed. [{CallClockSkew.code}]"


def test_an_alarm_is_told_in_the_readers_language(
    run: Run, request_file: Path, exchange: PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = sent(run, request_file)["message"]
    exchange.tamper = lambda path, body: b"{}" if path == f"/v1/messages/{message}" else body
    english = document_of(run(FR, "inbox", "--json"))["alarms"][0]["sentence"]
    monkeypatch.setenv("COMITY_LANGUAGE", "es")
    [line] = [one for one in run(FR, "inbox").stdout.splitlines() if message in one]
    assert line.startswith("ALARMA")
    assert english not in line


def test_why_a_service_set_something_aside_is_told_in_the_operators_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMITY_LANGUAGE", "fr")
    refused = AnswerRefused(why="it is 502 without an explanation")
    told = _reason(f"{refused.code}: {refused}")
    assert told.startswith(f"{refused.code}: ")
    assert "502" in told
    assert str(refused) not in told
    assert "explanation" not in told
    assert _reason("KeyError at intake.py:12") == "KeyError at intake.py:12"


@pytest.mark.parametrize("language", ["fr", "es", "ar"])
def test_no_english_is_left_where_a_letter_is_read_and_answered(
    run: Run, request_file: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    told = sent(run, request_file)
    monkeypatch.setenv("COMITY_LANGUAGE", language)
    number, message = told["number"], told["message"]
    commands = [("inbox",), ("open", message), ("show", number), ("kinds", number), ("reply", number, "close")]
    commands += [("reply", number, "acknowledge"), ("list",), ("keys", "compare", MA), ("trust", "show")]
    lines = [line for one in commands for line in run(FR, *one).output.splitlines()]
    assert [line for line in lines if ENGLISH.search(line) and not any(one in line for one in WRITTEN)] == []


@pytest.mark.parametrize("language", ["fr", "es", "ar"])
def test_no_english_and_no_code_of_a_kind_is_left_where_a_ledger_is_read(
    run: Run,
    request_file: Path,
    exchange: PaperExchange,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
) -> None:
    monkeypatch.setattr("comity.audit_options.now", lambda: exchange.now)
    sent(run, request_file)
    ledger = str(exchange.write_ledger(tmp_path / "ledger"))
    english = run(MA, "audit", "show", ledger, "--json").stdout
    monkeypatch.setenv("COMITY_LANGUAGE", language)
    browse = ("audit", "show", ledger)
    lines = [line for more in ((), ("2",), ("3",), ("4",)) for line in run(MA, *browse, *more).output.splitlines()]
    codes = r"\b(request|bank-data|routine|(?<!evidence\.)delivery|became|within)\b"
    told = [line for line in lines if not re.match(r"    .*\[\w+]  ", line)]
    assert [line for line in told if ENGLISH.search(line) or re.search(codes, line)] == []
    assert run(MA, *browse, "--json").stdout == english, "programs read English and codes"
