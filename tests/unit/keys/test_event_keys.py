"""(6) and (7) of an event's verification: its keys are new to the exchange, and whoever gets them holds them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.ids import encode_time
from shared.keys.base64url import encode_b64u
from shared.keys.event_document import EVENT_DOMAIN, Use
from shared.keys.events import draft_event
from shared.keys.possession import possession_statement, prove_keys
from shared.keys.private import Ed25519Signer, generate_ed25519, generate_xwing
from tests.unit.keys.parties import NOW, YEAR, ExchangeOnTest, PartyOnTest, new_keys, renew
from tests.unit.keys.refused_events import Edit, edited, first_key, refused

# --- (6) acceptable keys, new to the exchange


@pytest.mark.parametrize("use", ["sign-ed25519", "api-ed25519"])
def test_a_small_order_key_is_refused_in_an_event(exchange: ExchangeOnTest, use: str) -> None:
    def weaken(event: dict[str, Any]) -> None:
        key = next(key for key in event["keys"] if key["use"] == use)
        key["public"] = encode_b64u((1).to_bytes(32, "little"))

    event = edited(exchange.draft_enrolment(PartyOnTest("MA.PGR")), weaken)
    refused(exchange, exchange.decide(event), "small order")


def test_one_key_serves_one_use(exchange: ExchangeOnTest) -> None:
    keys = new_keys()
    party = PartyOnTest("MA.PGR", {**keys, "api-ed25519": keys["sign-ed25519"]})
    refused(exchange, exchange.decide(exchange.draft_enrolment(party)), "registered already")


def test_one_key_serves_one_party(exchange: ExchangeOnTest) -> None:
    first = exchange.enrol("MA.PGR")
    second = PartyOnTest("MA.DGSN", {**new_keys(), "seal-xwing": first.keys["seal-xwing"]})
    refused(exchange, exchange.decide(exchange.draft_enrolment(second)), "registered already")


def test_a_key_of_the_past_does_not_come_back(exchange: ExchangeOnTest) -> None:
    first = exchange.enrol("MA.PGR")
    second = exchange.rotate(first, "api-ed25519")
    back = replace(second, keys={**second.keys, "api-ed25519": first.keys["api-ed25519"]})
    event = draft_event("rotate", exchange.directory, NOW, second.id, keys=back.entries(NOW, uses=["api-ed25519"]))
    refused(exchange, second.sign(event), "registered already")


def test_an_operator_key_is_no_party_key(exchange: ExchangeOnTest) -> None:
    party = PartyOnTest("MA.PGR", {**new_keys(), "api-ed25519": exchange.operators[2]})
    refused(exchange, exchange.decide(exchange.draft_enrolment(party)), "registered already")


# --- (7) possession: what the operators alone cannot do


def swap_key(event: dict[str, Any], use: str, public: bytes) -> None:
    next(key for key in event["keys"] if key["use"] == use)["public"] = encode_b64u(public)


OPERATORS_ALONE: dict[str, Edit] = {
    "lengthen a key's life": lambda e: first_key(e).update(not_after=encode_time(NOW + 2 * YEAR)),
    "begin it earlier": lambda e: first_key(e).update(not_before=encode_time(NOW - timedelta(days=1))),
    "spell its time otherwise": lambda e: first_key(e).update(not_before="2026-11-22T09:00:00Z"),
    "give it to another party": lambda e: e.update(party="MA.DGSN"),
    "swap two uses": lambda e: (e["keys"][0].update(use="api-ed25519"), e["keys"][3].update(use="sign-ed25519")),
    "swap the signing key": lambda e: swap_key(e, "sign-ed25519", generate_ed25519().public),
    "swap the sealing key": lambda e: swap_key(e, "seal-xwing", generate_xwing().public),
    "swap the API key": lambda e: swap_key(e, "api-ed25519", generate_ed25519().public),
    "drop half of a voucher": lambda e: e["keys"][2].update(proof=e["keys"][2]["proof"][:1]),
    "double a proof": lambda e: first_key(e).update(proof=first_key(e)["proof"] * 2),
    "break a proof": lambda e: first_key(e).update(proof=["A" * 86]),
    "spell a proof otherwise": lambda e: first_key(e).update(proof=[first_key(e)["proof"][0] + "="]),
}


@pytest.mark.parametrize("edit", OPERATORS_ALONE.values(), ids=OPERATORS_ALONE)
def test_operators_alone_cannot(exchange: ExchangeOnTest, edit: Edit) -> None:
    event = edited(exchange.draft_enrolment(PartyOnTest("MA.PGR")), edit)
    refused(exchange, exchange.decide(event), "proof of possession")


@pytest.mark.parametrize("half", [0, 1], ids=["Ed25519", "ML-DSA-65"])
def test_both_signing_keys_vouch_for_the_sealing_key(exchange: ExchangeOnTest, half: int) -> None:
    """A stolen or broken signing key of one kind does not redirect the mail."""
    party = exchange.enrol("MA.PGR")
    fresh = generate_xwing()
    entry = prove_keys(party.id, {"seal-xwing": fresh}, NOW, NOW + YEAR, party.signers())[0]
    forged = list(entry.proof)
    forged[half] = encode_b64u(renew(party, "sign-ed25519", "sign-mldsa65").signers()[half].sign(b"other"))
    keys = [entry.model_copy(update={"proof": tuple(forged)})]
    event = draft_event("rotate", exchange.directory, NOW, party.id, keys=keys)
    refused(exchange, party.sign(event), "proof of possession")


def test_renewed_signing_keys_vouch_for_the_sealing_key_that_comes_with_them(exchange: ExchangeOnTest) -> None:
    old = exchange.enrol("MA.PGR")
    uses: tuple[Use, ...] = ("sign-ed25519", "sign-mldsa65", "seal-xwing")
    new = renew(old, *uses)
    vouched_by_old = prove_keys(old.id, {"seal-xwing": new.keys["seal-xwing"]}, NOW, NOW + YEAR, old.signers())
    mixed = [*new.entries(uses=uses[:2]), *vouched_by_old]
    refused(exchange, old.sign(draft_event("rotate", exchange.directory, NOW, old.id, keys=mixed)), "possession")
    exchange.admit(old.sign(draft_event("rotate", exchange.directory, NOW, old.id, keys=new.entries(uses=uses))))
    sealing = exchange.directory.sealing_key(old.id, NOW)
    assert sealing is not None
    assert sealing.kid == new.kid("seal-xwing")


def test_the_statement_names_party_use_window_and_key() -> None:
    statement = possession_statement("MA.PGR", "api-ed25519", "a", "b", b"\xff")
    assert statement == b"comity-key-pop/1\x00MA.PGR\x00api-ed25519\x00a\x00b\x00\xff"
    assert EVENT_DOMAIN == b"comity-key-event/1\x00"


def test_a_private_half_that_does_not_fit_its_use_proves_nothing() -> None:
    wrong: dict[Use, Ed25519Signer] = {"sign-mldsa65": generate_ed25519()}
    with pytest.raises(Exception, match="another kind"):
        prove_keys("MA.PGR", wrong, NOW, NOW + YEAR)
    with pytest.raises(Exception, match="vouch"):
        prove_keys("MA.PGR", {"seal-xwing": generate_xwing()}, NOW, NOW + YEAR)
