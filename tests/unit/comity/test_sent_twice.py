"""A letter that is typed twice, after a terminal that was closed or a command that was killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from client.exchange import Exchange
from client.outbox import Outbox
from shared.errors import ExchangeUnreachable
from tests.unit.comity.conftest import Run, document_of

MA, FR, BE = "MA.PGR", "FR.BEPI", "BE.PF"
NOTE = "the same letter was sealed here"


def dossiers(run: Run) -> int:
    return len(document_of(run(FR, "inbox", "--json"))["unopened"])


def test_the_same_letter_a_second_time_is_told_and_another_is_not(run: Run, request_file: Path, tmp_path: Path) -> None:
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"%PDF-1.7")
    send = ("send", str(request_file), "--to", FR, "--instrument", "quadripartite")
    first = run(MA, *send)
    number = first.stdout.split()[0]
    assert NOTE not in first.stderr
    again = run(MA, *send)
    assert (again.exit_code, NOTE in again.stderr, number in again.stderr) == (0, True, True)
    for other in (
        (*send, "--attach", str(scan)),
        ("send", str(request_file), "--to", BE, "--instrument", "quadripartite"),
    ):
        assert NOTE not in run(MA, *other).stderr
    document = json.loads(request_file.read_text())
    document["content"]["facts"] = "Other money moved."
    request_file.write_text(json.dumps(document))
    assert NOTE not in run(MA, *send).stderr
    [key] = {one["number"] for one in document_of(run(FR, "inbox", "--json"))["unopened"]} & {number}
    run(FR, "inbox")
    for _ in range(2):  # replies are told by what was read
        assert NOTE not in run(FR, "reply", key, "acknowledge").stderr


def test_at_a_terminal_a_second_dossier_is_opened_only_by_whoever_says_so(
    run: Run, request_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = ("send", str(request_file), "--to", FR, "--instrument", "quadripartite")
    run(MA, *send)
    monkeypatch.setattr("comity.send._is_terminal", lambda: True)
    refused = run(MA, *send, typed="n\n")
    assert (refused.exit_code, "Nothing was sent." in refused.stderr, dossiers(run)) == (1, True, 1)
    assert (run(MA, *send, typed="y\n").exit_code, dossiers(run)) == (0, 2)


def test_what_was_stored_and_could_not_leave_is_a_first_one(
    run: Run, request_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes as soon as somebody looks at the inbox."""
    send = ("send", str(request_file), "--to", FR, "--instrument", "quadripartite")
    with monkeypatch.context() as broken:
        broken.setattr(Outbox, "send", _cannot_be_reached)
        away = run(MA, *send)
    assert (away.exit_code, "do not write it again, `comity inbox` sends it" in away.stderr) == (3, True)
    assert NOTE in run(MA, *send).stderr
    with monkeypatch.context() as broken:
        broken.setattr(Exchange, "dossier", _cannot_be_reached)
        broken.setattr(Exchange, "instruments", _cannot_be_reached)
        nothing = run(MA, *send)
    assert (nothing.exit_code, "stored" in nothing.stderr) == (3, False), "nothing was sealed, so nothing waits"


def _cannot_be_reached(*_: object) -> None:
    raise ExchangeUnreachable(url="x", why="y")
