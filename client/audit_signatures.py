"""Questions about signatures in the ledger, and their answers: plain values in and out, for worker processes.

A worker starts for this module alone, and loads no model and no rule of the exchange: what is asked here was read
before. Key and signature of an envelope belong together by `audit_envelopes.py`; a request is read and judged here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from shared.apisig.request_text import SignedRequest, verify_signed_request_text
from shared.envelope.signed_text import SigningKey, signing_input, verify_signed_text
from shared.errors import Rejection
from shared.keys.base64url import parse_b64u
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


class Refusal(NamedTuple):
    """What does not verify: the stable code, and the sentence."""

    code: str
    why: str


Question = EnvelopeQuestion | RequestQuestion
Answer = Refusal | SignedRequest | None
"""None: there was no question, or the signatures are good. A request that verifies is its own answer."""


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
        return refusal_of(refused)
    return None


def answer_all(questions: Sequence[Question | None]) -> list[Answer]:
    """The answers in order."""
    return [answer(question) for question in questions]


def refusal_of(refused: Rejection) -> Refusal:
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
