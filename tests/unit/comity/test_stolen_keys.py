"""A party whose own keys were declared stolen hears of it when it speaks with the exchange, and not by a refusal."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from client.enrolment import load_enrolment
from client.stolen_keys import DeclaredStolen
from comity.home import Home
from shared.keys.directory import Compromise
from tests.unit.client.paper_exchange import URL, PaperExchange
from tests.unit.client.test_keys_in_other_hands import take_signing_keys, without_places_from
from tests.unit.comity.conftest import Run, document_of
from tests.unit.comity.test_correspondence_commands import FR, MA, sent


def told(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def number(run: Run, request_file: Path) -> str:
    """Of a dossier that was opened before."""
    return str(sent(run, request_file)["number"])


@pytest.mark.parametrize("words", [["inbox"], ["status", "NUMBER"], ["list"], ["keys", "compare", FR]])
def test_commands_that_ask_the_exchange_for_its_directory_say_so_first(
    run: Run, exchange: PaperExchange, number: str, words: list[str]
) -> None:
    take_signing_keys(exchange, MA, exchange.now)
    done = run(MA, *(number if one == "NUMBER" else one for one in words))
    warning = told(done.stderr)
    assert warning.startswith("STOLEN The operators signed at 22 Nov 2026")
    assert "your keys sign-ed25519, sign-mldsa65 are in other hands since 22 Nov 2026" in warning
    assert warning.endswith("comity keys rotate --for-recovery")
    assert warning.count("STOLEN") == 1
    assert "STOLEN" not in run(FR, "inbox").stderr, "the others' business is another alarm"


def test_an_inbox_ends_with_4_and_programs_read_which_keys(run: Run, exchange: PaperExchange, number: str) -> None:
    assert document_of(run(MA, "inbox", "--json"))["stolen"] == []
    take_signing_keys(exchange, MA, exchange.now)
    exchange.tamper = without_places_from(exchange.directory.index)
    unproven = run(MA, "inbox", "--json")
    [one] = document_of(unproven)["stolen"]
    assert unproven.exit_code == 4
    assert (one["uses"], one["in_use"]) == (["sign-ed25519", "sign-mldsa65"], True)


def test_keys_that_were_renewed_before_are_told_for_a_month(run: Run, exchange: PaperExchange, number: str) -> None:
    old = tuple(key.kid for key in exchange.directory.party(MA).keys if key.use == "sign-ed25519")  # type: ignore[union-attr]
    assert run(MA, "keys", "rotate").exit_code == 0
    exchange.record_event("compromise", MA, compromise=Compromise(old, exchange.now))
    first = run(MA, "inbox")
    assert "You had renewed them before." in told(first.stderr)
    assert first.exit_code == 0
    exchange.pass_time(timedelta(days=30).total_seconds())
    assert "STOLEN" not in run(MA, "inbox").stderr


def test_whoever_got_new_keys_for_the_stolen_ones_is_told_no_more(
    run: Run, exchange: PaperExchange, number: str, tmp_path: Path
) -> None:
    take_signing_keys(exchange, MA, exchange.now)
    assert run(MA, "keys", "rotate", "--for-recovery").exit_code == 0
    exchange.record_event("recover", MA, keys=load_enrolment(tmp_path / MA / "recovery.json").keys)
    assert run(MA, "keys", "rotate").exit_code == 0
    assert "STOLEN" not in run(MA, "inbox").stderr


def test_a_session_that_lasts_is_told_once(exchange: PaperExchange, number: str, tmp_path: Path) -> None:
    heard: list[DeclaredStolen] = []
    place = Home(tmp_path / MA, URL, None)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("comity.stolen_keys.tell_stolen", heard.extend)
        with place.correspondence() as own:
            own.directory()
            take_signing_keys(exchange, MA, exchange.now)
            for _ in range(2):
                own.directory(anew=True)
    assert [one.in_use for one in heard] == [True]
