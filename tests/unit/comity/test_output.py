"""What a command prints: errors as sentences with exit codes, times, and the text of others without its tricks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from comity.advice import exit_code_of
from comity.output import console, local_time, reporting, say, visible
from shared.domain.ids import encode_time
from shared.errors import Busy, ExchangeUnreachable, IllegalMove, LedgerInvalid, MessageUnverified, SettingsRefused


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (IllegalMove(measure="M1", state="closed", kind="accept"), 1),
        (SettingsRefused(why="x"), 2),
        (ExchangeUnreachable(url="u", why="x"), 3),
        (Busy(retry_after_s=1), 3),
        (LedgerInvalid(why="x"), 4),
        (MessageUnverified(message="m", broken="b", why="x"), 4),
    ],
)
def test_exit_codes_are_those_that_are_documented(error: Exception, code: int) -> None:
    with pytest.raises(typer.Exit) as ended, reporting(as_json=False):
        raise error
    assert ended.value.exit_code == code == exit_code_of(error)  # type: ignore[arg-type]  # all are ComityErrors


def test_what_nobody_expected_is_a_sentence_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, reporting(as_json=False):
        raise ZeroDivisionError("division by zero")
    assert ended.value.exit_code == 1
    told = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in told
    assert "Traceback" not in told


def test_with_json_an_error_is_one_document_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), reporting(as_json=True):
        raise IllegalMove(measure="M1", state="closed", kind="accept")
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], error["facts"]["measure"]) == ("dossier.illegal-move", "M1")
    assert "comity kinds" in error["advice"]


def test_times_show_in_the_readers_zone_with_utc_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    moment = encode_time(datetime(2026, 11, 22, 23, 30, tzinfo=UTC))
    for zone, shown in (
        ("UTC", "22 Nov 2026 23:30 UTC"),
        ("Europe/Brussels", "23 Nov 2026 00:30 CET (22 Nov 23:30 UTC)"),
        ("America/Lima", "22 Nov 2026 18:30 -05 (23:30 UTC)"),
    ):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert local_time(moment) == shown
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert local_time(None) == "–"


def test_control_characters_are_written_out() -> None:
    assert visible("a\x1b[31mb\u202ec\nd\té") == "a\\u001b[31mb\\u202ec\nd\té"


def test_a_text_of_several_lines_passes_for_no_line_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    say(console(), "their file: 7\nMA-1  decision · waiting on FR.BEPI")
    assert capsys.readouterr().out == "their file: 7\n    | MA-1  decision · waiting on FR.BEPI\n"


@contextmanager
def full_disk() -> Iterator[None]:
    """For standard output."""
    with Path("/dev/full").open("w", encoding="utf-8") as full, redirect_stdout(full):
        yield


@pytest.mark.parametrize("as_json", [True, False])
def test_a_full_disk_is_a_sentence_and_no_traceback(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with full_disk(), pytest.raises(typer.Exit) as ended, reporting(as_json) as output:
        output.show({"ok": True}, lambda console: say(console, "It verifies."))
    assert ended.value.exit_code == 1
    assert "cannot be written: No space left on device. [comity.unwritten]" in capsys.readouterr().err


def test_a_refusal_that_cannot_be_written_as_json_is_told_beside(capsys: pytest.CaptureFixture[str]) -> None:
    with full_disk(), pytest.raises(typer.Exit) as ended, reporting(as_json=True):
        raise LedgerInvalid(why="it shrank")
    assert ended.value.exit_code == 4
    assert "it shrank. [ledger.invalid]" in capsys.readouterr().err
