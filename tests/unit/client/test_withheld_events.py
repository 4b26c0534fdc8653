"""The freeze: an exchange shows one client the directory of before, so that a key that ended stays in use."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from client.correspondence import Correspondence
from client.directory_statement import STATEMENT_AHEAD, STATEMENT_LIFE, WITHHELD_AFTER
from shared.apisig.compact_jws import sign_members
from shared.apisig.directory_statements import DirectoryStatement, sign_statement
from shared.domain.ids import encode_time
from shared.errors import DirectoryUndated, KeyChangeUnexplained, KeyInDoubt, RecipientUnknown
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.directory import Compromise
from shared.keys.private import generate_ed25519
from tests.unit.audit.paper_log import ORIGIN
from tests.unit.client.letters import FR, MA, a_request
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.envelope.workshop import party

STATEMENT, EVENTS = "/v1/authorities/statement", "/v1/authorities"


def seal(one: Correspondence) -> str:
    return one.seal_and_store(one.compose_request(a_request(), (FR,), "quadripartite"), ())


def compromise(exchange: PaperExchange) -> None:
    """The sealing key of Paris is in other hands: key event 4."""
    exchange.record_event("compromise", FR, compromise=Compromise((party(FR).sealing_kid,), exchange.now))


def stating(text: str) -> Any:
    return lambda path, body: json.dumps({"statement": text}).encode() if path == STATEMENT else body


def said(exchange: PaperExchange, **changes: Any) -> DirectoryStatement:
    head = exchange.directory.head
    known = exchange.published
    registry = (0, None) if known is None else (known.number, known.digest)
    return replace(DirectoryStatement(ORIGIN, exchange.directory.index, head, exchange.now, *registry), **changes)


def members_of(text: str) -> dict[str, Any]:
    members: dict[str, Any] = json.loads(parse_b64u(text.split(".")[1]))
    return members


def withhold(exchange: PaperExchange) -> Any:
    """From now on this exchange shows the directory of now, and signs that it is the newest whenever it is asked."""
    shown, of_then = list(exchange.events), exchange.directory

    def tamper(path: str, body: bytes) -> bytes:
        if path == STATEMENT:
            now = said(exchange, index=of_then.index, head=of_then.head)
            return json.dumps({"statement": sign_statement(now, exchange.receipt_signer)}).encode()
        return (
            json.dumps({"events": [one.decode() for one in shown], "parties": []}).encode() if path == EVENTS else body
        )

    return tamper


@pytest.mark.parametrize(("late", "is_proof"), [(timedelta(0), False), (timedelta(seconds=1), True)])
def test_an_event_that_was_withheld_is_told_when_it_is_shown_and_the_statement_proves_it(
    exchange: PaperExchange, tmp_path: Path, late: timedelta, is_proof: bool
) -> None:
    """It tells across a restart, and goes on telling."""
    exchange.tamper = withhold(exchange)
    compromise(exchange)
    logged_at = exchange.now
    exchange.now += WITHHELD_AFTER + late
    with exchange.correspond(MA, tmp_path) as ma:
        sealed = seal(ma)  # to the key of a thief: nothing that this client sees contradicts it
        assert ma.directory().withheld() == []
    exchange.tamper = lambda path, body: body
    exchange.pass_time(600)
    for _ in range(2):
        with exchange.correspond(MA, tmp_path) as ma:
            found = ma.directory().withheld()
            assert [(one.facts["seq"], one.facts["party"]) for one in found] == [(4, FR)] * is_proof
            kept = ma.register.keys
            assert kept.sealed_between(FR, encode_time(logged_at), kept.events()[3].first_seen) == [sealed]
    evidence = tmp_path / MA / "withheld-key-events.json"
    assert evidence.exists() is is_proof
    assert not is_proof or len(json.loads(evidence.read_text())["statements"]) == 2


@pytest.mark.parametrize(
    ("off", "counts"),
    [
        (-STATEMENT_LIFE, True),
        (-STATEMENT_LIFE - timedelta(microseconds=1), False),
        (STATEMENT_AHEAD, True),
        (STATEMENT_AHEAD + timedelta(microseconds=1), False),
    ],
)
def test_nothing_is_sealed_by_a_directory_without_a_fresh_statement(
    exchange: PaperExchange, tmp_path: Path, off: timedelta, counts: bool
) -> None:
    """An exchange that answers with the statement of before, and the directory to it."""
    ma = exchange.correspond(MA, tmp_path)
    exchange.tamper = stating(sign_statement(said(exchange, at=exchange.now + off), exchange.receipt_signer))
    if counts:
        seal(ma)
        return
    with pytest.raises(DirectoryUndated, match="its statement is of"):
        seal(ma)
    assert ma.register.undecided() == []
    assert ma.register.keys.statements() == []


def test_a_statement_of_another_exchange_or_key_or_kind_is_none(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    right = sign_statement(said(exchange), exchange.receipt_signer)
    for text, why in {
        sign_statement(replace(said(exchange), exchange="other.example/log"), exchange.receipt_signer): "other.example",
        sign_members("comity-receipt", members_of(right), exchange.receipt_signer): "it is no comity-directory",
        sign_statement(said(exchange), generate_ed25519()): "does not verify",
        right[:-1]: "does not verify",
        right + "A" * 4096: "more than 4096",
        "": "does not verify",
    }.items():
        exchange.tamper = stating(text)
        with pytest.raises(DirectoryUndated, match=why):
            seal(ma)
    exchange.tamper = stating(right)
    seal(ma)


def test_an_exchange_that_states_nothing_gets_nothing_sealed(
    exchange: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = PaperExchange._route
    monkeypatch.setattr(
        PaperExchange,
        "_route",
        lambda self, request, call: answered(
            self, request if request.url.path != STATEMENT else type(request)("GET", f"{request.url}s"), call
        ),
    )
    with pytest.raises(DirectoryUndated, match="it signs no statement"):
        seal(exchange.correspond(MA, tmp_path))


def test_an_exchange_that_states_more_than_it_shows_is_asked_again_and_then_not_believed(
    exchange: PaperExchange, tmp_path: Path
) -> None:
    shown = withhold(exchange)
    compromise(exchange)
    exchange.tamper = lambda path, body: body if path == STATEMENT else shown(path, body)
    before = exchange.now
    with pytest.raises(DirectoryUndated, match="it shows 3 key events, and signed that 4 exist"):
        seal(exchange.correspond(MA, tmp_path))
    assert (exchange.now - before).total_seconds() == 15


def test_a_statement_about_another_event_than_is_shown_stops_everything_and_is_kept(
    exchange: PaperExchange, tmp_path: Path
) -> None:
    other = sign_statement(said(exchange, head=encode_b64u(bytes(32))), exchange.receipt_signer)
    exchange.tamper = stating(other)
    with pytest.raises(KeyChangeUnexplained, match="another one than it shows"):
        seal(exchange.correspond(MA, tmp_path))
    assert other in json.loads((tmp_path / MA / "unexplained-directory.json").read_text())["statements"]


def test_an_event_that_is_shown_and_not_proven_takes_a_key_away_at_once(
    exchange: PaperExchange, tmp_path: Path
) -> None:
    """Otherwise its proof could be held back for an hour, and the statement about it would be true."""
    compromise(exchange)
    proven = dict(exchange.places)
    del exchange.places[4]
    with exchange.correspond(MA, tmp_path) as ma:
        with pytest.raises(KeyInDoubt, match="Key event 4, compromise of"):
            seal(ma)
        exchange.places = proven
        with pytest.raises(RecipientUnknown):
            seal(ma)
