"""Every attack of the catalogue is refused, at the stage and with the code that it names."""

from __future__ import annotations

import pytest

from client.opening import OpenedMessage
from shared.envelope.container import parse_submission
from tests.unit.envelope.attacks import CATALOGUE, Attack
from tests.unit.envelope.workshop import Forgery, forge, open_as, read, refusal_of, seal

REASONS = {
    "a-recipient-forwards-the-text-as-its-own": "body does not decrypt",
    "one-who-never-received-it-sends-it-on": "body does not decrypt",
    "recipients-get-unequal-secrets": "committed to",
    "each-recipient-opens-another-part": "committed to",
    "the-commitment-is-of-no-secret": "committed to",
    "a-wrap-is-noise": "not sealed to this key",
    "a-wrap-is-of-another-message": "not sealed to this key",
    "a-part-ends-at-a-chunk": "p1 does not decrypt",
    "two-parts-are-swapped-and-signed": "p1 does not decrypt",
    "the-padding-holds-a-message": "its padding is not zero",
    "the-padding-is-longer-than-padme": "not that of its padding",
    "the-true-length-exceeds-the-part": "not that of its padding",
    "the-body-is-not-strict-json": "a member stands twice",
    "the-body-misstates-an-attachment": "p1 is not what its body says",
    "the-body-hides-an-attachment": "does not list the attachments",
    "an-attachment-climbs-out-of-its-folder": "not a safe file name",
    "an-attachment-reads-backwards": "not a safe file name",
    "a-name-holds-a-nul": "a NUL character",
    "a-text-of-the-body-holds-a-nul": "a NUL character",
    "json-is-nested-deeply": "deeper than 16",
    "an-integer-is-huge": "beyond 53 bits",
    "there-are-too-many-recipients": "number of recipients exceeds the limit of 199",
    "there-are-too-many-wraps": "number of recipients exceeds the limit of 200",
    "there-are-too-many-parts": "number of parts",
    "there-are-ten-thousand-parts": "signed manifest exceeds",
    "ten-thousand-parts-lie-beside": "number of parts",
    "the-submission-is-oversize": "submission exceeds",
    "a-part-inside-is-oversize": "part inside the submission",
    "the-parts-inside-are-oversize-together": "sum of parts",
    "the-signed-manifest-is-oversize": "signed manifest exceeds",
    "the-header-is-oversize": "header exceeds",
    "a-third-signature-is-added": "number of signatures",
    "the-signatures-change-places": "not in the order",
    "a-signature-has-an-unprotected-header": "the unknown member header",
    "a-member-of-the-submission-stands-twice": "the submission is not strict JSON: a member stands twice",
    "a-member-of-the-manifest-stands-twice": "the manifest is not strict JSON: a member stands twice",
    "a-member-of-the-header-stands-twice": "its header is not strict JSON: a member stands twice",
    "a-code-reads-backwards": "header field measures.M1",
    "the-header-holds-a-nul": "a NUL character",
    "base64-is-not-canonical": "ct is not canonical base64url",
    "base64-is-padded": "signature is not base64url",
    "the-part-is-named-by-its-sender": "part 2 is not named p2",
    "a-recipients-key-is-named-twice": "key is named twice",
    "a-size-is-a-boolean": "ct_len is not a size",
    "required-sigs-are-removed": "header field required_sigs: is missing",
    "the-protected-header-carries-a-key": "the unknown member jwk",
    "the-protected-header-is-of-another-type": "with typ comity-env-1+jws",
}
"""Where many attacks share a code, what else the refusal says: each is refused for what it is."""
_SHARED = ("envelope.malformed", "envelope.too-large", "envelope.cannot-open")


@pytest.mark.parametrize("attack", CATALOGUE.values(), ids=CATALOGUE)
def test_an_attack_is_refused_where_and_as_it_says(attack: Attack) -> None:
    stage, refused = refusal_of(attack.make(), attack.now)
    assert (stage, type(refused)) == (attack.stage, attack.refused_with), refused
    assert refused is not None
    assert "<" not in refused.sentence(), "a fact is missing from the sentence"
    assert (attack.name in REASONS) == (refused.code in _SHARED)
    assert REASONS.get(attack.name, "") in refused.sentence()


def test_what_the_attacks_start_from_is_valid() -> None:
    for submission in (forge().submission(), seal().submission):
        assert isinstance(read(submission), OpenedMessage)


def test_unequal_secrets_do_not_stop_the_recipient_whose_secret_is_the_committed_one() -> None:
    received = parse_submission(CATALOGUE["recipients-get-unequal-secrets"].make())
    assert open_as("FR.BEPI", received).attachments


def test_a_reason_that_quotes_the_sender_prints_nothing_but_text() -> None:
    """The sealed body's own words reach the reader's terminal."""
    forgery = Forgery()
    stage, refused = refusal_of(forgery.seal({**forgery.body(), "\x1b[2J\u202e": 1}).sign().submission())
    assert (stage, refused is not None and refused.code) == ("open", "envelope.cannot-open")
    assert refused is not None
    assert refused.sentence().isprintable()
    assert r"the unknown member \x1b[2J\u202e" in refused.sentence()
