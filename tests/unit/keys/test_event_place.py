"""(3) and (4) of an event's verification: it has one place in the chain, and its party may undergo it there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.ids import encode_time
from shared.errors import KeyEventRefused
from shared.keys.base64url import encode_b64u
from shared.keys.directory import Directory
from shared.keys.events import draft_event, replay_events
from shared.keys.possession import prove_keys
from shared.keys.private import generate_ed25519
from shared.keys.signed_document import parse_signed_document
from tests.unit.keys.parties import EXCHANGE, NOW, YEAR, ExchangeOnTest, PartyOnTest, renew
from tests.unit.keys.refused_events import Edit, edited, refused


def test_an_enrolment_makes_a_party(exchange: ExchangeOnTest) -> None:
    party = PartyOnTest("MA.PGR")
    document = exchange.decide(exchange.draft_enrolment(party))
    event = exchange.admit(document)
    assert (event.type, event.seq, event.prev, event.party, event.role) == ("enrol", 1, None, "MA.PGR", "authority")
    assert event.document == document
    assert len(event.signers) == 2
    assert {key.use: key.kid for key in event.keys} == {use: party.kid(use) for use in party.keys}


# --- (3) its place


PLACE_FAULTS: dict[str, tuple[Edit, str]] = {
    "another exchange": (lambda e: e.update(exchange="other.test/log"), "exchange"),
    "number skipped": (lambda e: e.update(seq=e["seq"] + 1), "number"),
    "first again": (lambda e: e.update(prev=None), "predecessor"),
    "number repeated": (lambda e: e.update(seq=e["seq"] - 1, prev=None), "number"),
    "other predecessor": (lambda e: e.update(prev="A" * 43), "predecessor"),
    "dated before the last": (lambda e: e.update(at=encode_time(NOW - timedelta(microseconds=1))), "dated"),
}


@pytest.mark.parametrize(("fault", "why"), PLACE_FAULTS.values(), ids=PLACE_FAULTS)
def test_an_event_out_of_place_is_refused(exchange: ExchangeOnTest, fault: Edit, why: str) -> None:
    exchange.enrol("MA.PGR")
    event = edited(exchange.draft_enrolment(PartyOnTest("FR.BEPI")), fault)
    refused(exchange, exchange.decide(event), why)


def test_an_event_is_admitted_once(exchange: ExchangeOnTest) -> None:
    exchange.enrol("MA.PGR")
    refused(exchange, exchange.documents[0], "number 1, the next is 2")


# --- (4) the party may undergo it


def test_a_party_is_enrolled_once(exchange: ExchangeOnTest) -> None:
    exchange.enrol("MA.PGR")
    refused(exchange, exchange.decide(exchange.draft_enrolment(PartyOnTest("MA.PGR"))), "enrolled already")


@pytest.mark.parametrize("type_", ["suspend", "reinstate"])
def test_a_stranger_is_neither_suspended_nor_reinstated(exchange: ExchangeOnTest, type_: Any) -> None:
    refused(exchange, exchange.decide(draft_event(type_, exchange.directory, NOW, "MA.PGR")), "not enrolled")


def test_suspension_and_reinstatement_alternate(exchange: ExchangeOnTest) -> None:
    party = exchange.enrol("MA.PGR")
    refused(exchange, exchange.decide(draft_event("reinstate", exchange.directory, NOW, party.id)), "not suspended")
    exchange.suspend(party)
    refused(exchange, exchange.decide(draft_event("suspend", exchange.directory, NOW, party.id)), "suspended")
    exchange.reinstate(party)
    assert exchange.directory.index == 3


def test_a_suspended_party_cannot_rotate_its_keys(exchange: ExchangeOnTest) -> None:
    party = exchange.enrol("MA.PGR")
    exchange.suspend(party)
    keys = renew(party, "api-ed25519").entries(uses=["api-ed25519"])
    refused(exchange, party.sign(draft_event("rotate", exchange.directory, NOW, party.id, keys=keys)), "suspended")


def test_an_auditor_is_given_no_other_key_than_its_api_key(exchange: ExchangeOnTest) -> None:
    auditor = exchange.enrol_auditor("MA.CDC")
    keys = prove_keys(auditor.id, {"sign-ed25519": generate_ed25519()}, NOW, NOW + YEAR)
    event = draft_event("recover", exchange.directory, NOW, auditor.id, keys=keys)
    refused(exchange, exchange.decide(event), "API key only")


# --- replay


def test_a_replay_gives_the_directory_again_and_finds_the_first_forgery(exchange: ExchangeOnTest) -> None:
    first = exchange.enrol("MA.PGR")
    exchange.enrol("FR.BEPI")
    exchange.rotate(first, "api-ed25519")
    exchange.suspend(first)
    again = replay_events(exchange.documents, exchange.operator_keys, 2, Directory.empty(EXCHANGE))
    assert (again.index, again.head) == (4, exchange.directory.head)
    assert again.parties() == exchange.directory.parties()
    without_one = [exchange.documents[0], *exchange.documents[2:]]
    with pytest.raises(KeyEventRefused, match="next is 2"):
        replay_events(without_one, exchange.operator_keys, 2, Directory.empty(EXCHANGE))
    strangers = [generate_ed25519().public_key() for _ in range(2)]
    with pytest.raises(KeyEventRefused, match="not an operator key"):
        replay_events(exchange.documents, strangers, 2, Directory.empty(EXCHANGE))


def test_the_chain_is_over_the_event_not_over_who_signed_it(exchange: ExchangeOnTest) -> None:
    event = exchange.draft_enrolment(PartyOnTest("MA.PGR"))
    two, three = exchange.decide(event), exchange.decide(event, signers=3)
    assert exchange.verify(two).digest == exchange.verify(three).digest
    assert encode_b64u(parse_signed_document(two).digest()) == exchange.verify(two).digest
