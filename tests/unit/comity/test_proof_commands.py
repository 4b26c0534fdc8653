"""A message becomes a file for a court, and the file is judged on a machine that knows the trust file alone."""

from __future__ import annotations

import hashlib
import json
import os
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typing_extensions import override

from comity.written_files import named_documents
from shared.keys.trust import encode_trust
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.stamping import local_authority, served
from tests.unit.comity.conftest import Run, document_of
from tests.unit.comity.test_correspondence_commands import FR, MA, sent


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    file = tmp_path / "scan.pdf"
    file.write_bytes(b"%PDF-1.7")
    return file


@pytest.fixture
def alone(run: Run, exchange: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trust file, on a machine with no home, no address and no exchange to ask."""
    file = tmp_path / "judge" / "trust.json"
    file.parent.mkdir()
    file.write_bytes(encode_trust(exchange.trust()))
    return file


@pytest.fixture
def bundle(run: Run, request_file: Path, scan: Path, tmp_path: Path) -> Path:
    message = sent(run, request_file, "--attach", str(scan))["message"]
    run(FR, "inbox")
    run(FR, "open", message)
    file = tmp_path / "proof.json"
    made = run(MA, "proof", message, "-o", str(file), "--open-part", "p1", "--open-part", "body")
    assert made.exit_code == 0, made.output
    assert f"written: {file}" in made.stdout
    assert "Whoever has the file reads: body, p1." in made.stdout
    return file


def test_a_bundle_verifies_with_the_trust_file_alone_and_says_what_it_proves(
    run: Run, bundle: Path, alone: Path, exchange: PaperExchange, tmp_path: Path
) -> None:
    before = len(exchange.calls)
    shown = run("nobody", "proof", "verify", str(bundle), "--trust", str(alone), "-o", str(tmp_path / "out"))
    assert shown.exit_code == 0, shown.output
    assert len(exchange.calls) == before
    for said in (
        "MA.PGR signed this message, twice",
        "It is addressed to FR.BEPI",
        "admitted it",
        "was asked for by FR",
    ):
        assert said in shown.stdout
    assert "no acknowledgement" in shown.stdout
    assert (tmp_path / "out" / "scan.pdf").read_bytes() == b"%PDF-1.7"
    assert json.loads((tmp_path / "out" / "body.json").read_text())["content"]["facts"] == "Money moved."
    assert len(list((tmp_path / "out").glob("entry-*.tlog-proof"))) == 5
    assert os.stat(bundle).st_mode & 0o077 == 0


def test_a_changed_bundle_exits_with_4_and_its_code(run: Run, bundle: Path, alone: Path) -> None:
    bundle.write_bytes(bundle.read_bytes().replace(b'"origin":"comity', b'"origin":"comitz'))
    result = run("nobody", "proof", "verify", str(bundle), "--trust", str(alone), "--json")
    assert result.exit_code == 4
    assert document_of(result)["error"]["code"] == "proof.wrong-exchange"


def test_no_file_is_replaced(run: Run, bundle: Path, request_file: Path) -> None:
    before = bundle.read_bytes()
    message = document_of(run(MA, "proof", "verify", str(bundle), "--json"))["message"]
    assert run(MA, "proof", message, "-o", str(bundle)).exit_code == 2
    assert bundle.read_bytes() == before


def test_what_is_no_bundle_is_said_in_a_sentence(run: Run, alone: Path, tmp_path: Path) -> None:
    for name, data, code in (("empty", b"", 4), ("html", b"<html>", 4), ("list", b"[]", 4), ("deep", b"[" * 10**5, 4)):
        file = tmp_path / name
        file.write_bytes(data)
        result = run("nobody", "proof", "verify", str(file), "--trust", str(alone))
        assert (result.exit_code, "proof.malformed" in result.stderr) == (code, True), result.output
    assert run("nobody", "proof", "verify", str(tmp_path / "absent"), "--trust", str(alone)).exit_code == 2
    assert run("nobody", "proof", "verify", str(tmp_path), "--trust", str(alone)).exit_code == 2


def test_sealed_bytes_beside_the_bundle_are_found_or_named(
    run: Run, request_file: Path, scan: Path, alone: Path, tmp_path: Path
) -> None:
    message = sent(run, request_file, "--attach", str(scan))["message"]
    file = tmp_path / "proof.json"
    run(MA, "proof", message, "-o", str(file), "--open-part", "p1", "--beside")
    lying = tmp_path / "proof.json.p1.sealed"
    verify = ("proof", "verify", str(file), "--trust", str(alone))
    assert run("nobody", *verify, "-o", str(tmp_path / "out")).exit_code == 0
    assert (tmp_path / "out" / "p1").read_bytes() == b"%PDF-1.7"
    elsewhere = lying.rename(tmp_path / "elsewhere")
    assert run("nobody", *verify).exit_code == 4
    assert run("nobody", *verify, "--sealed", f"p1={elsewhere}").exit_code == 0


def test_disclosing_needs_a_file_and_a_part_that_is_there(run: Run, request_file: Path, tmp_path: Path) -> None:
    message = sent(run, request_file)["message"]
    assert run(MA, "proof", message, "--open-part", "p1").exit_code == 2
    result = run(MA, "proof", message, "-o", str(tmp_path / "x"), "--open-part", "p1", "--json")
    assert (result.exit_code, document_of(result)["error"]["code"]) == (1, "proof.part-unknown")
    assert not (tmp_path / "x").exists()


def test_names_that_a_shell_would_read_or_that_are_taken_go_under_their_part() -> None:
    documents = [("p1", ".bashrc", b""), ("p2", "-rf", b""), ("p3", "Checkpoint", b""), ("p4", "a.pdf", b"")]
    names = [name for name, _ in named_documents([*documents, ("p5", "A.PDF", b""), ("p6", None, b"")], ["checkpoint"])]
    assert names == ["p1-.bashrc", "p2--rf", "p3-Checkpoint", "a.pdf", "p5-A.PDF", "p6"]


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href", "srcset", "data")]

    @override
    def handle_data(self, data: str) -> None:
        self.text += data.replace("\u2068", "").replace("\u2069", "")


def test_the_page_fetches_nothing_runs_nothing_and_names_the_file_it_explains(
    run: Run, bundle: Path, alone: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    assert run("nobody", "proof", "verify", str(bundle), "--trust", str(alone), "--page", str(page)).exit_code == 0
    seen = _Seen()
    seen.feed(page.read_text(encoding="utf-8"))
    assert not seen.tags & {"script", "img", "link", "iframe", "object", "form", "a"}
    assert seen.addresses == []
    assert hashlib.sha256(bundle.read_bytes()).hexdigest() in seen.text
    assert "“scan.pdf”" in seen.text
    assert "What is not proven" in seen.text


def test_a_hostile_file_name_is_text_on_the_page(run: Run, request_file: Path, alone: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "<img src=x onerror=alert(1)>{0}.txt"
    hostile.write_bytes(b"x")
    message = sent(run, request_file, "--attach", str(hostile))["message"]
    file, page = tmp_path / "proof.json", tmp_path / "page.html"
    made = run(MA, "proof", message, "-o", str(file), "--open-part", "body", "--open-part", "p1", "--page", str(page))
    assert made.exit_code == 0, made.output
    seen = _Seen()
    seen.feed(page.read_text(encoding="utf-8"))
    assert "img" not in seen.tags
    assert "<img src=x" in seen.text


def test_a_stamp_is_fetched_and_believed_under_its_root(
    run: Run, request_file: Path, alone: Path, tmp_path: Path
) -> None:
    authority = local_authority(tmp_path / "authority")
    message, file = sent(run, request_file)["message"], tmp_path / "proof.json"
    root = str(authority.folder / "root.pem")
    with served(authority) as url:
        assert run(MA, "proof", message, "-o", str(file), "--stamp", url).exit_code == 2
        made = run(MA, "proof", message, "-o", str(file), "--stamp", url, "--stamp-root", root)
    assert made.exit_code == 0, made.output
    verify = ("proof", "verify", str(file), "--trust", str(alone))
    assert (
        "the time-stamp authority CN=Stamps of Rabat saw a ledger with it"
        in run("nobody", *verify, "--stamp-root", root).stdout
    )
    assert "was not judged" in run("nobody", *verify).stdout
    assert run("nobody", *verify, "--stamp-root", str(file)).exit_code == 2


def test_a_stamp_that_does_not_come_leaves_no_file(run: Run, request_file: Path, tmp_path: Path) -> None:
    authority = local_authority(tmp_path / "authority")
    message, file = sent(run, request_file)["message"], tmp_path / "proof.json"
    with served(authority) as url:
        pass  # it has gone
    root = str(authority.folder / "root.pem")
    assert run(MA, "proof", message, "-o", str(file), "--stamp", url, "--stamp-root", root).exit_code == 3
    assert not file.exists()


@pytest.mark.parametrize(
    ("language", "direction", "proven", "signed"),
    [
        ("fr", "ltr", "Ce qui est prouvé", "a signé ce message"),
        ("ar", "rtl", "ما ثبت", "هذه الرسالة مرتين"),
        ("es", "ltr", "Lo que está probado", "firmó este mensaje"),
    ],
)
def test_the_page_is_told_in_the_language_of_the_court(
    run: Run, bundle: Path, alone: Path, tmp_path: Path, language: str, direction: str, proven: str, signed: str
) -> None:
    page = tmp_path / "page.html"
    verify = ("proof", "verify", str(bundle), "--trust", str(alone), "--page", str(page), "--language", language)
    assert run("nobody", *verify).exit_code == 0
    written = page.read_text(encoding="utf-8")
    seen = _Seen()
    seen.feed(written)
    assert f'<html lang="{language}" dir="{direction}">' in written
    assert proven in seen.text
    assert signed in seen.text
    for english in ("What is proven", "The exchange", "Both signatures", "Entry ", "Decision "):
        assert english not in seen.text
    assert "\u2068body, p1\u2069" in written  # an id stays whole in a sentence of the other direction


def test_a_verdict_is_told_in_the_readers_language_and_to_programs_in_english(
    run: Run, bundle: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMITY_LANGUAGE", "es")
    verify = ("proof", "verify", str(bundle), "--trust", str(alone))
    assert "No prueba:" in run("nobody", *verify).stdout
    assert "twice" in document_of(run("nobody", *verify, "--json"))["proves"][0]
    refused = run("nobody", *verify, "--page", "page.html", "--language", "de")
    assert (refused.exit_code, "client.printing-unusable" in refused.stderr) == (2, True)
