"""Questions about signatures in the ledger, and their answers: plain values in and out, for worker processes.

Of an envelope, steps 4 to 9 of `docs/spec/envelope.md` are judged: both signatures, the exchange, the times, the
recipients' keys. Wraps and parts never stand in the ledger, so steps 10 and 11 stay between the parties. Only the
signatures, which cost, are asked; the rest is answered at once. A retrieval is asked for the signature of its request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from shared.apisig.request_text import SignedRequest, verify_signed_request_text
from shared.envelope.container import ReceivedEnvelope
from shared.envelope.encoding import MAX_SKEW_S
from shared.envelope.jws import signing_input
from shared.envelope.valid_keys import valid_keys
from shared.envelope.verify import SigningKey, keys_of_signatures, verify_claims, verify_signed_text
from shared.errors import EnvelopeKeyUnknown, Rejection
from shared.keys.base64url import parse_b64u
from shared.keys.directory import Directory
from shared.keys.public import ED25519_BYTES, Ed25519Public, MLDSA65Public


class EnvelopeQuestion(NamedTuple):
    """What an envelope's two signatures cover, and the keys that must have made them: key, protected header and
    signature of each, as they stand in the JWS. Many go to other processes: what can be decoded there is not here."""

    payload: str
    signatures: tuple[tuple[bytes, str, str], ...]


class RequestQuestion(NamedTuple):
    """The text of a signed call, and the keys by which it may be signed."""

    text: str
    keys: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What does not verify: the stable code, and the sentence."""

    code: str
    why: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of an envelope; or the refusal that comes `before` its signatures. `after` comes after them."""

    question: EnvelopeQuestion | None
    before: Refusal | None = None
    after: Refusal | None = None

    def refusal(self, answer: Refusal | None) -> Refusal | None:
        """The first, in the order of the steps; `answer` is that to the question."""
        return self.before or answer or self.after


Question = EnvelopeQuestion | RequestQuestion
Answer = Refusal | SignedRequest | None
"""None: there was no question, or the signatures are good. A request that verifies is its own answer."""


def ask(received: ReceivedEnvelope, directory: Directory, at: datetime) -> Asked:
    """By the directory of the decision that was made `at` this time."""
    try:
        keys = valid_keys(received, directory, at)
        if not keys.signing:
            raise EnvelopeKeyUnknown(kid="of both algorithms", sender=received.header.sender)
        signers = keys_of_signatures(received, keys.signing)
    except Rejection as refused:
        return Asked(None, before=_refusal(refused))
    signatures = zip(signers, received.jws.signatures, strict=True)
    question = EnvelopeQuestion(
        received.jws.payload_text, tuple((key.raw, one.protected, one.text) for key, one in signatures)
    )
    try:
        verify_claims(received, directory.exchange, at, keys.sealing, MAX_SKEW_S)
    except Rejection as refused:
        return Asked(question, after=_refusal(refused))
    return Asked(question)


def answer(question: Question | None) -> Answer:
    """The refusal that these bytes deserve, if any."""
    try:
        if isinstance(question, RequestQuestion):
            keys = question.keys
            return verify_signed_request_text(question.text, lambda kid: _ed25519(keys[kid]) if kid in keys else None)
        if isinstance(question, EnvelopeQuestion):
            for key, protected, signature in question.signatures:
                verify_signed_text(_key(key), parse_b64u(signature), signing_input(protected, question.payload))
    except Rejection as refused:
        return _refusal(refused)
    return None


def answer_all(questions: Sequence[Question | None]) -> list[Answer]:
    """The answers in order."""
    return [answer(question) for question in questions]


def _refusal(refused: Rejection) -> Refusal:
    return Refusal(refused.code, refused.sentence())


def _key(raw: bytes) -> SigningKey:
    return _ed25519(raw) if len(raw) == ED25519_BYTES else _mldsa65(raw)


@lru_cache(maxsize=1024)
def _ed25519(raw: bytes) -> Ed25519Public:
    """Checking a point costs as much as verifying a signature; a few keys sign many envelopes."""
    return Ed25519Public(raw)


@lru_cache(maxsize=1024)
def _mldsa65(raw: bytes) -> MLDSA65Public:
    return MLDSA65Public(raw)
