"""Keys in other hands, as a reader and a sender learn of it: at once, although the exchange holds the proof back, and
afterwards, of what was taken already.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from shared.errors import ComityError, KeyInDoubt, RecipientKeyEnded, SignedWhenCompromised
from shared.keys.directory import Compromise
from tests.unit.client.letters import FR, MA, a_request, open_dossier
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.test_placeless_messages import alarms, no_proofs
from tests.unit.client.test_swapped_keys import new_entries

SIGNING = ("sign-ed25519", "sign-mldsa65")


def without_places_from(seq: int) -> Callable[[str, bytes], bytes]:
    """An exchange that shows every key event, and holds back the proof of some."""

    def tamper(path: str, body: bytes) -> bytes:
        if path != "/v1/key-events":
            return body
        items = json.loads(body)["items"]
        return json.dumps({"items": [one for one in items if one["seq"] < seq]}).encode()

    return tamper


def take_signing_keys(exchange: PaperExchange, party: str, since: datetime) -> None:
    known = exchange.directory.party(party)
    assert known is not None
    kids = tuple(one.kid for use in SIGNING if (one := known.current(use, exchange.now)) is not None)  # type: ignore[arg-type]
    exchange.record_event("compromise", party, compromise=Compromise(kids, since))


@pytest.fixture
def letter(exchange: PaperExchange, tmp_path: Path) -> tuple[str, datetime]:
    """A thief's, and since when the keys are his."""
    since = exchange.now
    exchange.pass_time(60)
    open_dossier(exchange.correspond(MA, tmp_path))
    message = exchange.feeds[FR].items[0]["message"]
    exchange.pass_time(60)
    return message, since


def test_a_letter_is_not_believed_because_the_proof_of_the_compromise_is_held_back(
    exchange: PaperExchange, tmp_path: Path, letter: tuple[str, datetime]
) -> None:
    message, since = letter
    take_signing_keys(exchange, MA, since)
    exchange.tamper = without_places_from(4)
    assert alarms(exchange, tmp_path) == [(message, "client.signed-when-compromised")]
    with exchange.correspond(FR, tmp_path) as fr, pytest.raises(SignedWhenCompromised):
        fr.mailbox.open(message)


def test_a_letter_without_a_place_is_not_believed_under_keys_that_an_unproven_event_ends(
    exchange: PaperExchange, tmp_path: Path, letter: tuple[str, datetime]
) -> None:
    message, _ = letter
    exchange.record_event("recover", MA, keys=new_entries(exchange, MA))
    hold_back = without_places_from(4)
    exchange.tamper = lambda path, body: hold_back(path, no_proofs(path, body))
    assert alarms(exchange, tmp_path) == [(message, "client.key-in-doubt")]


def test_an_acceptance_long_after_an_event_that_was_seen_here_must_know_it_proven_or_not(
    exchange: PaperExchange, tmp_path: Path
) -> None:
    exchange.record_event("suspend", "BE.PF")
    exchange.tamper = without_places_from(4)
    assert alarms(exchange, tmp_path) == []
    exchange.pass_time(600)
    open_dossier(exchange.correspond(MA, tmp_path))
    message = exchange.feeds[FR].items[0]["message"]
    without = exchange.log_decision(exchange.envelopes[message], None, exchange.legs.values(), directory_index=3)
    exchange.decisions[message]["leaf_index"] = without
    with exchange.correspond(FR, tmp_path) as fr:
        (alarm,) = fr.mailbox.read_feed().alarms
    assert "without key event 4" in alarm.error.sentence()


def test_what_was_opened_is_an_alarm_once_its_keys_are_known_to_have_been_in_other_hands(
    exchange: PaperExchange, tmp_path: Path, letter: tuple[str, datetime]
) -> None:
    message, since = letter
    with exchange.correspond(FR, tmp_path) as fr:
        assert fr.mailbox.read_feed().alarms == ()
        fr.mailbox.open(message)
    exchange.pass_time(60)
    take_signing_keys(exchange, MA, since)
    for _ in range(2):
        assert alarms(exchange, tmp_path) == [(message, "client.signed-when-compromised")]


def test_what_was_signed_before_is_no_alarm(
    exchange: PaperExchange, tmp_path: Path, letter: tuple[str, datetime]
) -> None:
    assert alarms(exchange, tmp_path) == []
    take_signing_keys(exchange, MA, exchange.now)
    assert alarms(exchange, tmp_path) == []


def test_a_decision_that_names_a_key_event_of_later_is_refused(
    exchange: PaperExchange, tmp_path: Path, letter: tuple[str, datetime]
) -> None:
    message, _ = letter
    exchange.record_event("suspend", "BE.PF")
    later = exchange.log_decision(
        exchange.envelopes[message], None, exchange.legs.values(), directory_index=exchange.directory.index + 1
    )
    exchange.decisions[message]["leaf_index"] = later
    exchange.pass_time(1)
    exchange.record_event("reinstate", "BE.PF")
    with exchange.correspond(FR, tmp_path) as fr:
        (alarm,) = fr.mailbox.read_feed().alarms
    assert "which was logged after it" in alarm.error.sentence()


def stored(exchange: PaperExchange, home: Path) -> str:
    """Sealed to Paris, and not sent yet."""
    with exchange.correspond(MA, home) as ma:
        return ma.seal_and_store(ma.compose_request(a_request(), [FR], "quadripartite"), ())


def sent(exchange: PaperExchange, home: Path, message: str) -> ComityError | None:
    exchange.calls.clear()
    with exchange.correspond(MA, home) as ma:
        return ma.outbox.resume()[message]


@pytest.mark.parametrize("is_proven", [True, False])
def test_what_waited_is_not_sent_to_a_key_that_was_taken_away_meanwhile(
    exchange: PaperExchange, tmp_path: Path, is_proven: bool
) -> None:
    message = stored(exchange, tmp_path)
    exchange.record_event("recover", FR, keys=new_entries(exchange, FR))
    if not is_proven:
        exchange.tamper = without_places_from(4)
    refused = sent(exchange, tmp_path, message)
    assert isinstance(refused, RecipientKeyEnded if is_proven else KeyInDoubt)
    assert not [call for call in exchange.calls if call.startswith("POST")]
    with exchange.correspond(MA, tmp_path) as ma:
        assert ma.register.undecided() == [message]


def test_what_waited_is_sent_under_keys_that_stand(exchange: PaperExchange, tmp_path: Path) -> None:
    assert sent(exchange, tmp_path, stored(exchange, tmp_path)) is None
    assert [call for call in exchange.calls if call.startswith("POST")]
