"""What crosses the bus: every message has one name, one closed form, and comes back as it was sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from shared.contracts import messages
from shared.contracts.messages import ServiceMessage
from shared.contracts.registry import MODELS, encode_message, parse_message
from shared.domain.ids import encode_time, new_uuid7
from shared.errors import FrameRefused, MessageTypeUnknown
from tests.unit.envelope.workshop import NOW

ID, AT, DIGEST = new_uuid7(NOW), encode_time(NOW), "A" * 43
EVERY_BYTE = bytes(range(256)) + "ترجمة".encode()
SUMMARY = messages.Summary(
    message=ID,
    digest=DIGEST,
    dossier=ID,
    profile="mla-request",
    kind="request",
    sender="MA.PGR",
    recipients=("BE.PF", "FR.BEPI"),
    leg=None,
    measures={"M1": "bank-data"},
    urgency="routine",
    in_reply_to=None,
    sent_at=AT,
    expires_at=AT,
)
LEGS = (messages.LegStatus(leg="BE.PF", status="accepted", measures={"M1": "accepted"}),)
SAMPLES: list[ServiceMessage] = [
    messages.SubmitEnvelope(submission=EVERY_BYTE, caller="MA.PGR", received_at=AT, decide_by=AT, receipt="a.b.c"),
    messages.RecordKeyEvent(event=EVERY_BYTE, received_at=AT),
    messages.RecordInstruments(document=b"", received_at=AT),
    messages.RecordReading(auditor="MA.AUDIT", request="signed", read_at=AT),
    messages.RecordRefusals(
        since=AT, until=AT, refused=(messages.RefusedCalls(code="call.unsigned", party=None, count=2),)
    ),
    messages.RecordGatewayStart(process=ID, version="0.1.0", started_at=AT, roster_sha256=DIGEST),
    messages.RecordGatewayStop(process=ID, stopped_at=AT),
    messages.EnvelopeAdmitted(
        summary=SUMMARY,
        jws='{"payload":"e30"}',
        wraps={"BE.PF#k": EVERY_BYTE},
        parts={DIGEST: EVERY_BYTE},
        admitted_at=AT,
        legs=LEGS,
    ),
    messages.EnvelopeDecided(
        summary=SUMMARY,
        decision="rejected",
        code="dossier.stale",
        sentence="Es ist überholt — متجاوز",
        facts={"leg": "BE.PF"},
        decided_at=AT,
        legs=(),
    ),
    messages.EnvelopeDelivered(summary=SUMMARY, delivered_at=AT, legs=LEGS),
    messages.EnvelopeRetrieved(message=ID, recipient="BE.PF", request='"@method": GET\n', retrieved_at=AT),
    messages.LimitPassed(
        said="non-delivery",
        falls=AT,
        message=ID,
        dossier=ID,
        sender="MA.PGR",
        recipient="BE.PF",
        struck_at=AT,
        tell=("MA.PGR",),
    ),
    messages.RetrievalRecorded(message=ID, dossier=ID, sender="MA.PGR", recipient="BE.PF", retrieved_at=AT),
    messages.ClockStruck(
        event="overdue",
        falls=AT,
        dossier=ID,
        leg="BE.PF",
        message=ID,
        debtor="BE.PF",
        measures=("M1",),
        owed="decide",
        basis="law",
        due=AT,
        calendar="be.1",
        struck_at=AT,
        tell=("BE.PF", "MA.PGR"),
    ),
    messages.FeedAdvanced(authorities=("MA.PGR",)),
    messages.RetryIntakeLetter(letter=17, request='"@method": POST\n', requested_at=AT),
    messages.RetryRoutingLetter(letter=1, request='"@method": POST\n', requested_at=AT),
    messages.RetryNotificationLetter(letter=2**53 - 1, request='"@method": POST\n', requested_at=AT),
]
by_type = pytest.mark.parametrize("sample", SAMPLES, ids=[sample.TYPE for sample in SAMPLES])


def test_every_message_that_is_defined_is_registered_under_its_own_name_and_stands_in_these_tests() -> None:
    assert set(MODELS.values()) == set(ServiceMessage.__subclasses__()) == {type(sample) for sample in SAMPLES}
    assert all(key == (model.TYPE, model.VERSION) for key, model in MODELS.items())
    assert len({model.TYPE for model in MODELS.values()}) == len(MODELS)


@by_type
def test_a_message_comes_back_as_it_was_sent(sample: ServiceMessage) -> None:
    assert parse_message(sample.TYPE, sample.VERSION, encode_message(sample)) == sample


@by_type
def test_a_member_too_many_or_too_few_is_refused_by_its_name(sample: ServiceMessage) -> None:
    document: dict[str, Any] = json.loads(encode_message(sample))
    for changed, named in (({**document, "note": 1}, "note"), (dict(list(document.items())[1:]), next(iter(document)))):
        with pytest.raises(FrameRefused, match=f"field {named}"):
            parse_message(sample.TYPE, sample.VERSION, json.dumps(changed).encode())


@by_type
def test_a_message_does_not_change(sample: ServiceMessage) -> None:
    field = next(iter(type(sample).model_fields))
    with pytest.raises(ValidationError):
        setattr(sample, field, getattr(sample, field))


@pytest.mark.parametrize(("type_", "version"), [("submit-envelope", 2), ("no-such", 1), ("SubmitEnvelope", 1)])
def test_an_unknown_type_or_version_is_not_guessed(type_: str, version: int) -> None:
    with pytest.raises(MessageTypeUnknown):
        parse_message(type_, version, encode_message(SAMPLES[0]))


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b'"x"', b"{", b"\xff", b'{"authorities":["MA.PGR"]}}'])
def test_what_is_no_object_of_the_form_is_refused(data: bytes) -> None:
    with pytest.raises(FrameRefused):
        parse_message("feed-advanced", 1, data)


@pytest.mark.parametrize(
    ("field", "value"),
    [("message", "x"), ("recipient", "be.pf"), ("retrieved_at", "2026-11-22T09:30:00"), ("retrieved_at", 5)],
)
def test_ids_and_times_have_their_form(field: str, value: object) -> None:
    document = json.loads(encode_message(next(one for one in SAMPLES if isinstance(one, messages.EnvelopeRetrieved))))
    with pytest.raises(FrameRefused, match=f"field {field}"):
        parse_message("envelope-retrieved", 1, json.dumps({**document, field: value}).encode())


def test_a_refusal_does_not_quote_what_was_sent() -> None:
    with pytest.raises(FrameRefused) as refused:
        parse_message("feed-advanced", 1, b'{"authorities":["a secret"]}')
    assert "secret" not in str(refused.value)
