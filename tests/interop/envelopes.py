"""One envelope before two readers: ours, and the one in JavaScript; what each makes of it, in the same words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from client.sealing import Attachment
from shared.domain.ids import encode_time
from shared.envelope.container import parse_submission
from shared.errors import ComityError
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.private import Ed25519Signer, MLDSA65Signer
from tests.interop.javascript import JavaScript, RefusedThere
from tests.unit.envelope.workshop import EXCHANGE, NOW, PARTIES, open_as, party, sealing_kids_of, verify

Outcome = tuple[str, str]
"""The stage that an envelope reaches (parse, verify, open, opened) and the code that refuses it there; opened, its
digest."""


def seeds_of(authority: str) -> dict[str, str]:
    keys = party(authority)
    assert isinstance(keys.ed25519, Ed25519Signer)
    assert isinstance(keys.mldsa65, MLDSA65Signer)
    return {
        "Ed25519": encode_b64u(keys.ed25519.seed),
        "ML-DSA-65": encode_b64u(keys.mldsa65.seed),
        "X-Wing": encode_b64u(sealing_seed_of(authority)),
    }


def sealing_seed_of(authority: str) -> bytes:
    seed: bytes = party(authority).sealing.key.seed  # type: ignore[attr-defined]  # a software key, made by the workshop
    return seed


def circumstances(now: datetime = NOW) -> dict[str, Any]:
    keys = {}
    for authority in PARTIES:
        held = party(authority)
        for alg, signer in (("Ed25519", held.ed25519), ("ML-DSA-65", held.mldsa65)):
            keys[signer.kid(authority)] = {"alg": alg, "raw": encode_b64u(signer.public)}
    return {"keys": keys, "sealing": sealing_kids_of(*PARTIES), "exchange": EXCHANGE, "now": encode_time(now)}


def opened_by_javascript(
    there: JavaScript, submission: bytes, reader: str, now: datetime = NOW, uploaded: Mapping[str, bytes] | None = None
) -> Any:
    """Its digest, content and attachments. Raises RefusedThere."""
    return there.ask(
        "open",
        submission=encode_b64u(submission),
        circumstances=circumstances(now),
        kid=party(reader).sealing_kid,
        seed=encode_b64u(sealing_seed_of(reader)),
        uploaded={name: encode_b64u(ct) for name, ct in (uploaded or {}).items()},
    )


def opened_by_python(
    submission: bytes, reader: str, now: datetime = NOW, uploaded: Mapping[str, bytes] | None = None
) -> Any:
    """The same of ours. Raises ComityError."""
    received = parse_submission(submission)
    received = replace(received, parts={**received.parts, **(uploaded or {})})
    verify(received, now=now)
    opened = open_as(reader, received, now=now)
    return {"digest": received.digest, "content": opened.content, "attachments": listed(opened.attachments)}


def listed(attachments: Any) -> list[dict[str, str]]:
    return [{"name": one.name, "media_type": one.media_type, "data": encode_b64u(one.data)} for one in attachments]


def sealed_by_javascript(
    there: JavaScript, header: bytes, content: Any, attachments: list[Attachment], sender: str, **further: Any
) -> bytes:
    """A submission with all its parts. Raises RefusedThere."""
    return sealed_with_uploads(there, header, content, attachments, sender, **further)[0]


def sealed_with_uploads(
    there: JavaScript, header: bytes, content: Any, attachments: list[Attachment], sender: str, **further: Any
) -> tuple[bytes, dict[str, bytes]]:
    """A submission, and the parts that must be uploaded before it, by name. Raises RefusedThere."""
    answer = there.ask(
        "seal",
        header=header.decode(),
        content=content,
        attachments=listed(attachments),
        seeds=seeds_of(sender),
        sealing={authority: encode_b64u(party(authority).sealing.public) for authority in PARTIES},
        **further,
    )
    return parse_b64u(answer["submission"]), {name: parse_b64u(ct) for name, ct in answer["uploads"].items()}


def outcome_in_python(submission: bytes, now: datetime = NOW, reader: str = "BE.PF") -> Outcome:
    stage = "parse"
    try:
        received = parse_submission(submission)
        stage = "verify"
        verify(received, now=now)
        stage = "open"
        open_as(reader, received, now=now)
    except ComityError as refused:
        return stage, refused.code
    return "opened", received.digest


def outcome_in_javascript(there: JavaScript, submission: bytes, now: datetime = NOW, reader: str = "BE.PF") -> Outcome:
    try:
        return "opened", opened_by_javascript(there, submission, reader, now)["digest"]
    except RefusedThere as refused:
        return refused.stage, refused.code
