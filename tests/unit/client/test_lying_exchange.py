"""An exchange that gives false receipts, withholds, forks or alters is found out by the clients alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from client.composition import ReplyWish
from shared.apisig.receipts import sign_receipt, verify_receipt
from shared.envelope.container import ReceivedEnvelope
from shared.errors import MessageUnverified, ReceiptInvalid
from shared.keys.private import generate_ed25519
from tests.unit.client.letters import FR, MA, a_request, open_dossier, reply
from tests.unit.client.paper_exchange import PaperExchange


def test_a_receipt_of_another_key_is_no_receipt(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    message = ma.seal_and_store(ma.compose_request(a_request(), (FR,), "quadripartite"), ())
    exchange.receipt_signer = generate_ed25519()
    with pytest.raises(ReceiptInvalid):
        ma.outbox.send(message)
    assert ma.register.receipt(message) is None


@pytest.mark.parametrize(
    "change",
    [{"message": "another"}, {"envelope_sha256": "A" * 43}, {"sender": FR}, {"exchange": "other.example/log"}],
    ids=lambda change: next(iter(change)),
)
def test_a_receipt_for_something_else_is_no_receipt(
    exchange: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    def other(received: ReceivedEnvelope) -> str:
        right = verify_receipt(PaperExchange.receipt(exchange, received), exchange.trust().receipt_key)
        return sign_receipt(replace(right, **change), exchange.receipt_signer)  # type: ignore[arg-type]  # texts only

    monkeypatch.setattr(exchange, "receipt", other)
    ma = exchange.correspond(MA, tmp_path)
    message = ma.seal_and_store(ma.compose_request(a_request(), (FR,), "quadripartite"), ())
    with pytest.raises(ReceiptInvalid):
        ma.outbox.send(message)
    assert ma.register.receipt(message) is None


def test_a_receipt_that_promises_a_decision_next_year_is_no_receipt(
    exchange: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(received: ReceivedEnvelope) -> str:
        right = verify_receipt(PaperExchange.receipt(exchange, received), exchange.trust().receipt_key)
        return sign_receipt(replace(right, decide_by=exchange.now + timedelta(days=365)), exchange.receipt_signer)

    monkeypatch.setattr(exchange, "receipt", late)
    ma = exchange.correspond(MA, tmp_path)
    message = ma.seal_and_store(ma.compose_request(a_request(), (FR,), "quadripartite"), ())
    with pytest.raises(ReceiptInvalid, match="no sooner than 2027"):
        ma.outbox.send(message)
    assert ma.register.receipt(message) is None


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_receipt_that_says_that_the_message_came_at_another_time_is_no_receipt(
    exchange: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    def dated(received: ReceivedEnvelope) -> str:
        right = verify_receipt(PaperExchange.receipt(exchange, received), exchange.trust().receipt_key)
        false = replace(right, received_at=right.received_at + timedelta(hours=hours))
        return sign_receipt(false, exchange.receipt_signer)

    monkeypatch.setattr(exchange, "receipt", dated)
    ma = exchange.correspond(MA, tmp_path)
    message = ma.seal_and_store(ma.compose_request(a_request(), (FR,), "quadripartite"), ())
    with pytest.raises(ReceiptInvalid, match="it says that the message came at 2026"):
        ma.outbox.send(message)
    assert ma.register.receipt(message) is None


def test_a_decision_about_other_bytes_is_not_believed(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.decides = False
    ma = exchange.correspond(MA, tmp_path)
    open_dossier(ma)
    message = exchange.undecided[0].header.id
    exchange.take(exchange.undecided[0])
    exchange.decisions[message]["digest"] = "A" * 43
    with pytest.raises(MessageUnverified):
        ma.outbox.await_decision(message, 1)


def test_a_message_that_the_exchange_lost_after_its_receipt_is_an_alarm(
    exchange: PaperExchange, tmp_path: Path
) -> None:
    exchange.decides = False
    exchange.tamper = lambda path, body: body.replace(
        b'"decide_by":"2026', b'"decide_by":"9999'
    )  # the signed one counts
    ma = exchange.correspond(MA, tmp_path)
    open_dossier(ma)
    assert ma.mailbox.read_feed().alarms == ()
    exchange.pass_time(3601)
    (alarm,) = ma.mailbox.read_feed().alarms
    assert alarm.error.code == "client.promise-broken"
    exchange.take(exchange.undecided[0])
    ma.mailbox.read_feed()
    assert ma.mailbox.read_feed().alarms == ()


def test_a_withheld_message_shows_as_a_gap(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    dossier = open_dossier(ma)
    fr.mailbox.read_feed()
    composed = fr.compose_reply(dossier, ReplyWish("acknowledge", {}, {}))
    hidden = fr.seal_and_store(composed, ())
    exchange.withhold.add(hidden)
    fr.outbox.send(hidden)
    assert ma.mailbox.read_feed().gaps == ()
    accepted = reply(fr, dossier, "accept")
    gaps = ma.mailbox.read_feed().gaps
    assert [(gap.message, gap.leg) for gap in gaps] == [(accepted, FR)]
    exchange.tell(MA, "message.received", exchange.envelopes[hidden])
    assert ma.mailbox.read_feed().gaps == ()


def test_two_admitted_successors_of_one_envelope_are_a_fork(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    dossier = open_dossier(ma)
    fr.mailbox.read_feed()
    before = dict(exchange.legs)
    first = reply(fr, dossier, "acknowledge")
    exchange.legs = before  # the exchange forgets, and tells another story
    fr.register._db.execute("DELETE FROM links WHERE message = ?", (first,))
    second = reply(fr, dossier, "accept")
    forks = ma.mailbox.read_feed().forks
    assert [fork.messages for fork in forks] == [(first, second)]


def test_an_altered_message_is_an_alarm_and_is_not_recorded(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    open_dossier(ma)
    message = exchange.feeds[FR].items[0]["message"]

    def flip(path: str, body: bytes) -> bytes:
        if path != f"/v1/messages/{message}":
            return body
        document = json.loads(body)
        signature = document["jws"]["signatures"][1]["signature"]
        document["jws"]["signatures"][1]["signature"] = ("B" if signature[0] == "A" else "A") + signature[1:]
        return json.dumps(document).encode()

    exchange.tamper = flip
    first, second = fr.mailbox.read_feed(), fr.mailbox.read_feed()
    for news in (first, second):
        assert [alarm.message for alarm in news.alarms] == [message]
        assert "about other bytes" in news.alarms[0].error.sentence()
    assert fr.register.message(message) is None
    exchange.tamper = lambda path, body: body
    assert fr.mailbox.read_feed().alarms == ()
    assert fr.register.message(message) is not None


def test_an_altered_part_opens_nothing(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    open_dossier(ma)
    fr.mailbox.read_feed()
    message = fr.register.received()[0].message
    exchange.tamper = lambda path, body: bytes([body[0] ^ 1]) + body[1:] if path.endswith("/parts/body") else body
    with pytest.raises(MessageUnverified, match="part-mismatch"):
        fr.mailbox.open(message)
    assert fr.register.received(unopened_only=True)
