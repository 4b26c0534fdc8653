"""What verification promises beyond the attacks: boundaries, what each reader must hold, and the type of its answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.envelope.container import parse_envelope, parse_submission
from shared.envelope.verify import VerifiedEnvelope, verify_signatures
from shared.errors import (
    EnvelopeExpired,
    EnvelopeFutureDated,
    EnvelopeKeyUnknown,
    EnvelopeRecipientsMismatch,
    EnvelopeSignatureInvalid,
    EnvelopeWrapMismatch,
)
from tests.unit.envelope.workshop import (
    NOW,
    PARTIES,
    Forgery,
    forge,
    party,
    seal,
    sealing_kids_of,
    signing_keys_of,
    verify,
)


def test_a_verified_envelope_keeps_what_was_signed() -> None:
    sealed = seal()
    received = parse_submission(sealed.submission)
    verified = verify(received)
    assert verified.digest == sealed.digest
    assert verified.jws_bytes == received.jws_bytes
    assert verified.signing_kids == party("MA.PGR").signing_kids
    assert verified.absent_parts == ()


def test_nobody_else_makes_a_verified_envelope() -> None:
    verified = verify(parse_submission(seal().submission))
    with pytest.raises(TypeError):
        replace(verified, _proof=object())
    with pytest.raises(TypeError):
        VerifiedEnvelope(
            header=verified.header,
            manifest=verified.manifest,
            jws_bytes=b"",
            digest="",
            wraps={},
            parts={},
            absent_parts=(),
            signing_kids=("", ""),
            context=b"",
            _proof=None,
        )


def test_an_auditor_verifies_both_signatures_from_the_jws_alone() -> None:
    received = parse_submission(seal().submission)
    again = verify_signatures(received.jws_bytes, signing_keys_of("MA.PGR"))
    assert (again.header, again.digest) == (received.header, received.digest)


def test_an_auditor_with_other_keys_of_the_sender_verifies_nothing() -> None:
    received = parse_submission(seal().submission)
    with pytest.raises(EnvelopeKeyUnknown):
        verify_signatures(received.jws_bytes, signing_keys_of("BE.PF"))
    first, second = party("MA.PGR").signing_kids
    swapped = dict(zip((first, second), signing_keys_of("BE.PF").values(), strict=True))
    with pytest.raises(EnvelopeSignatureInvalid):
        verify_signatures(received.jws_bytes, swapped)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_signing_key_that_is_not_passed_in_does_not_count(missing: int) -> None:
    keys = signing_keys_of("MA.PGR")
    del keys[party("MA.PGR").signing_kids[missing]]
    with pytest.raises(EnvelopeKeyUnknown):
        verify(parse_submission(seal().submission), signing_keys=keys)


def test_the_future_begins_after_the_skew() -> None:
    received = parse_submission(seal(sent_at="2026-11-22T09:32:00Z").submission)
    verify(received)
    with pytest.raises(EnvelopeFutureDated):
        verify(received, now=NOW - timedelta(microseconds=1))
    with pytest.raises(EnvelopeFutureDated):
        verify(received, max_skew_s=119)


def test_an_envelope_lives_until_the_moment_it_expires() -> None:
    received = parse_submission(seal(expires_at="2026-11-22T09:30:01Z").submission)
    verify(received, now=NOW + timedelta(microseconds=999_999))
    with pytest.raises(EnvelopeExpired):
        verify(received, now=NOW + timedelta(seconds=1))


def test_the_exchange_wants_every_wrap_and_a_recipient_its_own() -> None:
    received = parse_submission(seal().submission)
    own = party("BE.PF").sealing_kid
    fetched = parse_envelope(received.jws_bytes, {own: received.wraps[own]}, received.parts)
    verify(fetched, wraps_for=[own])
    with pytest.raises(EnvelopeWrapMismatch):
        verify(fetched)
    with pytest.raises(EnvelopeWrapMismatch):
        verify(parse_envelope(received.jws_bytes, {}, received.parts), wraps_for=[own])


def test_a_wrap_for_nobody_is_asked_for_in_vain() -> None:
    with pytest.raises(EnvelopeWrapMismatch):
        verify(parse_submission(seal().submission), wraps_for=["BE.PF#nothing"])


def test_parts_that_lie_elsewhere_are_named() -> None:
    received = parse_submission(seal().submission)
    body_only = parse_envelope(received.jws_bytes, received.wraps, {"body": received.parts["body"]})
    assert [part.name for part in verify(body_only).absent_parts] == ["p1", "p2"]


def test_keys_stand_in_the_order_of_the_header_and_the_sender_last() -> None:
    forgery = Forgery().seal()
    forgery.wraps = dict(reversed(forgery.wraps.items()))
    with pytest.raises(EnvelopeRecipientsMismatch, match="order"):
        verify(parse_submission(forgery.list_parts().sign().submission()))


def test_an_authority_whose_sealing_key_was_rotated_must_be_sealed_to_anew() -> None:
    kids = {**sealing_kids_of(*PARTIES), "BE.PF": "BE.PF#" + "A" * 43}
    with pytest.raises(EnvelopeRecipientsMismatch, match=r"not sealed to BE\.PF#AAA"):
        verify(parse_submission(seal().submission), sealing_kids=kids)


def test_what_is_signed_is_judged_before_what_it_says() -> None:
    forgery = forge(exchange="elsewhere.example/log", expires_at="2026-11-22T09:29:01Z")
    forgery.jws["signatures"] = forge().jws["signatures"]
    with pytest.raises(EnvelopeSignatureInvalid):
        verify(parse_submission(forgery.submission()))
