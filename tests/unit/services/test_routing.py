"""Routing: one mailbox row for each reader, one evidence for each delivery and for the first retrieval."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.routing.handler import MAILBOX_WAIT, RoutingHandler
from shared.audit.leaves import digest_of_leaf
from shared.contracts.messages import (
    EnvelopeAdmitted,
    EnvelopeDelivered,
    EnvelopeRetrieved,
    FeedAdvanced,
    RetrievalRecorded,
)
from shared.contracts.records import Evidence, MailboxEntry, StoredEnvelope
from shared.domain.ids import encode_time, new_uuid7
from shared.envelope.container import parse_submission
from shared.errors import EvidenceInvalid, NotThere, RetryLater
from shared.ports.unit_of_work import Effects, SealedPart
from tests.unit.apisig.signed_calls import proof_of_asking
from tests.unit.envelope.workshop import NOW, party
from tests.unit.services.desk import (
    BE,
    FR,
    MA,
    STRANGER,
    Desk,
    api_key,
    intake,
    leaves_of,
    opened_by,
    reply,
    request,
    submit,
)

SECOND = timedelta(seconds=1)


def admitted(submission: bytes, first: bytes | None = None) -> EnvelopeAdmitted:
    """What intake passes on for this message, after the request `first` if it is a later one."""
    desk = intake() if first is None else opened_by(first)
    sender = parse_submission(submission).header.sender
    [passed_on] = [
        one for one in desk.handle(submit(submission, sender)).publishes if isinstance(one, EnvelopeAdmitted)
    ]
    return passed_on


def retrieved(submission: bytes, recipient: str, at: timedelta = SECOND, by: str | None = None) -> EnvelopeRetrieved:
    """`by` is who signed the call, if not the recipient."""
    message = parse_submission(submission).header.id
    asked = proof_of_asking(f"/v1/messages/{message}", by or recipient, api_key(by or recipient), NOW)
    return EnvelopeRetrieved(message=message, recipient=recipient, request=asked, retrieved_at=encode_time(NOW + at))


def routing() -> Desk:
    return Desk(RoutingHandler())


# --- delivery


def test_an_admitted_envelope_lies_in_the_mailbox_of_each_recipient_and_of_its_sender() -> None:
    submission, desk = request(), routing()
    received = parse_submission(submission)
    effects = desk.handle(admitted(submission))
    entries = {row.reader: row for row in desk.of(MailboxEntry) if isinstance(row, MailboxEntry)}
    assert sorted(entries) == sorted((BE, FR, MA))
    for reader, entry in entries.items():
        assert entry.kid == party(reader).sealing_kid
        assert entry.wrap == received.wraps[entry.kid], "a wrap of its own for each reader"
        assert (entry.delivered_at, entry.retrieved_at) == (NOW, None)
    [envelope] = [row for row in desk.of(StoredEnvelope) if isinstance(row, StoredEnvelope)]
    assert (envelope.jws, envelope.digest, envelope.sender) == (received.jws_bytes, received.digest, MA)
    assert (envelope.dossier, envelope.leg, envelope.kind) == (received.header.dossier, None, "request")
    digests = {part.name: part.ct_sha256 for part in received.manifest.parts}
    sealed = {digests[name]: SealedPart(received.header.id, ct) for name, ct in received.parts.items()}
    assert effects.parts == sealed


def test_each_recipient_has_one_delivery_evidence_and_the_sender_none() -> None:
    submission, desk = request(), routing()
    effects = desk.handle(admitted(submission))
    leaves = leaves_of(effects)
    assert [(leaf.type, leaf.fields["recipient"]) for leaf in leaves] == [
        ("evidence.delivery", BE),
        ("evidence.delivery", FR),
    ]
    assert {leaf.fields["envelope_sha256"] for leaf in leaves} == {parse_submission(submission).digest}
    assert {leaf.fields["route"] for leaf in leaves} == {"unregistered"}, "no registry is loaded here"
    rows = [row for row in desk.of(Evidence) if isinstance(row, Evidence)]
    assert [(row.kind, row.recipient, row.at) for row in rows] == [("delivery", BE, NOW), ("delivery", FR, NOW)]
    assert [row.leaf_digest for row in rows] == [digest_of_leaf(leaf) for leaf in effects.leaves]


def test_the_parties_are_told_with_the_states_that_intake_decided() -> None:
    passed_on = admitted(request())
    [told] = routing().handle(passed_on).publishes
    assert isinstance(told, EnvelopeDelivered)
    assert (told.summary, told.legs, told.delivered_at) == (passed_on.summary, passed_on.legs, encode_time(NOW))


def test_a_message_on_a_leg_reaches_the_other_side_of_that_leg_only() -> None:
    first = request()
    desk = routing()
    desk.handle(admitted(reply(first, "accept", BE), first))
    assert sorted(row.reader for row in desk.of(MailboxEntry) if isinstance(row, MailboxEntry)) == sorted((BE, MA))


def test_the_same_envelope_again_is_not_delivered_twice() -> None:
    passed_on, desk = admitted(request()), routing()
    desk.handle(passed_on)
    assert desk.handle(passed_on, at=NOW + SECOND) == Effects()


# --- retrieval


def test_the_first_retrieval_is_evidence_with_the_request_that_was_signed() -> None:
    submission, desk = request(), routing()
    desk.handle(admitted(submission))
    fetched = retrieved(submission, BE)
    effects = desk.handle(fetched, at=NOW + 2 * SECOND)
    [leaf] = leaves_of(effects)
    assert (leaf.type, leaf.fields["recipient"], leaf.fields["request"]) == ("evidence.retrieval", BE, fetched.request)
    [entry] = effects.updates
    assert isinstance(entry, MailboxEntry)
    assert (entry.reader, entry.retrieved_at) == (BE, NOW + SECOND)
    header = parse_submission(submission).header
    assert effects.publishes == [
        RetrievalRecorded(
            message=header.id, dossier=header.dossier, sender=MA, recipient=BE, retrieved_at=encode_time(NOW + SECOND)
        )
    ]


def test_a_later_retrieval_by_the_same_recipient_adds_nothing_and_another_recipient_has_its_own() -> None:
    submission, desk = request(), routing()
    desk.handle(admitted(submission))
    desk.handle(retrieved(submission, BE))
    assert desk.handle(retrieved(submission, BE, 2 * SECOND)) == Effects()
    assert [leaf.fields["recipient"] for leaf in leaves_of(desk.handle(retrieved(submission, FR)))] == [FR]


def test_a_retrieval_that_overtook_its_delivery_waits_for_it_thirty_seconds() -> None:
    submission, desk = request(), routing()
    fetched = retrieved(submission, BE)
    for waited in (timedelta(0), MAILBOX_WAIT - timedelta(microseconds=1)):
        with pytest.raises(RetryLater):
            desk.handle(fetched, at=NOW + waited, first_at=NOW)
    with pytest.raises(NotThere):
        desk.handle(fetched, at=NOW + MAILBOX_WAIT, first_at=NOW)
    assert not desk.rows
    desk.handle(admitted(submission))
    assert [leaf.type for leaf in leaves_of(desk.handle(fetched))] == ["evidence.retrieval"]


def test_a_retrieval_that_its_recipient_did_not_ask_for_is_no_evidence() -> None:
    """Whatever the gateway says."""
    submission, desk = request(), routing()
    desk.handle(admitted(submission))
    right = retrieved(submission, BE)
    elsewhere = proof_of_asking(f"/v1/messages/{new_uuid7(NOW)}", BE, api_key(BE), NOW)
    for wrong in (
        retrieved(submission, BE, by=FR),
        right.model_copy(update={"request": right.request.replace("GET", "PUT")}),
        right.model_copy(update={"request": elsewhere}),
        right.model_copy(update={"request": ""}),
    ):
        with pytest.raises(EvidenceInvalid):
            desk.handle(wrong)
    assert [leaf.type for leaf in leaves_of(desk.handle(right))] == ["evidence.retrieval"]


def test_nobody_else_is_recorded_as_having_fetched_it() -> None:
    submission, desk = request(), routing()
    desk.handle(admitted(submission))
    with pytest.raises(NotThere):
        desk.handle(retrieved(submission, STRANGER), at=NOW + MAILBOX_WAIT, first_at=NOW)


def test_routing_takes_the_messages_of_its_queue_and_no_other() -> None:
    with pytest.raises(TypeError, match="feed-advanced"):
        routing().handle(FeedAdvanced(authorities=(MA,)))
