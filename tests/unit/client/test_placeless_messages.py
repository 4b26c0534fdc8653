"""A message that is shown before its decision stands in the ledger is taken for now, and judged again by its place."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from shared.domain.ids import encode_time
from shared.errors import MessageUnverified, NotThere
from tests.unit.client.letters import FR, MA, a_request, open_dossier
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.test_swapped_keys import new_entries


def no_proofs(path: str, body: bytes) -> bytes:
    """An exchange that shows what happened, and no place of it in the ledger."""
    if not path.endswith("/evidences"):
        return body
    document = json.loads(body)
    return json.dumps({**document, "items": [{**one, "proof": None} for one in document["items"]]}).encode()


@pytest.fixture
def message(exchange: PaperExchange, tmp_path: Path) -> str:
    """Taken by Paris, which was shown no proof."""
    open_dossier(exchange.correspond(MA, tmp_path))
    exchange.tamper = no_proofs
    assert alarms(exchange, tmp_path) == []
    found = exchange.feeds[FR].items[0]["message"]
    assert isinstance(found, str)
    return found


def alarms(exchange: PaperExchange, home: Path) -> list[tuple[str, str]]:
    """What a client says that starts now, reads the feed and ends: each message, and the code."""
    with exchange.correspond(FR, home) as fr:
        return [(alarm.message, alarm.error.code) for alarm in fr.mailbox.read_feed().alarms]


def logged_at(exchange: PaperExchange, home: Path, message: str) -> str | None:
    with exchange.correspond(FR, home) as fr:
        return fr.register.places.logged_at(message)


def show_proofs(exchange: PaperExchange) -> None:
    exchange.tamper = lambda path, body: body


def test_a_message_whose_proof_never_comes_is_an_alarm_after_an_hour_and_at_every_reading(
    exchange: PaperExchange, tmp_path: Path, message: str
) -> None:
    exchange.pass_time(3600)
    assert alarms(exchange, tmp_path) == []
    exchange.pass_time(1)
    assert alarms(exchange, tmp_path) == [(message, "client.message-not-logged")]
    assert alarms(exchange, tmp_path) == [(message, "client.message-not-logged")]
    show_proofs(exchange)
    assert alarms(exchange, tmp_path) == []


def test_an_exchange_that_tells_nothing_of_a_message_any_more_proves_nothing(
    exchange: PaperExchange, tmp_path: Path, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgotten(_: str) -> bytes:
        raise NotThere()

    monkeypatch.setattr(exchange, "_evidences", forgotten)
    exchange.pass_time(3601)
    assert alarms(exchange, tmp_path) == [(message, "client.message-not-logged")]


def test_the_hour_is_of_the_own_clock_whatever_the_exchange_says(exchange: PaperExchange, tmp_path: Path) -> None:
    open_dossier(exchange.correspond(MA, tmp_path))
    late = encode_time(exchange.now + timedelta(days=900)).encode()

    def dated_ahead(path: str, body: bytes) -> bytes:
        given = json.loads(body) if path.startswith("/v1/messages/") else {}
        body = body.replace(given["delivered_at"].encode(), late) if "delivered_at" in given else body
        return no_proofs(path, body)

    exchange.tamper = dated_ahead
    assert alarms(exchange, tmp_path) == []
    exchange.pass_time(3601)
    assert [code for _, code in alarms(exchange, tmp_path)] == ["client.message-not-logged"]


def test_a_place_that_comes_later_is_kept_and_not_asked_for_again(
    exchange: PaperExchange, tmp_path: Path, message: str
) -> None:
    assert logged_at(exchange, tmp_path, message) is None
    show_proofs(exchange)
    assert alarms(exchange, tmp_path) == []
    assert logged_at(exchange, tmp_path, message) == encode_time(exchange.now)
    exchange.calls.clear()
    exchange.pass_time(7200)
    assert alarms(exchange, tmp_path) == []
    assert not [call for call in exchange.calls if "evidences" in call]


@pytest.mark.parametrize(("index", "why"), [(3, "without key event 4"), (4, "envelope.key-unknown")])
def test_a_message_whose_keys_had_ended_when_it_was_logged_is_an_alarm_that_stays(
    exchange: PaperExchange, tmp_path: Path, message: str, index: int, why: str
) -> None:
    """Shown while the keys counted, and put into the ledger after the operators gave its sender others."""
    exchange.pass_time(60)
    exchange.record_event("recover", MA, keys=new_entries(exchange, MA))
    exchange.pass_time(600)
    late = exchange.log_decision(exchange.envelopes[message], None, exchange.legs.values(), directory_index=index)
    exchange.decisions[message]["leaf_index"] = late
    show_proofs(exchange)
    for _ in range(2):
        with exchange.correspond(FR, tmp_path) as fr:
            (alarm,) = fr.mailbox.read_feed().alarms
            assert (alarm.message, alarm.error.code) == (message, "client.message-unverified")
            assert why in alarm.error.sentence()
            with pytest.raises(MessageUnverified):
                fr.mailbox.open(message)
    assert logged_at(exchange, tmp_path, message) is None


def test_a_register_from_before_places_were_kept_asks_for_them(exchange: PaperExchange, tmp_path: Path) -> None:
    open_dossier(exchange.correspond(MA, tmp_path))
    assert alarms(exchange, tmp_path) == []
    message = exchange.feeds[FR].items[0]["message"]
    with exchange.correspond(FR, tmp_path) as fr:
        fr.register._db.execute("DROP TABLE places")
    exchange.tamper = no_proofs
    assert alarms(exchange, tmp_path) == []
    exchange.pass_time(3601)
    assert alarms(exchange, tmp_path) == [(message, "client.message-not-logged")]
    show_proofs(exchange)
    assert alarms(exchange, tmp_path) == []
    assert logged_at(exchange, tmp_path, message) is not None


def sent(exchange: PaperExchange, home: Path, *, is_spent: bool = False) -> str:
    """By Rabat, which reads of the decision and is shown no proof of it. What has a spent id is rejected."""
    with exchange.correspond(MA, home) as ma:
        message = ma.seal_and_store(ma.compose_request(a_request(), [FR], "quadripartite"), ())
        if is_spent:
            exchange.spent[message] = "of other bytes"
        ma.outbox.send(message)
    exchange.tamper = no_proofs
    assert own_alarms(exchange, home) == []
    return message


def own_alarms(exchange: PaperExchange, home: Path) -> list[tuple[str, str]]:
    with exchange.correspond(MA, home) as ma:
        return [(alarm.message, alarm.error.code) for alarm in ma.mailbox.read_feed().alarms]


@pytest.mark.parametrize("is_spent", [False, True], ids=["accepted", "rejected"])
def test_a_sender_believes_no_decision_for_longer_than_an_hour_that_the_ledger_does_not_hold(
    exchange: PaperExchange, tmp_path: Path, is_spent: bool
) -> None:
    message = sent(exchange, tmp_path, is_spent=is_spent)
    exchange.pass_time(3601)
    assert own_alarms(exchange, tmp_path) == [(message, "client.message-not-logged")]
    show_proofs(exchange)
    assert own_alarms(exchange, tmp_path) == []
    exchange.calls.clear()
    assert own_alarms(exchange, tmp_path) == []
    assert not [call for call in exchange.calls if "evidences" in call]


def test_a_sender_who_was_told_of_an_acceptance_is_alarmed_by_a_rejection_in_the_ledger(
    exchange: PaperExchange, tmp_path: Path
) -> None:
    message = sent(exchange, tmp_path)
    exchange.decisions[message]["leaf_index"] = exchange.log_decision(
        exchange.envelopes[message], "message.expired", exchange.legs.values()
    )
    show_proofs(exchange)
    assert own_alarms(exchange, tmp_path) == [(message, "client.message-unverified")]
