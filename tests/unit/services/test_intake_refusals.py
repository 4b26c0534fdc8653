"""Each refusal of intake: its code, its one leaf, the word to the sender, and nothing half done."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.intake.handler import UNKNOWN_DOSSIER_WAIT
from shared.envelope.container import parse_submission
from shared.errors import EnvelopeMalformed, RetryLater
from shared.keys.directory import ROTATION_OVERLAP
from shared.keys.events import draft_event
from shared.keys.waiting import WAIT_FOR_NEW_KEY
from tests.unit.envelope.attacks import CATALOGUE, Attack
from tests.unit.envelope.workshop import NOW
from tests.unit.keys.parties import PartyOnTest
from tests.unit.services.desk import (
    AUDITOR,
    BE,
    ES,
    FR,
    MA,
    STRANGER,
    SUSPENDED,
    assert_rejected,
    intake,
    keys_of,
    leaves_of,
    new_exchange,
    opened_by,
    reply,
    request,
    submit,
)

SECOND = timedelta(seconds=1)


# --- who takes part


def test_the_keys_of_a_recovered_sender_wait_72_hours_in_the_ledgers_time() -> None:
    exchange = new_exchange(BE, FR)
    exchange.enrol(MA)
    entries = PartyOnTest(MA, keys_of(MA)).entries(NOW)
    exchange.admit(exchange.decide(draft_event("recover", exchange.directory, NOW, MA, keys=entries)))
    last = NOW + WAIT_FOR_NEW_KEY
    for logged_at, at in ((None, NOW + timedelta(days=9)), (NOW + SECOND, last)):
        if logged_at is not None:
            exchange.log(logged_at)
        desk, submission = intake(exchange.directory), request()
        effects = desk.handle(submit(submission), at=at)
        assert_rejected(desk, effects, "message.key-waits", submission, spends_id=False)
        told = "72 hours after the ledger logs" if logged_at is None else "2026-11-25T09:30:01"
        assert told in str(effects.publishes[0])
    effects = intake(exchange.directory).handle(submit(request()), at=last + SECOND)
    assert [leaf.type for leaf in leaves_of(effects)] == ["decision.accepted"]


STRANGERS: dict[str, Callable[[], tuple[bytes, str]]] = {
    "a sender that is not enrolled": lambda: (request(sender=STRANGER), "message.unknown-sender"),
    "a suspended sender": lambda: (request(sender=SUSPENDED), "message.unknown-sender"),
    "an auditor as sender": lambda: (request(sender=AUDITOR), "message.unknown-sender"),
    "a recipient that is not enrolled": lambda: (addressed_to(BE, STRANGER), "message.unknown-recipient"),
    "a suspended recipient": lambda: (addressed_to(SUSPENDED), "message.unknown-recipient"),
    "an auditor as recipient": lambda: (addressed_to(BE, AUDITOR), "message.unknown-recipient"),
}


def addressed_to(*recipients: str, **changes: Any) -> bytes:
    basis: dict[str, Any] = {one: {"primary": "untoc", "cited": [], "group": None} for one in recipients}
    return request(recipients=list(recipients), basis=basis, **changes)


@pytest.mark.parametrize("case", STRANGERS)
def test_who_takes_no_part_neither_sends_nor_receives(case: str) -> None:
    desk = intake()
    submission, code = STRANGERS[case]()
    assert_rejected(desk, desk.handle(submit(submission)), code, submission, spends_id=False)


def test_a_sender_whose_signing_keys_have_ended_is_refused_by_its_key() -> None:
    desk, submission = intake(), request(sent_at="2027-11-22T09:30:00Z", expires_at="2028-01-22T09:30:00Z")
    later = NOW + timedelta(days=365)
    assert_rejected(
        desk, desk.handle(submit(submission), at=later), "envelope.key-unknown", submission, spends_id=False
    )


def test_an_envelope_sealed_to_a_key_that_was_renewed_is_accepted_in_the_overlap_alone() -> None:
    exchange = new_exchange(MA, BE, FR)
    lately = exchange.directory
    exchange.rotate(PartyOnTest(BE, keys_of(BE)), "seal-xwing", since=NOW - ROTATION_OVERLAP + timedelta(seconds=1))
    [leaf] = leaves_of(intake(exchange.directory).handle(submit(request())))
    assert leaf.type == "decision.accepted"
    exchange.directory = lately
    exchange.rotate(PartyOnTest(BE, keys_of(BE)), "seal-xwing", since=NOW - ROTATION_OVERLAP)
    desk, submission = intake(exchange.directory), request()
    assert_rejected(desk, desk.handle(submit(submission)), "envelope.recipients-mismatch", submission, spends_id=False)


# --- the envelope

VERIFY_ATTACKS = {name: attack for name, attack in CATALOGUE.items() if attack.stage == "verify"}

SEEN_BEFORE_THE_ENVELOPE = {"it-is-addressed-to-a-stranger": "message.unknown-recipient"}


@pytest.mark.parametrize("attack", VERIFY_ATTACKS.values(), ids=VERIFY_ATTACKS)
def test_an_envelope_that_does_not_verify_is_refused_with_the_code_of_its_fault(attack: Attack) -> None:
    desk, submission = intake(), attack.make()
    effects = desk.handle(submit(submission), at=attack.now)
    code = SEEN_BEFORE_THE_ENVELOPE.get(attack.name, attack.refused_with.code)
    assert_rejected(desk, effects, code, submission, spends_id=False)


def test_every_code_of_verification_is_among_these_attacks() -> None:
    assert {attack.refused_with.code for attack in VERIFY_ATTACKS.values()} >= {
        "envelope.signature-invalid",
        "envelope.key-foreign",
        "envelope.key-unknown",
        "envelope.wrong-exchange",
        "envelope.expired",
        "envelope.future-dated",
        "envelope.recipients-mismatch",
        "envelope.wrap-mismatch",
        "envelope.part-mismatch",
    }


def test_a_part_that_is_not_inside_the_submission_is_missed() -> None:
    document = json.loads(request())
    document["parts"] = document["parts"][:1]
    submission = json.dumps(document).encode()
    desk = intake()
    assert_rejected(desk, desk.handle(submit(submission)), "envelope.part-mismatch", submission, spends_id=False)


def test_what_cannot_be_read_at_all_is_set_aside_by_the_pump_and_decided_by_nobody() -> None:
    with pytest.raises(EnvelopeMalformed):
        intake().handle(submit(b'{"jws":'))


# --- form and place

MOVES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "an unknown profile": (lambda first: request(profile="no-such"), "message.unknown-profile"),
    "an unknown kind": (lambda first: request(kind="no-such"), "message.unknown-kind"),
    "an act with a member too many": (lambda first: request(act={"reason": "x"}), "message.malformed-act"),
    "a basis for a stranger": (lambda first: request(basis={}), "message.inconsistent-header"),
    "a measure that nobody knows": (lambda first: request(measures={"M1": "x"}), "message.inconsistent-header"),
    "a covert measure that shows what it is": (
        lambda first: request(measures={"M1": "interception"}),
        "message.inconsistent-header",
    ),
    "a later message without its leg": (
        lambda first: reply(first, "accept", BE, leg=None),
        "message.inconsistent-header",
    ),
    "a dossier that exists": (
        lambda first: request(dossier=parse_submission(first).header.dossier),
        "dossier.exists",
    ),
    "a dossier that exists, opened by another": (
        lambda first: request(
            dossier=parse_submission(first).header.dossier,
            sender=ES,
            recipients=[FR],
            basis={FR: {"primary": "untoc", "cited": [], "group": None}},
        ),
        "dossier.exists",
    ),
    "a move that saw something else": (lambda first: reply(first, "accept", BE, seen="A" * 43), "dossier.stale"),
    "a move by the wrong side": (lambda first: reply(first, "accept", MA), "dossier.foreign-signer"),
    "an illegal move": (
        lambda first: reply(first, "confirm-receipt", MA),
        "dossier.illegal-move",
    ),
    "a measure of another leg": (
        lambda first: reply(first, "accept", BE, measures={"M2": "testimony"}),
        "dossier.unknown-measure",
    ),
    "a refusal without ground": (lambda first: reply(first, "refuse", BE), "dossier.ground-missing"),
}


@pytest.mark.parametrize("case", MOVES)
def test_a_message_out_of_form_or_place_is_refused_and_its_id_is_spent(case: str) -> None:
    first = request()
    desk = opened_by(first)
    make, code = MOVES[case]
    submission = make(first)
    sender = parse_submission(submission).header.sender
    assert_rejected(desk, desk.handle(submit(submission, sender)), code, submission, spends_id=True)
    genuine = desk.handle(submit(reply(first, "accept", BE), BE))
    assert [leaf.type for leaf in leaves_of(genuine)] == ["decision.accepted"], "the leg is as it was"


def test_a_message_on_an_unknown_dossier_is_tried_again_for_thirty_seconds_and_then_refused() -> None:
    desk, early = intake(), reply(request(), "accept", BE)
    almost = UNKNOWN_DOSSIER_WAIT - timedelta(microseconds=1)
    for waited in (timedelta(0), SECOND, almost):
        with pytest.raises(RetryLater) as later:
            desk.handle(submit(early, BE), at=NOW + waited, first_at=NOW)
        assert later.value.facts["after_s"] == 1.0
        assert not desk.rows, "a message that waits has no effect"
    effects = desk.handle(submit(early, BE), at=NOW + UNKNOWN_DOSSIER_WAIT, first_at=NOW)
    assert_rejected(desk, effects, "dossier.unknown", early, spends_id=True)


def test_a_message_that_overtook_its_dossier_is_accepted_once_that_is_there() -> None:
    desk, first = intake(), request()
    early = reply(first, "accept", BE)
    with pytest.raises(RetryLater):
        desk.handle(submit(early, BE))
    desk.handle(submit(first))
    again = desk.handle(submit(early, BE), at=NOW + SECOND, first_at=NOW)
    assert [leaf.type for leaf in leaves_of(again)] == ["decision.accepted"]


def test_a_stranger_to_a_leg_is_answered_as_if_there_were_no_dossier() -> None:
    """Else a refusal would tell that a dossier of others exists."""
    first, absent = request(), request()
    desk = opened_by(first)
    for dossier in (first, absent):
        stranger = reply(dossier, "accept", ES, recipients=[MA], leg=BE)
        with pytest.raises(RetryLater):
            desk.handle(submit(stranger, ES))
        effects = desk.handle(submit(stranger, ES), at=NOW + UNKNOWN_DOSSIER_WAIT, first_at=NOW)
        assert_rejected(desk, effects, "dossier.unknown", stranger, spends_id=True)


def test_a_leg_that_the_dossier_does_not_have_is_waited_for_like_a_dossier() -> None:
    first = request()
    desk = opened_by(first)
    stranger = reply(first, "accept", ES, leg=ES, recipients=[MA])
    with pytest.raises(RetryLater):
        desk.handle(submit(stranger, ES))
    effects = desk.handle(submit(stranger, ES), at=NOW + UNKNOWN_DOSSIER_WAIT, first_at=NOW)
    assert_rejected(desk, effects, "dossier.unknown", stranger, spends_id=True)
