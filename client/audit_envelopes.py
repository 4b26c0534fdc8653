"""Verifying one logged envelope by the directory of its decision: plain values in and out, for worker processes.

It answers steps 4 to 9 of `docs/spec/envelope.md`: both signatures, the exchange, the times, the recipients' keys.
Wraps and parts never stand in the ledger, so steps 10 and 11 stay between the parties.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from shared.envelope.container import ReceivedEnvelope, parse_envelope
from shared.envelope.valid_keys import valid_keys
from shared.envelope.verify import SigningKey, verify_envelope
from shared.errors import Rejection
from shared.keys.directory import Directory
from shared.keys.public import ED25519_BYTES, Ed25519Public, MLDSA65Public


@dataclass(frozen=True, slots=True)
class Question:
    """The signed manifest, and what the directory said of its sender and readers when it was decided, at `at`."""

    jws: bytes
    exchange: str
    at: datetime
    signing: dict[str, bytes]
    sealing_kids: dict[str, str]


def question_of(received: ReceivedEnvelope, directory: Directory, at: datetime) -> Question | None:
    """None when the sender has no signing keys in this directory: then no signature can be asked for."""
    keys = valid_keys(received, directory, at)
    if not keys.signing:
        return None
    return Question(
        jws=received.jws_bytes,
        exchange=directory.exchange,
        at=at,
        signing={kid: key.raw for kid, key in keys.signing.items()},
        sealing_kids=dict(keys.sealing),
    )


@lru_cache(maxsize=1024)
def _ed25519(raw: bytes) -> Ed25519Public:
    """Checking a point costs as much as verifying a signature; a few keys sign many envelopes."""
    return Ed25519Public(raw)


@lru_cache(maxsize=1024)
def _mldsa65(raw: bytes) -> MLDSA65Public:
    return MLDSA65Public(raw)


def answer(question: Question) -> str | None:
    """The code of the refusal that these bytes deserve, None when they verify."""
    keys: dict[str, SigningKey] = {
        kid: _ed25519(raw) if len(raw) == ED25519_BYTES else _mldsa65(raw) for kid, raw in question.signing.items()
    }
    try:
        verify_envelope(
            parse_envelope(question.jws),
            exchange=question.exchange,
            now=question.at,
            signing_keys=keys,
            sealing_kids=question.sealing_kids,
            wraps_for=(),
        )
    except Rejection as refused:
        return refused.code
    return None


def answer_all(questions: list[Question | None]) -> list[str | None]:
    """The answers in order; None also where there was no question."""
    return [None if question is None else answer(question) for question in questions]
