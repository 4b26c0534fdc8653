"""What officers read of a draft, in their language, and what the registry warns them of."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.unit.client.letters import CONTENT
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.comity.conftest import Run, document_of
from tests.unit.comity.office import ALAMI, BENNIS, CHAKIR, FR, MA, act, drafted


def test_what_a_draft_waits_for_is_told_in_the_readers_language(
    office: Run, request_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafted(office, request_file)
    monkeypatch.setenv("COMITY_LANGUAGE", "fr")
    assert "un approbateur ; signé par alami (rédacteur)" in office(MA, "desk", "drafts").stdout
    [waiting] = document_of(office(MA, "desk", "drafts", "--json"))["drafts"]
    assert waiting["waits_for"] == "an approver; signed by alami (drafter)"


@pytest.mark.parametrize(
    ("language", "facts"), [("fr", "Résumé des faits"), ("es", "Resumen de los hechos"), ("ar", "الوقائع")]
)
def test_an_approver_reads_a_draft_by_the_labels_of_its_form(
    office: Run, request_file: Path, monkeypatch: pytest.MonkeyPatch, language: str, facts: str
) -> None:
    draft = drafted(office, request_file)
    monkeypatch.setenv("COMITY_LANGUAGE", language)
    shown = office(MA, "desk", "read", draft).stdout
    assert CONTENT["facts"] in shown
    assert facts in shown
    assert not re.search(r"\b(facts|content|act|measures|legal_provisions|waits_for|bank-data|routine)\b", shown)
    assert document_of(office(MA, "desk", "read", draft, "--json"))["content"]["facts"] == CONTENT["facts"]


def test_approver_and_sender_see_what_the_registry_warned_the_drafter_of(
    office: Run, request_file: Path, exchange: PaperExchange
) -> None:
    doubtful = json.loads(request_file.read_text())
    doubtful["content"] = {**doubtful["content"], "override_reason": "It is agreed.", "reciprocity": "As we did."}
    request_file.write_text(json.dumps(doubtful))
    result = office(MA, "send", str(request_file), "--to", FR, "--instrument", "reciprocity", "--draft-by", ALAMI)
    notes = [line for line in result.stderr.splitlines() if line.startswith("Note: ") and "; " in line]
    assert notes, result.output
    [draft] = [one["draft"] for one in document_of(office(MA, "desk", "drafts", "--json"))["drafts"]]
    assert set(notes) <= set(office(MA, "desk", "read", draft).stderr.splitlines())
    assert document_of(office(MA, "desk", "read", draft, "--json"))["flags"]
    act(office, "approve", draft, BENNIS)
    assert set(notes) <= set(act(office, "send", draft, CHAKIR).stderr.splitlines())


def test_a_draft_is_read_where_the_registry_is_not_to_be_had(
    office: Run, request_file: Path, exchange: PaperExchange
) -> None:
    draft = drafted(office, request_file)
    exchange.tamper = lambda path, body: b"{" if path == "/v1/instruments" else body
    read = office(MA, "desk", "read", draft)
    assert (read.exit_code, CONTENT["facts"] in read.stdout) == (0, True)
    assert "What the registry warns of could not be asked" in read.stderr
