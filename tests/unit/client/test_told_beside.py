"""What the exchange tells beside what is signed, and what it leaves out: held against the ledger, by who is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from client.proving import ProvenEvidence, prove_message
from shared.audit.leaves import encode_entry, encode_leaf, parse_entry
from shared.domain.ids import encode_time, parse_time
from shared.errors import MessageUnverified
from tests.unit.client.letters import FR, MA, a_request, open_dossier
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.told_ledgers import audit, copy_of, found, index_of, rewritten

DAY_S = 24 * 3600


def evidences(exchange: PaperExchange, home: Path, who: str = MA) -> dict[str, ProvenEvidence]:
    with exchange.correspond(who, home) as own:
        [kept] = [one for dossier in own.register.dossiers() for one in own.register.messages(dossier)]
        return {one.kind: one for one in prove_message(own, kept, exchange.now)}


def change_evidence(
    exchange: PaperExchange, kind: str, change: Callable[[dict[str, Any]], list[dict[str, Any]]]
) -> None:
    def tamper(path: str, body: bytes) -> bytes:
        if not path.endswith("/evidences"):
            return body
        document = json.loads(body)
        items = [change(one) if one["kind"] == kind else [one] for one in document["items"]]
        return json.dumps({**document, "items": [one for told in items for one in told]}).encode()

    exchange.tamper = tamper


def change_member(exchange: PaperExchange, ending: str, **members: Any) -> None:
    exchange.tamper = lambda path, body: (
        json.dumps({**json.loads(body), **members}).encode() if path.endswith(ending) else body
    )


@pytest.fixture
def exchange_with_letter(exchange: PaperExchange, tmp_path: Path) -> PaperExchange:
    with exchange.correspond(MA, tmp_path) as ma:
        open_dossier(ma)
        ma.mailbox.read_feed()
        ma.mailbox.read_feed()
    with exchange.correspond(FR, tmp_path / "fr") as fr:
        fr.mailbox.read_feed()
    return exchange


def test_the_time_beside_an_evidence_is_that_of_its_leaf(exchange_with_letter: PaperExchange, tmp_path: Path) -> None:
    exchange = exchange_with_letter
    assert {one.state for one in evidences(exchange, tmp_path).values()} == {"verified"}
    earlier = encode_time(exchange.now - timedelta(days=3))
    change_evidence(exchange, "delivery", lambda one: [{**one, "at": earlier}])
    delivery = evidences(exchange, tmp_path)["delivery"]
    assert (delivery.state, earlier in str(delivery.why)) == ("does not verify", True)


def test_an_evidence_is_told_once(exchange_with_letter: PaperExchange, tmp_path: Path) -> None:
    change_evidence(exchange_with_letter, "submission-acceptance", lambda one: [one, one])
    assert evidences(exchange_with_letter, tmp_path)["submission-acceptance"].why == "It is told twice."


def test_an_evidence_is_pending_for_no_longer_than_the_merge_delay(
    exchange_with_letter: PaperExchange, tmp_path: Path
) -> None:
    exchange = exchange_with_letter
    change_evidence(exchange, "delivery", lambda one: [{**one, "proof": None, "leaf_index": None}])
    assert evidences(exchange, tmp_path)["delivery"].state == "pending"
    exchange.pass_time(3600 + 121)
    assert "stands in no ledger" in str(evidences(exchange, tmp_path)["delivery"].why)


@pytest.mark.parametrize("who", [MA, FR])
def test_a_delivery_that_the_exchange_keeps_back_is_missing_after_a_day(
    exchange_with_letter: PaperExchange, tmp_path: Path, who: str
) -> None:
    exchange, home = exchange_with_letter, tmp_path if who == MA else tmp_path / "fr"
    change_evidence(exchange, "delivery", lambda one: [])
    assert "delivery" not in evidences(exchange, home, who)
    exchange.pass_time(DAY_S + 121)
    assert evidences(exchange, home, who)["delivery"].state == "missing"
    exchange.tamper = lambda path, body: body
    assert evidences(exchange, home, who)["delivery"].state == "verified"


def test_who_keeps_a_retrieval_back_must_tell_a_day_after_its_limit_that_there_was_none(
    exchange_with_letter: PaperExchange, tmp_path: Path
) -> None:
    exchange = exchange_with_letter
    change_evidence(exchange, "retrieval", lambda one: [])
    exchange.pass_time(36 * 3600 + DAY_S)
    assert "non-retrieval" not in evidences(exchange, tmp_path)
    exchange.pass_time(121)
    assert evidences(exchange, tmp_path)["non-retrieval"].state == "missing"
    [envelope] = exchange.envelopes.values()
    exchange.evidence("non-retrieval", envelope, FR)
    assert evidences(exchange, tmp_path)["non-retrieval"].state == "verified"


def test_a_submission_that_the_exchange_keeps_back_is_missing_after_the_merge_delay(
    exchange_with_letter: PaperExchange, tmp_path: Path
) -> None:
    change_evidence(exchange_with_letter, "submission-acceptance", lambda one: [])
    exchange_with_letter.pass_time(3600 + 121)
    assert evidences(exchange_with_letter, tmp_path)["submission-acceptance"].state == "missing"


@pytest.mark.parametrize("told", [{"code": "envelope.expired"}, {"decided_at": "2026-11-01T09:00:00.000000Z"}])
def test_a_rejection_is_told_with_the_code_and_time_of_its_leaf(
    exchange: PaperExchange, tmp_path: Path, told: dict[str, str]
) -> None:
    change_member(exchange, "/decision", **told)
    with exchange.correspond(MA, tmp_path) as ma:
        message = ma.seal_and_store(ma.compose_request(a_request(), [FR], "quadripartite"), ())
        exchange.spent[message] = "of other bytes"
        ma.outbox.send(message)
        assert ma.mailbox.read_feed().alarms == ()  # it has no place yet, as far as is known here
        [alarm] = ma.mailbox.read_feed().alarms
        assert (alarm.message, alarm.error.code) == (message, "client.message-unverified")
        assert next(iter(told.values())) in alarm.error.sentence()


@pytest.mark.parametrize("member", ["dossier", "sender", "delivered_at"])
def test_what_is_told_beside_a_message_is_what_it_says_and_what_was_told_before(
    exchange_with_letter: PaperExchange, tmp_path: Path, member: str
) -> None:
    exchange = exchange_with_letter
    [message] = exchange.envelopes
    other = {"dossier": message, "sender": "BE.PF", "delivered_at": encode_time(exchange.now - timedelta(days=1))}
    with exchange.correspond(FR, tmp_path / "fr") as fr:
        fr.mailbox.open(message)
        change_member(exchange, f"/messages/{message}", **{member: other[member]})
        with pytest.raises(MessageUnverified):
            fr.mailbox.open(message)


def test_a_delivery_is_told_with_the_time_at_which_the_message_came(
    exchange_with_letter: PaperExchange, tmp_path: Path
) -> None:
    """The first time that it is told: there is nothing yet to hold it against."""
    exchange = exchange_with_letter
    [message] = exchange.envelopes
    earlier = encode_time(parse_time(exchange.decisions[message]["decided_at"]) - timedelta(days=2))
    change_member(exchange, f"/messages/{message}", delivered_at=earlier)
    with exchange.correspond(FR, tmp_path / "another") as fr:
        fr.mailbox.read_feed()
    exchange.tamper = lambda path, body: body
    delivery = evidences(exchange, tmp_path / "another", FR)["delivery"]
    assert str(delivery.why) == f"The message was handed out as delivered at {earlier}."


def test_no_limit_has_passed_before_the_shortest_that_there_is(exchange: PaperExchange, tmp_path: Path) -> None:
    open_dossier(exchange.correspond(MA, tmp_path))
    for hours, differs in ((1, {"evidence"}), (37, set())):
        told = copy_of(exchange)
        [received] = told.envelopes.values()
        told.now += timedelta(hours=hours)
        told.evidence("non-retrieval", received, FR)
        report = audit(told, tmp_path / str(hours))
        assert {one.what for one in report.differences} == differs


@pytest.mark.parametrize("type_", ["directory.key-event", "directory.instruments"])
def test_documents_of_the_operators_are_not_dated_long_before_they_were_logged(
    exchange: PaperExchange, tmp_path: Path, type_: str
) -> None:
    def dated(entries: list[bytes]) -> list[bytes]:
        place = index_of(exchange, type_)
        logged_at, leaf = parse_entry(entries[place])
        early = encode_leaf(type_, logged_at - timedelta(hours=2), leaf.nonce, **leaf.fields)
        return [*entries[:place], encode_entry(logged_at, early), *entries[place + 1 :]]

    if type_ == "directory.instruments":
        exchange.load_registry()
    honest = {one.what for one in audit(copy_of(exchange), tmp_path / "honest").differences}
    assert found(audit(rewritten(exchange, dated), tmp_path / "dated")) - honest == {"back-dated"}
