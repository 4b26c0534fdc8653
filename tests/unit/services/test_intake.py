"""Intake: every submission ends in one decision, and what is refused leaves nothing half done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.intake.directory import RecordDocuments
from services.intake.handler import IntakeHandler
from shared.contracts.messages import EnvelopeAdmitted, EnvelopeDecided, RetrievalRecorded
from shared.contracts.records import Claim, Dossier, LegRecord
from shared.domain.dossier import parse_leg
from shared.domain.ids import encode_time
from shared.envelope.container import parse_submission
from shared.ports.unit_of_work import Effects
from tests.unit.envelope.workshop import ATTACHMENTS, CONTENT, EXCHANGE, NOW, seal
from tests.unit.services.desk import (
    BE,
    FR,
    MA,
    STRANGER,
    assert_rejected,
    digest_of,
    feed_of,
    intake,
    leaves_of,
    new_exchange,
    new_id,
    opened_by,
    reply,
    request,
    sample_registry,
    submit,
)

SECOND = timedelta(seconds=1)


# --- what is accepted


def test_a_request_opens_a_dossier_with_a_leg_for_each_recipient_and_is_passed_on() -> None:
    submission, desk = request(), intake()
    received = parse_submission(submission)
    effects = desk.handle(submit(submission))
    header = received.header
    assert desk.of(Dossier) == [Dossier(header.dossier, MA, "mla-request", header.id, NOW)]
    legs = [row for row in desk.of(LegRecord) if isinstance(row, LegRecord)]
    assert [(leg.requested, leg.requesting, leg.version) for leg in legs] == [(BE, MA, 1), (FR, MA, 1)]
    assert {parse_leg(leg.state).head for leg in legs} == {received.digest}
    [leaf] = leaves_of(effects)
    assert leaf.type == "decision.accepted"
    assert leaf.fields["states"] == [{"measures": {"M1": "submitted"}}]
    assert leaf.fields["envelope_sha256"] == received.digest
    decided, admitted = effects.publishes
    assert isinstance(decided, EnvelopeDecided)
    assert isinstance(admitted, EnvelopeAdmitted)
    assert admitted.jws.encode() == received.jws_bytes
    assert admitted.wraps == received.wraps
    digests = {part.name: part.ct_sha256 for part in received.manifest.parts}
    assert admitted.parts == {digests[name]: sealed for name, sealed in received.parts.items()}
    assert [(leg.leg, leg.status) for leg in admitted.legs] == [(BE, "submitted"), (FR, "submitted")]
    assert [entry.type for entry in feed_of([decided], MA)] == ["message.accepted"]


def test_a_message_sealed_by_the_client_is_accepted() -> None:
    sealed = seal(CONTENT, ATTACHMENTS)
    assert [leaf.type for leaf in leaves_of(intake().handle(submit(sealed.submission)))] == ["decision.accepted"]


def test_a_reply_moves_its_own_leg_and_no_other() -> None:
    first = request()
    desk = opened_by(first)
    before = {row.key(): row for row in desk.of(LegRecord)}
    answer = reply(first, "accept", BE)
    effects = desk.handle(submit(answer, BE), at=NOW + SECOND)
    [leg] = effects.updates
    assert isinstance(leg, LegRecord)
    assert (leg.requested, leg.version, leg.updated_at) == (BE, 2, NOW + SECOND)
    assert parse_leg(leg.state).head == digest_of(answer)
    assert [key for key, row in before.items() if desk.rows[key] != row] == [leg.key()]
    [leaf] = leaves_of(effects)
    assert (leaf.fields["leg"], leaf.fields["states"]) == (BE, [{"measures": {"M1": "accepted"}}])
    assert not desk.of(Dossier)[1:]


def test_a_decision_waits_for_nothing_but_its_turn_and_is_told_with_the_state_of_the_leg() -> None:
    first = request()
    effects = opened_by(first).handle(submit(reply(first, "accept", BE), BE))
    [entry] = feed_of(effects.publishes[:1], BE)
    assert entry.type == "message.accepted"
    assert entry.data["legs"] == [{"leg": BE, "status": "accepted", "measures": {"M1": "accepted"}}]


def test_the_law_warns_and_never_refuses() -> None:
    """A request under an instrument that nobody knows, with a deadline in the past: accepted, and flagged per leg."""
    basis: dict[str, Any]
    basis = {one: {"primary": code, "cited": [], "group": None} for one, code in ((BE, "no-such"), (FR, "ma-fr-2008"))}
    submission = request(basis=basis, act={"deadline": "2020-01-01"})
    [leaf] = leaves_of(intake(registry=sample_registry()).handle(submit(submission)))
    assert leaf.type == "decision.accepted"
    assert leaf.fields["flags"] == [
        "date-in-the-past:be.pf",
        "date-in-the-past:fr.bepi",
        "instrument-unknown:be.pf",
    ]


def test_before_the_first_registry_a_decision_says_that_it_had_none() -> None:
    [leaf] = leaves_of(intake().handle(submit(request())))
    assert leaf.fields["flags"] == ["registry-missing"]


# --- the same again


def test_the_same_bytes_again_have_no_second_effect() -> None:
    for submission, at in ((request(), NOW), (request(expires_at="2026-11-22T09:30:00Z"), NOW)):
        desk = intake()
        desk.handle(submit(submission), at=at)
        rows = dict(desk.rows)
        again = desk.handle(submit(submission), at=at + SECOND)
        assert again == Effects()
        assert desk.rows == rows


def test_other_bytes_under_the_id_of_an_accepted_message_are_refused() -> None:
    first = request()
    desk = opened_by(first)
    header = parse_submission(first).header
    other = request(id=header.id)
    effects = desk.handle(submit(other))
    assert_rejected(desk, effects, "message.id-reused", other, spends_id=False)
    assert desk.of(Claim) == [Claim(header.id, MA, digest_of(first))]


def test_other_bytes_under_the_id_of_a_rejected_message_are_refused_too() -> None:
    desk, message = intake(), new_id()
    desk.handle(submit(request(id=message, profile="no-such-profile")))
    other = request(id=message)
    assert_rejected(desk, desk.handle(submit(other)), "message.id-reused", other, spends_id=False)


def test_an_id_is_not_spent_by_who_cannot_sign_for_its_sender() -> None:
    """Else anybody could burn the ids of others."""
    desk, message = intake(), new_id()
    forged = request(id=message, sender=STRANGER)
    assert_rejected(desk, desk.handle(submit(forged, STRANGER)), "message.unknown-sender", forged, spends_id=False)
    genuine = request(id=message)
    assert [leaf.type for leaf in leaves_of(desk.handle(submit(genuine)))] == ["decision.accepted"]


# --- bounds


@pytest.mark.parametrize("others", [0, 100])
def test_the_largest_request_fits_its_leaf_whatever_the_law_has_to_say_about_its_legs(others: int) -> None:
    """A message without a leaf would have no decision, against the receipt's promise."""
    parties = [f"ZZ.A{number:03d}" for number in range(160)]
    exchange = new_exchange(MA, *parties)
    bases: list[dict[str, Any]] = [
        {"primary": "budapest", "cited": ["no-such"], "group": None},
        {"primary": "reciprocity", "cited": [], "group": None},
    ]
    basis = {one: bases[number < others] for number, one in enumerate(parties)}
    submission = request(recipients=parties, basis=basis, act={"deadline": "2020-01-01"})
    assert len(parse_submission(submission).jws_bytes) > 55_000
    desk = intake(exchange.directory, sample_registry())
    [leaf] = leaves_of(desk.handle(submit(submission)))
    assert leaf.type == "decision.accepted"
    assert {"date-in-the-past", "instrument-unknown", "party-not-bound"} <= set(leaf.fields["flags"])
    assert len(desk.of(LegRecord)) == len(parties)


def test_intake_takes_the_messages_of_its_queue_and_no_other() -> None:
    stray = RetrievalRecorded(
        message=new_id(), dossier=new_id(), sender=MA, recipient=BE, retrieved_at=encode_time(NOW)
    )
    with pytest.raises(TypeError, match="retrieval-recorded"):
        intake().handle(stray)
    assert IntakeHandler(EXCHANGE, RecordDocuments([], 2)).needs(stray) == ()
