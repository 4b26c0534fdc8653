"""A court that is not connected gets its dossier by file, and its answer goes out under the authority's signature."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client.by_file import load_answer
from client.mailbox import Mailbox
from client.opening import OpenedMessage
from shared.errors import EnvelopeCannotOpen, RequestFileInvalid
from tests.unit.comity.conftest import Run, document_of

MA, FR = "MA.PGR", "FR.BEPI"
MESSAGE = "019aa000-0000-7000-8000-000000000000"
Fill = Callable[..., Path]


@pytest.fixture
def folder(run: Run, request_file: Path, tmp_path: Path) -> Path:
    """What FR.BEPI carries to its court."""
    annex = tmp_path / "annex.pdf"
    annex.write_bytes(b"%PDF-1.7")
    run(MA, "send", str(request_file), "--to", FR, "--instrument", "ma-fr-2008", "--attach", str(annex))
    [unopened] = document_of(run(FR, "inbox", "--json"))["unopened"]
    out = tmp_path / "for the court"
    result = run(FR, "export", unopened["number"], "-o", str(out))
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture
def fill(folder: Path) -> Fill:
    def fill(**members: Any) -> Path:
        file = folder / "answer.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **members}))
        return file

    return fill


def test_the_folder_holds_what_a_court_needs_and_no_key(folder: Path) -> None:
    names = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    letters = f"01-request-{MA}"
    assert names == [
        *(f"{letters}/{name}" for name in ("annex.pdf", "content.json", "letter.html")),
        *("answer.json", "dossier.json"),
    ]
    assert "Money moved." in (folder / letters / "letter.html").read_text()
    assert "acknowledge" in json.loads((folder / "answer.json").read_text())["possible"]
    assert all(file.stat().st_mode & 0o077 == 0 for file in (folder, *folder.rglob("*")))


def test_the_courts_answer_arrives_with_its_name_and_its_file(run: Run, folder: Path, fill: Fill) -> None:
    (folder / "jugement.pdf").write_bytes(b"%PDF court")
    answer = fill(
        kind="deliver-result",
        act={"outcomes": {"M1": "executed"}},
        content={"result": "Three accounts."},
        answered_by="Tribunal judiciaire de Lille",
        attachments=["jugement.pdf"],
    )
    assert run(FR, "reply", json.loads(answer.read_text())["number"], "accept").exit_code == 0
    outdated = run(FR, "import", str(answer), "--json")
    assert document_of(outdated)["error"]["code"] == "client.answer-outdated"
    assert run(FR, "import", str(answer), "--anyway").exit_code == 0
    result = document_of(run(MA, "inbox", "--json"))["unopened"][-1]
    opened = document_of(run(MA, "open", result["message"], "--json"))
    assert opened["content"]["answered_by"] == "Tribunal judiciaire de Lille"
    assert [one["name"] for one in opened["attachments"]] == ["jugement.pdf"]


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({}, "kind is empty; it may be "),
        ({"kind": "shrug", "answered_by": "x"}, "no message of kind shrug"),
        ({"kind": "acknowledge", "attachments": ["../../keys.json"]}, "attachments.0"),
        ({"kind": "acknowledge", "attachments": ["gone.pdf"], "answered_by": "x"}, "no such file lies beside it"),
        ({"kind": "acknowledge", "answered_by": " "}, "answered_by is empty"),
        ({"kind": "acknowledge", "colour": "red"}, "colour"),
        ({"kind": "refuse", "act": {"grounds": ["essential-interests"]}, "answered_by": "x"}, "reasons"),
    ],
)
def test_an_answer_that_does_not_fit_is_not_sent(run: Run, fill: Fill, members: dict[str, Any], says: str) -> None:
    result = run(FR, "import", str(fill(**members)))
    assert result.exit_code != 0
    assert says in result.stderr
    assert document_of(run(MA, "inbox", "--json"))["unopened"] == []


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"content": {"override_reason": "agreed"}}, "content: override_reason is for whoever signs"),
        ({"content": {"approvals": {}}}, "content: approvals is for whoever signs"),
        ({"act": {"approvals": 3}}, "act: approvals is for whoever signs"),
        ({"attachments": ["\u0639" * 200]}, "no such file lies beside it"),
    ],
)
def test_a_court_overrides_no_warning_and_approves_for_no_officer(
    tmp_path: Path, members: dict[str, Any], says: str
) -> None:
    written = {"v": "comity-answer/1", "number": "", "dossier": MESSAGE, "leg": FR, "seen": "A" * 43}
    file = tmp_path / "answer.json"
    file.write_text(json.dumps({**written, "in_reply_to": None, "kind": "acknowledge", **members}))
    with pytest.raises(RequestFileInvalid, match=says):
        load_answer(file)


def test_a_link_to_another_file_is_no_attachment(run: Run, folder: Path, fill: Fill, tmp_path: Path) -> None:
    (folder / "scan.pdf").symlink_to(tmp_path / FR / "keys.json")
    result = run(FR, "import", str(fill(kind="acknowledge", attachments=["scan.pdf"])))
    assert "no such file lies beside it" in result.stderr


def test_a_message_that_does_not_open_keeps_nobody_from_the_others(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = json.loads((folder / "answer.json").read_text())["number"]
    run(FR, "reply", number, "acknowledge")
    open_ = Mailbox.open

    def not_the_request(mailbox: Mailbox, message: str) -> OpenedMessage:
        opened = open_(mailbox, message)
        if opened.header.kind == "request":
            raise EnvelopeCannotOpen(why="its body is no JSON")
        return opened

    monkeypatch.setattr(Mailbox, "open", not_the_request)
    again = folder.with_name("again")
    assert "there are no words in xx" in run(FR, "export", number, "-o", str(again), "--language", "xx").stderr
    assert "is not in it: " in run(FR, "export", number, "-o", str(again)).stderr
    [refused] = json.loads((again / "dossier.json").read_text())["not_opened"]
    assert (refused["sender"], refused["code"]) == (MA, "envelope.cannot-open")
    assert (again / f"01-acknowledge-{FR}" / "letter.html").exists()


def test_a_folder_that_exists_is_not_written_into(run: Run, folder: Path) -> None:
    number = json.loads((folder / "answer.json").read_text())["number"]
    assert "it exists already" in run(FR, "export", number, "-o", str(folder)).stderr


def test_no_language_is_guessed_and_nothing_written_in_another(run: Run, folder: Path, tmp_path: Path) -> None:
    number = json.loads((folder / "answer.json").read_text())["number"]
    refused = run(FR, "export", number, "-o", str(tmp_path / "second"), "--language", "de")
    assert (refused.exit_code, (tmp_path / "second").exists()) == (2, False)
