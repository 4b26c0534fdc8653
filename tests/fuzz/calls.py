"""Targets: the header fields of a signed call, the cursors that come back from clients, the refusals that clients
read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from client.problems import error_of
from gateway.cursors import (
    encode_dossier_cursor,
    encode_feed_cursor,
    encode_letter_cursor,
    parse_dossier_cursor,
    parse_feed_cursor,
    parse_letter_cursor,
)
from shared.apisig.verify import verify_request
from shared.domain.ids import parse_time
from shared.errors import AnswerRefused, ComityError
from shared.keys.private import Ed25519Signer
from tests.fuzz.target import Target, require_genuine, require_same
from tests.unit.apisig.plain_verifier import plainly_verifies

_GOLDEN = Path(__file__).parents[1] / "unit" / "apisig" / "golden" / "call.json"
_FIELDS = ("Signature-Input", "Signature", "Content-Digest", "Content-Type")
_ID = "019aaa00-0000-7000-8000-000000000001"


@cache
def _golden() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_GOLDEN.read_text(encoding="utf-8"))
    return document


@cache
def _signer() -> Ed25519Signer:
    return Ed25519Signer(hashlib.sha256(_golden()["seed"].encode()).digest())


def _judge_call(data: bytes) -> None:
    """Four fields, each on a line, as the server hands them on: ISO 8859-1."""
    golden, key = _golden(), _signer().public_key()
    headers = dict(zip(_FIELDS, data.decode("latin-1").split("\n"), strict=False))
    body, now = golden["body"].encode(), parse_time(golden["created"])
    call = verify_request(golden["method"], golden["url"], headers, body, {golden["keyid"]: key}.get, now)
    require_genuine(call.signature_text == golden["text"], "another call verifies")
    plainly = plainly_verifies(golden["method"], golden["url"], headers, golden["keyid"], key.raw)
    require_genuine(plainly, "a general verifier refuses what we take")


def _judge_cursor(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    kinds: tuple[tuple[Callable[[str], Any], Callable[[Any], str]], ...] = (
        (parse_feed_cursor, encode_feed_cursor),
        (parse_dossier_cursor, encode_dossier_cursor),
        (parse_letter_cursor, lambda place: encode_letter_cursor(*place)),
    )
    refusal: ComityError | None = None
    for parse, encode in kinds:
        try:
            place = parse(text)
        except ComityError as refused:
            refusal = refused
        else:
            require_same(encode(place), text, "a cursor")
            return
    if refusal is not None:
        raise refusal


def _judge_problem(data: bytes) -> None:
    """The exchange's refusal, as a client tells it to a person."""
    refused = error_of(400, data)
    require_genuine(f"{refused.code} {refused.sentence()}".isprintable(), "a refusal that is more than text")
    if isinstance(refused, AnswerRefused):
        raise refused


def _problems() -> list[bytes]:
    problem = {"type": "/problems/dossier.stale", "title": "Stale", "status": 409, "detail": "Fetch your feed."}
    known = {**problem, "code": "dossier.stale", "facts": {"leg": "BE.PF"}}
    return [json.dumps(each).encode() for each in (known, {**known, "code": "dossier.newer", "facts": {}})]


def _calls() -> list[bytes]:
    return ["\n".join(_golden()["headers"][name] for name in _FIELDS).encode("latin-1")]


def _cursors() -> list[bytes]:
    cursors = (encode_feed_cursor(0), encode_feed_cursor(10**17), encode_dossier_cursor(_ID))
    return [cursor.encode() for cursor in (*cursors, encode_letter_cursor("intake", 42))]


CALL_TARGETS = (
    Target("call", _judge_call, _calls),
    Target("cursor", _judge_cursor, _cursors),
    Target("problem", _judge_problem, _problems, is_json=True),
)
