"""What an official sees of a form: on the way out, and of a message that came."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.comity.conftest import Run, document_of

MA, FR = "MA.PGR", "FR.BEPI"


def test_a_refusal_is_told_in_the_readers_language_and_to_programs_in_english(
    run: Run, request_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMITY_LANGUAGE", "fr")
    request_file.write_text(request_file.read_text().replace('"facts"', '"faits"'))
    arguments = ("send", str(request_file), "--to", FR, "--instrument", "quadripartite")
    told = run(MA, *arguments)
    assert "Le contenu du message n'est pas conforme à son formulaire" in told.stderr
    assert "Résumé des faits pertinents (facts) : manque" in told.stderr
    assert "Remplissez les champs nommés ci-dessus" in told.stderr
    assert document_of(run(MA, *arguments, "--json"))["error"]["sentence"].startswith("The content of the message")


def test_a_slip_of_the_pen_is_noted_and_a_message_that_is_not_complete_is_shown_so(
    run: Run, request_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = json.loads(request_file.read_text())
    written["content"]["contatcs"] = written["content"].pop("purpose")
    request_file.write_text(json.dumps(written))
    monkeypatch.setattr("client.composition.check_content", lambda *_: None)  # a client that does not look
    result = run(MA, "send", str(request_file), "--to", FR, "--instrument", "quadripartite")
    assert "the form has no field contatcs; it is sealed and sent as it is. Is contacts meant?" in result.stderr
    message = document_of(run(FR, "inbox", "--json"))["unopened"][0]["message"]
    opened = run(FR, "open", message)
    assert opened.exit_code == 0
    assert "Purpose of the evidence, information or action (purpose) is missing" in opened.stdout
    assert document_of(run(FR, "open", message, "--json"))["faults"][0]["path"] == "purpose"


def test_the_day_of_an_official_is_told_in_his_language(
    run: Run, request_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMITY_LANGUAGE", "fr")
    sent = run(MA, "send", str(request_file), "--to", FR, "--instrument", "quadripartite")
    assert "accepté le 22 nov. 2026" in sent.stdout
    assert "Demande d'entraide de MA.PGR  comity open" in run(FR, "inbox").stdout
    number = sent.stdout.split()[0]
    assert (
        "FR M1 · accusé de réception · attend FR.BEPI · depuis le 22 nov. · pas de délai légal ;"
        " objectif 29 nov. (règle interne)"
    ) in run(MA, "status", number).stdout
    assert "attend FR.BEPI" not in run(MA, "status", number, "--json").stdout, "programs read English"
    assert "acknowledge · Accusé de réception · M1" in run(FR, "kinds", number).stdout
