"""Hearings, test calls and transfers of all dossiers in one list, by both clocks, from what lies in the home."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.client.letters import CONTENT
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.comity.conftest import Run, document_of

MA, FR = "MA.PGR", "FR.BEPI"


def day(exchange: PaperExchange, after: int) -> str:
    return f"{exchange.now + timedelta(days=after):%Y-%m-%d}"


@pytest.fixture
def number(run: Run, tmp_path: Path, exchange: PaperExchange, monkeypatch: pytest.MonkeyPatch) -> str:
    """FR accepted a letter of MA and proposed a hearing in ten days, with a test call in three."""
    monkeypatch.setattr("comity.appointments.now", lambda: exchange.now)
    letter = tmp_path / "letter.json"
    measures = {"M1": {"type": "hearing-by-video"}, "M2": {"type": "transfer-of-detained-person"}}
    letter.write_text(json.dumps({"v": 1, "measures": measures, "content": {**CONTENT, "language": "fr"}}))
    sent = run(MA, "send", str(letter), "--to", FR, "--instrument", "ma-fr-2008", "--json")
    assert sent.exit_code == 0, sent.output
    number = str(document_of(sent)["number"])
    run(FR, "inbox")
    body = tmp_path / "hearing.json"
    hours = {"begins": f"{day(exchange, 10)}T10:00", "zone": "Europe/Paris", "other_zone": "Africa/Casablanca"}
    call = {"test_call": {"begins": f"{day(exchange, 3)}T16:30"}}
    body.write_text(json.dumps({"appointment": {**hours, **call, "what": "Hearing of the witness"}}))
    for typed in (["accept"], ["propose-appointment", "--act", f"on={day(exchange, 10)}", "--body", str(body)]):
        done = run(FR, "reply", number, *typed, "--measure", "M1")
        assert done.exit_code == 0, done.output
    return number


def listed(run: Run, who: str, *typed: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document_of(run(who, "appointments", *typed, "--json"))["appointments"]
    return found


def test_a_hearing_and_its_test_call_stand_in_both_zones_on_both_sides(
    run: Run, number: str, exchange: PaperExchange
) -> None:
    proposal = listed(run, FR)[-1]["message"]
    run(MA, "inbox")
    assert [one["lines"][0] for one in listed(run, MA)] == [day(exchange, 10)]  # not opened: the day alone is known
    run(MA, "open", proposal)
    for who in (MA, FR):
        exchange.calls.clear()
        call, hearing = listed(run, who)
        assert exchange.calls == []
        assert (call["title"], call["utc"][:10]) == ("Test call", day(exchange, 3))
        assert hearing["lines"][0].startswith("Hearing of the witness: ")
        assert set(hearing["zones"]) == {"Europe/Paris", "Africa/Casablanca"}
        assert hearing["lines"][1] == "Only proposed: MA.PGR has not answered yet."


def test_what_was_confirmed_is_agreed_and_what_was_called_off_is_gone(
    run: Run, number: str, exchange: PaperExchange, tmp_path: Path
) -> None:
    proposal = listed(run, FR)[-1]["message"]
    run(MA, "inbox")
    run(MA, "open", proposal)
    done = run(MA, "reply", number, "confirm-appointment", "--act", f"on={day(exchange, 10)}", "--measure", "M1")
    assert done.exit_code == 0, done.output
    assert [one["act"] for one in listed(run, MA)] == ["test-call", "hold-appointment"]
    run(FR, "inbox")
    assert "Only proposed" not in run(FR, "appointments").stdout
    exchange.now += timedelta(days=12)
    assert "nobody has reported on it" in run(FR, "appointments").stdout
    done = run(FR, "reply", number, "cancel-appointment", "--reasons", "ill", "--measure", "M1")
    assert done.exit_code == 0, done.output
    assert "No appointment stands open." in run(FR, "appointments").stdout


def test_a_transfer_stands_with_its_days_and_the_week_holds_seven_of_them(
    run: Run, number: str, exchange: PaperExchange, tmp_path: Path
) -> None:
    body = tmp_path / "transfer.json"
    body.write_text(json.dumps({"consent": "Before the judge.", "custody": "In custody all the time."}))
    days = {"consent": -1, "hand-over": 2, "return": 6, "safe-conduct": 9}
    acts = [word for name, after in days.items() for word in ("--act", f"{name}={day(exchange, after)}")]
    run(FR, "reply", number, "accept", "--measure", "M2")
    done = run(FR, "reply", number, "arrange-transfer", *acts, "--body", str(body), "--measure", "M2")
    assert done.exit_code == 0, done.output
    acts = [one["act"] for one in listed(run, FR)]
    assert acts == ["hand-over-detainee", "test-call", "return-detainee", "safe-conduct", "answer-appointment"]
    assert [one["act"] for one in listed(run, FR, "--week")] == acts[:3]
    assert listed(run, FR, "--today") == []
    exchange.now += timedelta(days=2)
    assert [one["act"] for one in listed(run, FR, "--today")] == acts[:1]
    assert run(FR, "appointments", "--today", "--week").exit_code == 2


def test_the_reader_is_told_in_his_language(
    run: Run, number: str, monkeypatch: pytest.MonkeyPatch, exchange: PaperExchange
) -> None:
    monkeypatch.setenv("COMITY_LANGUAGE", "fr")
    shown = run(FR, "appointments").stdout
    assert "rendez-vous proposé" in shown
    assert "Seulement proposé" in shown


def test_an_hour_that_the_day_has_already_seen_is_over() -> None:
    from client.agenda import Planned

    moment = datetime(2027, 1, 14, 9, 0, tzinfo=UTC)
    hearing = Planned("d", "n", FR, MA, ("M1",), "hold-appointment", moment.date(), moment, {}, "m", FR)
    assert hearing.is_over(moment + timedelta(minutes=1))
    assert not hearing.is_over(moment - timedelta(minutes=1))
