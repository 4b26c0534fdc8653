"""`comity print`: a received letter and its answer, as files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.comity.conftest import Run, document_of

MA, FR = "MA.PGR", "FR.BEPI"


@pytest.fixture
def letter(run: Run, request_file: Path) -> str:
    written = json.loads(request_file.read_text())
    written["content"]["file_number"] = "2026/2623/418"
    request_file.write_text(json.dumps(written))
    sent = run(MA, "send", str(request_file), "--to", FR, "--instrument", "quadripartite", "--json")
    message: str = document_of(sent)["message"]
    run(FR, "inbox")
    run(FR, "open", message)
    return message


def test_an_answer_is_printed_with_the_number_that_the_other_side_gave(run: Run, letter: str, tmp_path: Path) -> None:
    dossier = letter_dossier(run, letter)
    reasons = tmp_path / "reasons.json"
    reasons.write_text(json.dumps({"reasons": "No.", "file_number": "BEPI 7741"}))
    refusal = run(FR, "reply", dossier, "refuse", "--ground", "essential-interests", "--body", str(reasons), "--json")
    file = tmp_path / "refusal.html"
    printed = run(FR, "print", document_of(refusal)["message"], "--language", "es", "-o", str(file), "--json")
    assert document_of(printed) == {"message": document_of(refusal)["message"], "language": "es", "file": str(file)}
    page = file.read_text()
    assert "<td>2026/2623/418</td>" in page.replace(' dir="ltr"', "").replace(' class="short"', "")
    assert "BEPI 7741" in page
    assert "Soberanía, seguridad, orden público u otros intereses fundamentales (essential-interests)" in page


def letter_dossier(run: Run, message: str) -> str:
    dossier: str = document_of(run(FR, "open", message, "--json"))["dossier"]
    return dossier


def test_the_readers_own_language_is_taken_and_no_file_replaced(
    run: Run, letter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMITY_LANGUAGE", "ar")
    file = tmp_path / "letter.html"
    assert run(FR, "print", letter, "-o", str(file)).exit_code == 0
    assert 'dir="rtl"' in file.read_text()
    again = run(FR, "print", letter, "-o", str(file))
    assert (again.exit_code, "الملف موجود من قبل" in again.stderr) == (2, True)


@pytest.mark.parametrize("more", [["-o", "letter.doc"], ["-o", "letter.html", "--language", "la"]])
def test_what_cannot_be_printed_is_told_before_anything_is_asked(run: Run, letter: str, more: list[str]) -> None:
    result = run(FR, "print", letter, *more)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
