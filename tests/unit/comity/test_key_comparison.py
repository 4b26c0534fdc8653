"""Keys are compared by a number that was read aloud, or by a QR code that is scanned off the other side's screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.keys.comparison import MAX_COMPARISON_TEXT
from shared.keys.trust import encode_trust
from tests.unit.audit.paper_log import WITNESSED
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.test_swapped_keys import new_entries
from tests.unit.comity.conftest import Run, document_of
from tests.unit.comity.screen import on_a_terminal, scanned

MA, FR = "MA.PGR", "FR.BEPI"
DARK, LIGHT = {"ink": 255, "paper": 0}, {"ink": 0, "paper": 255}


def told_by(run: Run, authority: str) -> dict[str, str]:
    """What the other side has: the number to read aloud, and the text of its QR code."""
    found: dict[str, str] = document_of(run(authority, "keys", "show", "--qr", "--json"))
    return found


def waits(run: Run) -> list[bool]:
    """Of each key of FR.BEPI, whether MA.PGR waits before it uses it."""
    return [key["usable_from"] is not None for key in document_of(run(MA, "keys", "compare", FR, "--json"))["keys"]]


@pytest.fixture
def production(run: Run, exchange: PaperExchange, tmp_path: Path) -> None:
    trust = exchange.trust(environment="production", witness_policy=WITNESSED)
    for authority in (MA, FR):
        (tmp_path / authority / "trust.json").write_bytes(encode_trust(trust))


@pytest.mark.usefixtures("production")
def test_a_number_that_agrees_is_noted(run: Run) -> None:
    assert waits(run) == [True] * 4
    result = run(MA, "keys", "compare", FR, "--against", told_by(run, FR)["number"])
    assert result.exit_code == 0
    assert result.stdout == "They agree: these are the keys of FR.BEPI, and it was noted that they were compared.\n"
    assert waits(run) == [False] * 4


def test_a_line_of_standard_input_is_what_a_scanner_wrote(run: Run) -> None:
    lines = told_by(run, FR)["qr"] + "\nwhat the camera sees next\n"
    assert run(MA, "keys", "compare", FR, "--against", "-", typed=lines).exit_code == 0


@pytest.mark.usefixtures("production")
def test_whatever_is_another_in_the_code_disagrees_and_is_not_noted(run: Run, exchange: PaperExchange) -> None:
    code = told_by(run, FR)["qr"]
    name = exchange.trust().origin
    for altered, sentence in (
        (code.replace(FR, MA), "the QR code is of MA.PGR, and not of FR.BEPI"),
        (
            code.replace(name, "other.example"),
            f"the QR code is of the exchange other.example, and this home is at {name}",
        ),
    ):
        result = run(MA, "keys", "compare", FR, "--against", altered)
        assert result.exit_code == 4
        assert result.stdout.startswith(f"They do not agree: {sentence}.\nNothing was noted. Have FR.BEPI tell")
    assert waits(run) == [True] * 4


def test_keys_that_the_operators_swapped_do_not_agree_with_what_their_party_tells(
    run: Run, exchange: PaperExchange
) -> None:
    told = told_by(run, FR)["number"]
    exchange.record_event("recover", FR, keys=new_entries(exchange, FR))
    result = run(MA, "keys", "compare", FR, "--against", told, "--json")
    assert result.exit_code == 4
    document = document_of(result)
    assert document["agree"] is False
    assert document["difference"].startswith("the exchange shows other keys of FR.BEPI here than")
    assert document["number"] != told


@pytest.mark.parametrize("typed", ["", "12345", b"\xff\xfe\n", "1" * 5 * MAX_COMPARISON_TEXT])
def test_what_cannot_be_read_is_wrong_use_and_asks_nothing_of_the_exchange(
    run: Run, exchange: PaperExchange, typed: str | bytes
) -> None:
    def nobody_calls(path: str, body: bytes) -> bytes:
        raise AssertionError(path)

    exchange.tamper = nobody_calls
    result = run(MA, "keys", "compare", FR, "--against", "-", "--json", typed=typed)
    assert result.exit_code == 2
    assert document_of(result)["error"]["code"] == "keys.comparison-unreadable"


def test_one_way_to_compare_is_given_at_a_time(run: Run) -> None:
    assert run(MA, "keys", "compare", FR, "--against", "1" * 40, "--qr").exit_code == 2


@pytest.mark.parametrize(
    ("theme", "environment"),
    [
        (DARK, {"TERM": "xterm-256color", "COLORTERM": "truecolor"}),
        (LIGHT, {"TERM": "xterm-256color", "COLORTERM": "truecolor"}),
        (DARK, {"TERM": "xterm-256color", "COLORTERM": ""}),
        (DARK, {"TERM": "linux", "COLORTERM": ""}),
        (DARK, {"TERM": "xterm-256color", "COLORTERM": "", "NO_COLOR": "1"}),
    ],
    ids=["dark", "light", "256 colours", "16 colours", "NO_COLOR"],
)
def test_the_code_is_scanned_off_any_screen(
    run: Run, monkeypatch: pytest.MonkeyPatch, theme: dict[str, int], environment: dict[str, str]
) -> None:
    code = told_by(run, FR)["qr"]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert scanned(on_a_terminal(monkeypatch, "keys", "show", "--qr"), **theme) == [code]


@pytest.mark.parametrize(
    ("terminal", "environment", "reason"),
    [
        ({"columns": 44}, {}, "needs a window of 45 columns and 24 lines, and this one has 44 columns and 24 lines."),
        ({"lines": 23}, {}, "needs a window of 45 columns and 24 lines, and this one has 80 columns and 23 lines."),
        ({"encoding": "latin-1"}, {}, "needs block characters"),
        ({}, {"TERM": "dumb"}, "needs colours"),
    ],
    ids=["narrow", "low", "latin-1", "dumb"],
)
def test_where_it_could_not_be_scanned_the_reason_and_the_text_are_printed(
    run: Run, monkeypatch: pytest.MonkeyPatch, terminal: dict[str, Any], environment: dict[str, str], reason: str
) -> None:
    code = told_by(run, FR)["qr"]
    for name, value in {"TERM": "xterm-256color", **environment}.items():
        monkeypatch.setenv(name, value)
    written = on_a_terminal(monkeypatch, "keys", "show", "--qr", **terminal)
    assert reason in written
    assert written.endswith(f"This is its text:\n{code}\n")


def test_without_a_terminal_both_sides_have_the_text_on_a_line_and_either_may_check_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    code = told_by(run, FR)["qr"]
    assert run(FR, "keys", "show", "--qr").stdout.splitlines()[-1] == code
    assert run(MA, "keys", "compare", FR, "--qr").stdout.splitlines()[-1] == code
    assert run(FR, "keys", "compare", FR, "--against", code).exit_code == 0
