"""Questions about signatures in the ledger, and their answers: plain values in and out, for worker processes.

An envelope is asked for steps 4 to 9 of `docs/spec/envelope.md`: both signatures, the exchange, the times, the
recipients' keys. Wraps and parts never stand in the ledger, so steps 10 and 11 stay between the parties. A retrieval is
asked for the signature of its request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from typing_extensions import override

from shared.apisig.request_text import SignedRequest, verify_signed_request_text
from shared.envelope.container import ReceivedEnvelope, parse_envelope
from shared.envelope.valid_keys import valid_keys
from shared.envelope.verify import SigningKey, verify_envelope
from shared.errors import EnvelopeKeyUnknown, Rejection, SenderKeyWaits
from shared.keys.directory import Directory
from shared.keys.public import ED25519_BYTES, Ed25519Public, MLDSA65Public


@dataclass(frozen=True, slots=True)
class EnvelopeQuestion:
    """An envelope, and what the directory said of its sender and readers when it was decided, at `at`."""

    received: ReceivedEnvelope
    exchange: str
    at: datetime
    signing: Mapping[str, bytes]
    sealing_kids: Mapping[str, str]

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """To another process goes the text that was signed, which is read again there: a third of the bytes."""
        return _asked, (self.received.jws_bytes, self.exchange, self.at, dict(self.signing), dict(self.sealing_kids))


@dataclass(frozen=True, slots=True)
class RequestQuestion:
    """The text of a signed call, and the keys by which it may be signed."""

    text: str
    keys: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What does not verify: the stable code, and the sentence."""

    code: str
    why: str


Question = EnvelopeQuestion | RequestQuestion
Answer = Refusal | SignedRequest | None
"""None: there was no question, or the envelope verifies. A request that verifies is its own answer."""


def question_of(received: ReceivedEnvelope, directory: Directory, at: datetime) -> EnvelopeQuestion | None:
    """None when the sender's keys do not count in this directory: then no signature can be asked for."""
    try:
        keys = valid_keys(received, directory, at)
    except SenderKeyWaits:
        return None
    if not keys.signing:
        return None
    signing = {kid: key.raw for kid, key in keys.signing.items()}
    return EnvelopeQuestion(received, directory.exchange, at, signing, keys.sealing)


def answer(question: Question | None) -> Answer:
    """The refusal that these bytes deserve, if any."""
    try:
        if isinstance(question, RequestQuestion):
            keys = question.keys
            return verify_signed_request_text(question.text, lambda kid: _ed25519(keys[kid]) if kid in keys else None)
        if isinstance(question, EnvelopeQuestion):
            verify_envelope(
                question.received,
                exchange=question.exchange,
                now=question.at,
                signing_keys={kid: _key(raw) for kid, raw in question.signing.items()},
                sealing_kids=question.sealing_kids,
                wraps_for=(),
            )
    except Rejection as refused:
        return Refusal(refused.code, refused.sentence())
    return None


def answer_all(questions: Sequence[Question | None]) -> list[Answer]:
    """The answers in order."""
    return [answer(question) for question in questions]


def _asked(jws: bytes, *rest: Any) -> EnvelopeQuestion:
    return EnvelopeQuestion(parse_envelope(jws), *rest)


def _key(raw: bytes) -> SigningKey:
    return _ed25519(raw) if len(raw) == ED25519_BYTES else _mldsa65(raw)


def code_without_keys(received: ReceivedEnvelope, directory: Directory, at: datetime) -> str:
    """The refusal that an envelope without a question deserves."""
    try:
        valid_keys(received, directory, at)
    except SenderKeyWaits as waits:
        return waits.code
    return EnvelopeKeyUnknown.code


@lru_cache(maxsize=1024)
def _ed25519(raw: bytes) -> Ed25519Public:
    """Checking a point costs as much as verifying a signature; a few keys sign many envelopes."""
    return Ed25519Public(raw)


@lru_cache(maxsize=1024)
def _mldsa65(raw: bytes) -> MLDSA65Public:
    return MLDSA65Public(raw)
