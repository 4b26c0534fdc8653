"""(5) of an event's verification: a quorum of operators decides, and a party alone renews its own keys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.keys.events import draft_event, encode_event, sign_event
from shared.keys.private import generate_ed25519
from tests.unit.keys.parties import NOW, YEAR, ExchangeOnTest, PartyOnTest, new_keys, renew
from tests.unit.keys.refused_events import refused


def test_one_operator_is_not_enough(exchange: ExchangeOnTest) -> None:
    event = exchange.draft_enrolment(PartyOnTest("MA.PGR"))
    refused(exchange, exchange.decide(event, signers=1), "2 are needed")


def test_the_same_operator_twice_is_not_two(exchange: ExchangeOnTest) -> None:
    event = exchange.draft_enrolment(PartyOnTest("MA.PGR"))
    signature = sign_event(event, exchange.operators[0])
    refused(exchange, encode_event(event, [signature, signature]), "twice")


def test_a_stranger_among_the_operators_refuses_the_event(exchange: ExchangeOnTest) -> None:
    event = exchange.draft_enrolment(PartyOnTest("MA.PGR"))
    signers = [*exchange.operators[:2], generate_ed25519()]
    refused(exchange, encode_event(event, [sign_event(event, signer) for signer in signers]), "not an operator key")


def test_a_signature_for_another_purpose_does_not_count(exchange: ExchangeOnTest) -> None:
    event = exchange.draft_enrolment(PartyOnTest("MA.PGR"))
    good = [sign_event(event, operator) for operator in exchange.operators[:2]]
    bare = replace(good[1], signature=exchange.operators[1].sign(event))
    other = replace(good[1], signature=exchange.operators[1].sign(b"comity-roster/1\x00" + event))
    for wrong in (bare, other):
        refused(exchange, encode_event(event, [good[0], wrong]), "does not verify")


def test_a_quorum_of_none_is_refused(exchange: ExchangeOnTest) -> None:
    document = exchange.decide(exchange.draft_enrolment(PartyOnTest("MA.PGR")))
    refused(exchange, document, "quorum", quorum=0)


def test_all_three_operators_may_be_asked_for(exchange: ExchangeOnTest) -> None:
    event = exchange.draft_enrolment(PartyOnTest("MA.PGR"))
    refused(exchange, exchange.decide(event), "3 are needed", quorum=3)
    assert len(exchange.verify(exchange.decide(event, signers=3), quorum=3).signers) == 3


def test_new_keys_are_signed_by_the_old(exchange: ExchangeOnTest) -> None:
    old = exchange.enrol("MA.PGR")
    new = renew(old, "sign-ed25519", "sign-mldsa65")
    keys = new.entries(uses=["sign-ed25519", "sign-mldsa65"])
    event = draft_event("rotate", exchange.directory, NOW, old.id, keys=keys)
    refused(exchange, new.sign(event), "signing keys of MA.PGR")
    refused(exchange, exchange.decide(event), "signing keys of MA.PGR")
    admitted = exchange.admit(old.sign(event))
    assert admitted.signers == (old.kid("sign-ed25519"), old.kid("sign-mldsa65"))


@pytest.mark.parametrize("broken", [0, 1], ids=["Ed25519", "ML-DSA-65"])
def test_a_rotation_needs_both_algorithms(exchange: ExchangeOnTest, broken: int) -> None:
    party = exchange.enrol("MA.PGR")
    keys = renew(party, "api-ed25519").entries(uses=["api-ed25519"])
    event = draft_event("rotate", exchange.directory, NOW, party.id, keys=keys)
    signatures = [sign_event(event, signer, party.id) for signer in party.signers()]
    refused(exchange, encode_event(event, [signatures[1 - broken]]), "exactly the two")
    refused(exchange, encode_event(event, signatures[::-1]), "exactly the two")
    signatures[broken] = replace(signatures[broken], signature=bytes(len(signatures[broken].signature)))
    refused(exchange, encode_event(event, signatures), "does not verify")


def test_another_party_cannot_rotate_my_keys(exchange: ExchangeOnTest) -> None:
    mine, theirs = exchange.enrol("MA.PGR"), exchange.enrol("FR.BEPI")
    keys = renew(mine, "api-ed25519").entries(uses=["api-ed25519"])
    event = draft_event("rotate", exchange.directory, NOW, mine.id, keys=keys)
    refused(exchange, theirs.sign(event), "signing keys of MA.PGR")


def test_rotated_keys_cannot_rotate_again(exchange: ExchangeOnTest) -> None:
    old = exchange.enrol("MA.PGR")
    exchange.rotate(old, "sign-ed25519", "sign-mldsa65")
    keys = renew(old, "api-ed25519").entries(uses=["api-ed25519"])
    refused(exchange, old.sign(draft_event("rotate", exchange.directory, NOW, old.id, keys=keys)), "signing keys of")


def test_expired_signing_keys_cannot_rotate_and_are_recovered_by_operators(exchange: ExchangeOnTest) -> None:
    old = exchange.enrol("MA.PGR")
    later = NOW + YEAR
    new = replace(old, keys=new_keys())
    keys = new.entries(later)
    refused(exchange, old.sign(draft_event("rotate", exchange.directory, later, old.id, keys=keys)), "in force")
    recovery = draft_event("recover", exchange.directory, later, old.id, keys=keys)
    refused(exchange, old.sign(recovery), "not an operator key")
    assert exchange.admit(exchange.decide(recovery)).type == "recover"
    signing = exchange.directory.signing_keys(old.id, later)
    assert signing is not None
    assert signing.ed25519_kid == new.kid("sign-ed25519")
