"""A request is written step by step: no answer is lost, and what comes out is taken by `comity send`."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from client.forms.draft import Draft
from shared.errors import RequestFileInvalid
from tests.unit.client.letters import CONTENT
from tests.unit.comity.conftest import Run, document_of

MA, FR = "MA.PGR", "FR.BEPI"
BANK_DATA, ADD_NONE = "2", ""
SETTINGS = ("ma-fr-2008", "urgent", "use-limited 1")
MEASURE = (BANK_DATA, "An account", "", "", ADD_NONE)
DEADLINE = ("2027-02-30", "2027-01-31")
"""The first of them is no day, and is asked again."""
TEXTS = [line for text in CONTENT.values() for line in (text, ".")]
REASONS = ("The trial begins.", "It cannot wait.", ".")


def typed(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def drafts(home: Path) -> list[Path]:
    return sorted((home / "drafts").iterdir())


def test_what_was_asked_step_by_step_is_sent(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "letter.json"
    answers = typed(*SETTINGS, *MEASURE, *DEADLINE, *TEXTS, *REASONS, "w", str(file))
    result = run(MA, "new", "mla-request", typed=answers)
    assert result.exit_code == 0, result.output
    assert "2027-02-30" not in file.read_text()
    assert "is not a date such as 2026-12-12" in result.stderr
    written = json.loads(file.read_text())
    assert written["handling"] == ["use-limited", "confidential"]
    assert written["content"]["deadline_reasons"] == "The trial begins.\nIt cannot wait."
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert drafts(tmp_path / MA) == [], "what will be sealed lies in the clear once only"
    assert document_of(run(MA, "send", str(file), "--to", FR, "--json"))["decision"] == "accepted"


def test_whoever_goes_home_goes_on_the_next_day(run: Run, tmp_path: Path) -> None:
    stopped = run(MA, "new", "mla-request", typed=typed(*SETTINGS, *MEASURE, "", TEXTS[0], ".", "Fr"))
    assert stopped.exit_code == 0
    assert "Subject matter of the proceeding (subject_matter) is missing" in stopped.stdout
    assert "requesting_authority" not in stopped.stdout
    (draft,) = drafts(tmp_path / MA)
    assert stat.S_IMODE(draft.stat().st_mode) == 0o600
    assert stat.S_IMODE(draft.parent.stat().st_mode) == 0o700
    draft.with_name(f".{draft.name}.0123456789abcdef").write_text("what a killed write leaves")
    file = tmp_path / "letter.json"
    result = run(MA, "new", "mla-request", "-o", str(file), "--json", typed=typed("1", "", *TEXTS[2:], "w", ""))
    assert document_of(result) == {"draft": None, "file": str(file), "missing": []}
    assert json.loads(file.read_text())["content"] == CONTENT
    assert drafts(tmp_path / MA) == []


def test_an_incomplete_request_is_not_written_and_another_file_is_not_replaced(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "letter.json"
    file.write_text("{}")
    begun = run(MA, "new", "mla-request", "--draft", "one", typed=typed(*SETTINGS, *MEASURE, "", *TEXTS[:-2], "", "w"))
    assert "Purpose of the evidence, information or action (purpose) is missing" in begun.stdout
    done = run(MA, "new", "mla-request", "--draft", "one", typed=typed("", *TEXTS[-2:], "w", str(file), "!"))
    assert "File exists" in done.stderr
    assert file.read_text() == "{}"
    assert [one.name for one in drafts(tmp_path / MA)] == ["mla-request-one.json"]


def test_a_list_is_answered_entry_by_entry_and_taken_back(run: Run, tmp_path: Path) -> None:
    run(MA, "new", "mla-request", "--draft", "one", typed=typed("!"))
    (draft,) = drafts(tmp_path / MA)
    menu = run(MA, "new", "mla-request", "--draft", "one", typed=typed(*[""] * 13)).stderr
    number = next(line.split()[0] for line in menu.splitlines() if line.strip().endswith("Persons concerned"))
    two = (number, "A. B.", "Accused", "", "", "", "", "+", "C. D.", "", "", "", "", "", "", "!")
    run(MA, "new", "mla-request", "--draft", "one", typed=typed(*[""] * 13, *two))
    assert json.loads(draft.read_text())["content"]["persons"] == [
        {"name": "A. B.", "capacity": "Accused"},
        {"name": "C. D."},
    ]
    run(MA, "new", "mla-request", "--draft", "one", typed=typed(*[""] * 13, number, "1", "", "!"))
    assert json.loads(draft.read_text())["content"]["persons"] == [{"name": "C. D."}]


def test_a_related_request_takes_over_what_this_authority_wrote_and_names_the_dossier(
    run: Run, request_file: Path, tmp_path: Path
) -> None:
    dossier = document_of(run(MA, "send", str(request_file), "--to", FR, "--instrument", "quadripartite", "--json"))[
        "dossier"
    ]
    run(FR, "inbox")
    for authority in (MA, FR):
        result = run(authority, "new", "mla-request", "--from", dossier, "--relation", "extradition", typed="!\n")
        assert result.exit_code == 0, result.output
    ours, theirs = (json.loads(drafts(tmp_path / one)[0].read_text())["content"] for one in (MA, FR))
    assert ours["related_files"] == theirs["related_files"]
    assert (ours["related_files"][0]["type"], ours["related_files"][0]["dossier"]) == ("extradition", dossier)
    assert ours["facts"] == CONTENT["facts"]
    assert "purpose" not in ours
    assert "assistance_sought" not in ours
    assert set(theirs) == {"related_files"}, "what another wrote does not go on under a new purpose unseen"
    refused = run(MA, "new", "mla-request", "--from", dossier, "--relation", "cousin")
    assert (refused.exit_code, "there are extradition" in refused.stderr) == (2, True)


@pytest.mark.parametrize("profile", ["preservation", "police-request", "spontaneous"])
def test_every_profile_can_be_begun(run: Run, profile: str) -> None:
    begun = document_of(run(MA, "new", profile, "--json", typed="!\n"))
    assert begun["draft"].endswith(".json")
    assert begun["missing"]


def test_a_draft_that_two_terminals_change_is_not_written_over(tmp_path: Path) -> None:
    first = Draft.begin(tmp_path / "one.json", "mla-request")
    second = Draft.load(tmp_path / "one.json")
    second.set_content("facts", "theirs")
    with pytest.raises(RequestFileInvalid, match="changed elsewhere"):
        first.set_content("facts", "mine")
    assert Draft.load(tmp_path / "one.json").document["content"] == {"facts": "theirs"}


@pytest.mark.parametrize(
    "document", [[], {}, {"profile": "mla-request", "measures": {"M1": 1}, "act": {}, "content": {}}]
)
def test_what_is_no_draft_is_one_clear_sentence(tmp_path: Path, document: Any) -> None:
    (tmp_path / "one.json").write_text(json.dumps(document))
    with pytest.raises(RequestFileInvalid, match="no draft"):
        Draft.load(tmp_path / "one.json")
