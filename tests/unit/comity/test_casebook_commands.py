"""Whose turn it is in all dossiers at once, and what stands in them: searched here, without the exchange."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from client.casebook import Casebook
from client.keystore import load_keystore
from client.register import Register
from tests.unit.client.letters import CONTENT
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.comity.conftest import PASSPHRASE, Run, document_of

MA, FR = "MA.PGR", "FR.BEPI"


@pytest.fixture
def number(run: Run, tmp_path: Path, exchange: PaperExchange, monkeypatch: pytest.MonkeyPatch) -> str:
    """A letter from MA to FR, which opened it; its facts are Spanish and Arabic."""
    monkeypatch.setattr("comity.casebook.now", lambda: exchange.now)
    file = tmp_path / "letter.json"
    content = {**CONTENT, "facts": "Peña cobró en Málaga. المُتَّهَم", "file_number": "2026/418", "language": "fr"}
    measures = {"M1": {"type": "bank-data", "target": "an account"}}
    file.write_text(json.dumps({"v": 1, "measures": measures, "content": content}))
    annex = tmp_path / "relevé.pdf"
    annex.write_bytes(b"%PDF")
    sent = run(MA, "send", str(file), "--to", FR, "--instrument", "ma-fr-2008", "--attach", str(annex), "--json")
    assert sent.exit_code == 0, sent.output
    [unopened] = document_of(run(FR, "inbox", "--json"))["unopened"]
    run(FR, "open", unopened["message"])
    return str(unopened["number"])


def found(run: Run, who: str, *words: str) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = document_of(run(who, "search", *words, "--json"))["found"]
    return result


def test_what_people_remember_finds_the_letter_on_both_sides(run: Run, number: str) -> None:
    remembered = (("pena", "MALAGA"), ("المتهم",), ("2026/418",), ("releve.pdf",), ("ma.pgr", "request"))
    for who, words in zip((MA, FR, MA, FR, FR), remembered, strict=True):
        assert [hit["number"] for hit in found(run, who, *words)] == [number], words


def test_all_words_must_stand_in_one_message_and_the_place_is_shown(run: Run, number: str) -> None:
    assert found(run, MA, "Peña", "Sevilla") == []
    assert "Summary of the relevant facts: Peña cobró en Málaga." in run(MA, "search", "cobro").stdout
    assert found(run, MA, number)[0]["where"] == "number"


@pytest.mark.parametrize(
    ("language", "places"),
    [
        ("fr", ("Résumé des faits", "Document 1", "Dossier")),
        ("es", ("Resumen de los hechos", "Documento 1", "Expediente")),
        ("ar", ("ملخص الوقائع", "الوثيقة 1", "الملف")),
    ],
)
def test_the_place_is_told_by_the_label_of_its_field(
    run: Run, number: str, monkeypatch: pytest.MonkeyPatch, language: str, places: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COMITY_LANGUAGE", language)
    for word, place in zip(("cobro", "releve", number), places, strict=True):
        assert f"    {place}" in run(MA, "search", word).stdout
        assert not re.search(r"\b(facts|attachment|number)\b", run(MA, "search", word).stdout)
    assert found(run, MA, "cobro")[0]["where"] == "facts", "programs read paths"


def test_searching_asks_the_exchange_nothing(run: Run, number: str, exchange: PaperExchange) -> None:
    exchange.calls.clear()
    assert found(run, FR, "Peña")
    assert exchange.calls == []


def test_the_file_on_the_disk_tells_no_word(run: Run, number: str, tmp_path: Path) -> None:
    for who in (MA, FR):
        database = sqlite3.connect(tmp_path / who / "register.sqlite3")
        [sealed] = [bytes(row[0]) for row in database.execute("SELECT sealed FROM casebook")]
        assert len(sealed) > 500
        for file in (tmp_path / who).glob("register.sqlite3*"):
            assert "Málaga".encode() not in file.read_bytes()


def test_what_was_read_before_is_opened_again_to_be_searched(run: Run, number: str, tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / FR / "register.sqlite3")
    database.execute("DELETE FROM casebook")
    database.commit()
    before = run(FR, "search", "Peña")
    assert "1 message is not searched yet: comity search --catch-up Peña" in before.stderr
    assert number in run(FR, "search", "Peña", "--catch-up").stdout
    assert "not searched" not in run(FR, "search", "Peña").stderr


def test_a_row_that_was_put_in_the_place_of_another_is_not_read(run: Run, number: str, tmp_path: Path) -> None:
    run(FR, "reply", number, "acknowledge")
    database = sqlite3.connect(tmp_path / FR / "register.sqlite3")
    database.execute("UPDATE casebook SET sealed = (SELECT sealed FROM casebook ORDER BY rowid DESC LIMIT 1)")
    database.commit()
    assert found(run, FR, "Peña") == []


def test_both_sides_file_numbers_stand_beside_the_line(run: Run, number: str, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"file_number": "BEPI 77"}))
    run(FR, "reply", number, "acknowledge", "--body", str(body))
    [message] = document_of(run(MA, "inbox", "--json"))["unopened"]
    run(MA, "open", message["message"])
    [line] = document_of(run(MA, "list", "--json"))["lines"]
    assert (line["our_file"], line["their_file"]) == ("2026/418", "BEPI 77")
    assert "our file BEPI 77, their file 2026/418" in run(FR, "list").stdout


def test_each_side_sees_what_is_its_own_today_and_what_waits_on_the_other(
    run: Run, number: str, exchange: PaperExchange
) -> None:
    def lines(who: str, *filters: str) -> list[str]:
        return [one["number"] for one in document_of(run(who, "list", *filters, "--json"))["lines"]]

    assert (lines(FR), lines(FR, "--mine-today"), lines(FR, "--waiting-on-them")) == ([number], [], [])
    assert (lines(MA, "--waiting-on-them"), lines(MA, "--overdue")) == ([number], [])
    exchange.pass_time(7 * 86400)  # the last day of the acknowledgement
    assert (lines(FR, "--mine-today"), lines(FR, "--overdue"), lines(MA, "--mine-today")) == ([number], [], [])
    exchange.pass_time(86400)
    assert (lines(FR, "--mine-today"), lines(FR, "--overdue"), lines(MA, "--overdue")) == ([number], [number], [number])
    assert run(MA, "list", "--overdue", "--mine-today").exit_code == 2


def test_what_is_closed_is_listed_when_it_is_asked_for_and_two_questions_on_the_use_are_told_apart(
    run: Run, number: str, exchange: PaperExchange
) -> None:
    run(FR, "inbox")
    run(FR, "reply", number, "deliver-result", "--outcome", "executed", "--text", "done")
    run(MA, "inbox")
    assert run(MA, "list", "--closed").stdout.strip() == "Nothing."
    closed = run(MA, "reply", number, "close")
    assert closed.exit_code == 0, closed.output
    assert run(MA, "list").stdout.strip() == "Nothing."
    shown = run(MA, "list", "--closed")
    assert f"{number}  FR M1 · closed (executed) · since" in shown.stdout
    assert run(MA, "list", "--closed", "--overdue").exit_code == 2
    run(FR, "inbox")
    assert number in run(FR, "list", "--closed").stdout
    for purposes in (("evidence",), ("civil", "statistics"), ("civil", "statistics", FR)):
        acts = [word for one in purposes for word in ("--act", "to=BE.PF" if one == FR else f"purposes={one}")]
        asked = run(MA, "reply", number, "ask-use-permission", *acts, "--text", "in another trial")
        assert asked.exit_code == 0, asked.output
    for view in (("list",), ("show", number), ("status", number)):
        told = " ".join(run(MA, *view).stdout.split())
        assert "answer on the use (Use as evidence in court) · waiting on FR.BEPI" in told
        several = "A civil proceeding, or the recovery of assets; Research and statistics, without names"
        assert f"answer on the use ({several}) · waiting" in told
        assert f"answer on the use ({several}; To be passed on to BE.PF) · waiting" in told


def test_a_dossier_that_is_shown_otherwise_is_an_alarm_and_hides_no_other(
    run: Run, number: str, exchange: PaperExchange
) -> None:
    run(FR, "inbox")
    [key] = exchange.legs
    exchange.legs[key] = exchange.legs[key].with_measures({})
    leg = exchange.legs[key]
    exchange.legs[key] = type(leg)(**{**{name: getattr(leg, name) for name in leg.__slots__}, "obligations": ()})
    listed = document_of(run(FR, "list", "--json"))
    assert (listed["lines"], [one["code"] for one in listed["alarms"]]) == ([], ["client.state-contradicted"])
    assert "ALARM" in run(FR, "list").stdout


def test_rows_follow_the_sealing_key_and_are_made_again_when_it_is_gone(run: Run, number: str, tmp_path: Path) -> None:
    keys = load_keystore(tmp_path / FR / "keys.json", PASSPHRASE)
    with Register(tmp_path / FR / "register.sqlite3") as register:
        strangers = Casebook(load_keystore(tmp_path / MA / "keys.json", PASSPHRASE), register)
        assert strangers.search(["Peña"]) == []
        assert strangers.missing() == [hit.noted.message for hit in Casebook(keys, register).search(["Peña"])]


def test_what_either_side_said_of_the_use_and_what_the_instrument_says_stand_on_every_view(
    run: Run, tmp_path: Path, exchange: PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comity.casebook.now", lambda: exchange.now)
    file = tmp_path / "letter.json"
    content = {**CONTENT, "language": "fr", "use_limitation": "For this file only."}
    measures = {"M1": {"type": "bank-data", "target": "an account"}}
    file.write_text(json.dumps({"v": 1, "measures": measures, "content": content}))
    typed = ("--to", FR, "--instrument", "untoc", "--despite", "The convention does not cover it.", "--json")
    sent = run(MA, "send", str(file), *typed)
    assert sent.exit_code == 0, sent.output
    number, message = document_of(sent)["number"], document_of(sent)["message"]
    run(FR, "inbox")
    for who in (MA, FR):
        opened = run(who, "open", message)
        for shown in (opened, run(who, "list"), run(who, "show", number), run(who, "search", "Money")):
            assert "For this file only." in shown.stdout
        for shown in (opened, run(who, "list"), run(who, "show", number)):
            assert "art. 18(19)" in shown.stdout
    page = tmp_path / "page.html"
    assert run(FR, "print", message, "--language", "es", "-o", str(page)).exit_code == 0
    assert "Especialidad" in page.read_text("utf-8")
    assert "art. 18.19" in page.read_text("utf-8")
