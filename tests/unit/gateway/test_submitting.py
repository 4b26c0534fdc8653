"""A submission is refused at once where that needs no state, else kept by the bus, and answered once it is decided."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from client.sealing import SealedMessage
from shared.apisig.receipts import verify_receipt
from shared.contracts.api import Accepted
from shared.contracts.api import Decision as DecisionAnswer
from shared.contracts.messages import SubmitEnvelope
from shared.errors import Busy, StoreUnavailable
from tests.unit.envelope.workshop import header_document
from tests.unit.gateway.fakes import MESSAGE, NOW
from tests.unit.gateway.letters import (
    CONTENT_TYPE,
    PATH,
    a_letter,
    decided,
    header_with,
    seconds_from_now,
    with_members,
)
from tests.unit.gateway.world import World, code_of


async def post(world: World, body: bytes, name: str = "MA.PGR") -> Any:
    return await world.post(name, PATH, body, CONTENT_TYPE)


async def test_a_letter_is_kept_by_the_bus_and_receipted(world: World) -> None:
    letter = a_letter()
    response = await post(world, letter.submission)
    assert response.status_code == 202
    assert response.headers["location"] == f"/v1/messages/{MESSAGE}/decision"
    assert response.headers["cache-control"] == "no-store"
    accepted = Accepted.model_validate_json(response.content)
    receipt = verify_receipt(accepted.receipt, world.receipt_signer.public_key())
    assert (receipt.sender, receipt.message, receipt.envelope_sha256) == ("MA.PGR", MESSAGE, letter.digest)
    assert receipt.exchange == world.trust.origin
    assert (receipt.received_at, receipt.decide_by) == (NOW, NOW + timedelta(hours=1))
    [kept] = world.bus.kept
    assert isinstance(kept, SubmitEnvelope)
    assert kept.submission == letter.submission
    assert (kept.caller, kept.receipt) == ("MA.PGR", accepted.receipt)
    assert (kept.received_at, kept.decide_by) == ("2026-11-22T09:30:00.000000Z", "2026-11-22T10:30:00.000000Z")


async def test_nothing_is_receipted_that_the_bus_does_not_keep(world: World) -> None:
    world.bus.failure = Busy(retry_after_s=2)
    response = await post(world, a_letter().submission)
    assert response.status_code == 503
    assert code_of(response) == "call.busy"
    assert response.headers["retry-after"] == "2"
    assert "receipt" not in response.text


async def test_a_store_that_does_not_answer_is_a_busy_exchange(world: World) -> None:
    await world.get("MA.PGR", "/v1/feed")
    world.queries.failure = StoreUnavailable(why="connection to 10.0.0.7 lost")
    response = await post(world, a_letter().submission)
    assert response.status_code == 503
    assert code_of(response) == "call.busy"
    assert "10.0.0.7" not in response.text
    assert world.bus.kept == []


# --- refused by what it is -------------------------------------------------------------------------------------------


Make = Callable[[SealedMessage], bytes]

REFUSED_BY_FORM: dict[str, tuple[Make, int, str]] = {
    "empty object": (lambda letter: b"{}", 400, "envelope.malformed"),
    "no JSON": (lambda letter: b"\xff\xfe", 400, "envelope.malformed"),
    "truncated": (lambda letter: letter.submission[: len(letter.submission) // 2], 400, "envelope.malformed"),
    "a member twice": (lambda letter: b'{"parts":[],' + letter.submission[1:], 400, "envelope.malformed"),
    "unknown member": (lambda letter: with_members(letter.submission, extra=1), 400, "envelope.malformed"),
    "unknown header field": (lambda letter: header_with(note="x"), 400, "envelope.unknown-field"),
    "no sender": (lambda letter: header_with(sender=None), 400, "envelope.malformed"),
    "one signature": (
        lambda letter: with_members(letter.submission, jws=first_signature_only(letter.submission)),
        422,
        "envelope.signature-missing",
    ),
    "other suite": (lambda letter: header_with(suite="comity-env/0"), 422, "envelope.downgraded"),
    "one signature asked for": (lambda letter: header_with(required_sigs=["Ed25519"]), 422, "envelope.downgraded"),
    "too many recipients": (lambda letter: header_with(recipients=["BE.PF"] * 300), 413, "envelope.too-large"),
}


def first_signature_only(submission: bytes) -> dict[str, Any]:
    jws: dict[str, Any] = json.loads(submission)["jws"]
    return {**jws, "signatures": jws["signatures"][:1]}


@pytest.mark.parametrize("case", REFUSED_BY_FORM)
async def test_a_malformed_envelope_is_refused_at_once(world: World, case: str) -> None:
    make, status, code = REFUSED_BY_FORM[case]
    response = await post(world, make(a_letter()))
    assert code_of(response) == code
    assert response.status_code == status
    assert world.bus.kept == []


REFUSED_BY_HEADER = {
    "another exchange": ({"exchange": "other.example/log"}, "envelope.wrong-exchange"),
    "expired": ({"sent_at": seconds_from_now(-7200), "expires_at": seconds_from_now(-1)}, "envelope.expired"),
    "expires this moment": (
        {"sent_at": seconds_from_now(-7200), "expires_at": seconds_from_now(0)},
        "envelope.expired",
    ),
    "dated ahead": ({"sent_at": seconds_from_now(121)}, "envelope.future-dated"),
}


@pytest.mark.parametrize("case", REFUSED_BY_HEADER)
async def test_an_envelope_for_elsewhere_or_another_time_is_refused_at_once(world: World, case: str) -> None:
    changes, code = REFUSED_BY_HEADER[case]
    response = await post(world, a_letter(**changes).submission)
    assert code_of(response) == code
    assert response.status_code == 422
    assert world.bus.kept == []


async def test_a_clock_two_minutes_ahead_is_tolerated(world: World) -> None:
    assert (await post(world, a_letter(sent_at=seconds_from_now(120)).submission)).status_code == 202


async def test_nobody_submits_in_anothers_name(world: World) -> None:
    response = await post(world, a_letter().submission, name="BE.PF")
    assert response.status_code == 403
    assert code_of(response) == "call.sender-mismatch"
    assert world.bus.kept == []


async def test_an_auditor_submits_nothing(world: World) -> None:
    assert code_of(await post(world, a_letter().submission, name="MA.AUDIT")) == "call.not-permitted"


# --- the same id again -----------------------------------------------------------------------------------------------


async def test_the_same_bytes_before_the_decision_are_kept_again(world: World) -> None:
    letter = a_letter()
    first, second = await post(world, letter.submission), await post(world, letter.submission)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["receipt"] == second.json()["receipt"]
    assert len(world.bus.kept) == 2


@pytest.mark.parametrize("decision", ["accepted", "rejected"])
async def test_the_same_bytes_after_the_decision_return_it_with_the_original_receipt(
    world: World, decision: str
) -> None:
    letter = a_letter()
    world.queries.decisions["MA.PGR", MESSAGE] = decided(letter, decision)
    response = await post(world, letter.submission)
    assert response.status_code == 200
    answer = DecisionAnswer.model_validate_json(response.content)
    assert (answer.decision, answer.receipt, answer.leaf_index) == (decision, "the.original.receipt", 7)
    assert world.bus.kept == []


async def test_the_same_bytes_return_the_decision_after_the_message_expired(world: World) -> None:
    letter = a_letter()
    world.queries.decisions["MA.PGR", MESSAGE] = decided(letter)
    world.clock.advance(timedelta(days=60).total_seconds())
    assert (await post(world, letter.submission)).status_code == 200


async def test_other_bytes_under_a_decided_id_are_refused(world: World) -> None:
    world.queries.decisions["MA.PGR", MESSAGE] = decided(a_letter())
    response = await post(world, a_letter().submission)  # the same header, sealed anew
    assert response.status_code == 409
    assert code_of(response) == "message.id-reused"
    assert response.json()["facts"] == {"message": MESSAGE}
    assert world.bus.kept == []


async def test_the_id_of_another_sender_tells_nothing(world: World) -> None:
    """FR.BEPI sends under the id of a message that MA.PGR has sent: only intake may say that it is spent."""
    world.queries.decisions["MA.PGR", MESSAGE] = decided(a_letter())
    other = a_letter(sender="FR.BEPI", recipients=["BE.PF"], basis={"BE.PF": header_document()["basis"]["BE.PF"]})
    assert (await post(world, other.submission, name="FR.BEPI")).status_code == 202


async def test_a_rejection_says_why_in_words(world: World) -> None:
    world.queries.decisions["MA.PGR", MESSAGE] = decided(a_letter(), "rejected", leaf_index=None)
    response = await world.get("MA.PGR", f"/v1/messages/{MESSAGE}/decision")
    answer = DecisionAnswer.model_validate_json(response.content)
    assert (answer.code, answer.leaf_index) == ("dossier.stale", None)
    assert answer.sentence is not None
    assert answer.sentence.startswith("Something happened on the leg BE.PF")
