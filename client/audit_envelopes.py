"""Verifying one logged envelope by the directory of its decision: plain values in and out, for worker processes.

It answers steps 4 to 9 of `docs/spec/envelope.md`: both signatures, the exchange, the times, the recipients' keys.
Wraps and parts never stand in the ledger, so steps 10 and 11 stay between the parties.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from shared.envelope.container import ReceivedEnvelope, parse_envelope
from shared.envelope.verify import SigningKey, verify_envelope
from shared.errors import Rejection
from shared.keys.directory import Directory
from shared.keys.public import Ed25519Public, MLDSA65Public


@dataclass(frozen=True, slots=True)
class Question:
    """The signed manifest, and what the directory said of its sender and readers when it was decided, at `at`."""

    jws: bytes
    exchange: str
    at: datetime
    ed25519: tuple[str, bytes]
    mldsa65: tuple[str, bytes]
    sealing_kids: dict[str, str]


def question_of(received: ReceivedEnvelope, directory: Directory, at: datetime) -> Question | None:
    """None when the sender has no signing keys in this directory: then no signature can be asked for."""
    header = received.header
    keys = directory.signing_keys(header.sender, at)
    if keys is None:
        return None
    sealing = {party: directory.sealing_key(party, at) for party in (*header.recipients, header.sender)}
    return Question(
        jws=received.jws_bytes,
        exchange=directory.exchange,
        at=at,
        ed25519=(keys.ed25519_kid, keys.ed25519.raw),
        mldsa65=(keys.mldsa65_kid, keys.mldsa65.raw),
        sealing_kids={party: key.kid for party, key in sealing.items() if key is not None},
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
        question.ed25519[0]: _ed25519(question.ed25519[1]),
        question.mldsa65[0]: _mldsa65(question.mldsa65[1]),
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
