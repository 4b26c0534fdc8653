"""The generator's own signing text is the profile's: the exchange's verifier takes it, and no other call for it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from starlette.datastructures import Headers

from bench.signed_calls import SignedCalls
from shared.apisig.verify import verify_request
from shared.errors import CallDigestMismatch, CallSignatureInvalid
from shared.keys.private import Ed25519Signer

ORIGIN = "http://127.0.0.1:8470"
SEED = bytes(range(32))
KEY = Ed25519Signer(SEED)


def parse(request: bytes) -> tuple[str, str, Headers, bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    raw = [(name.lower().encode(), value.encode()) for name, value in (field.split(": ", 1) for field in fields)]
    return method, target, Headers(raw=raw), body


def verify(method: str, target: str, headers: Headers, body: bytes) -> str:
    verified = verify_request(method, ORIGIN + target, headers, body, lambda _: KEY.public_key(), datetime.now(UTC))
    return verified.keyid


def test_a_rendered_submission_verifies_as_the_call_of_its_party() -> None:
    request = SignedCalls(ORIGIN, "MA.PGR", SEED).post_message(b'{"v":1}')
    assert verify(*parse(request)) == KEY.kid("MA.PGR")


def test_a_rendered_read_verifies_with_its_query() -> None:
    method, target, headers, body = parse(SignedCalls(ORIGIN, "MA.PGR", SEED).get("/v1/feed?limit=500&wait=5"))
    assert verify(method, target, headers, body) == KEY.kid("MA.PGR")
    with pytest.raises(CallSignatureInvalid):
        verify(method, "/v1/feed?limit=500&wait=0", headers, body)


def test_other_bytes_than_the_signed_ones_do_not_pass() -> None:
    method, target, headers, body = parse(SignedCalls(ORIGIN, "MA.PGR", SEED).post_message(b'{"v":1}'))
    with pytest.raises(CallDigestMismatch):
        verify(method, target, headers, body + b" ")


def test_two_calls_never_share_a_nonce() -> None:
    calls = SignedCalls(ORIGIN, "MA.PGR", SEED)
    inputs = {parse(calls.get("/v1/feed"))[2]["signature-input"] for _ in range(100)}
    assert len(inputs) == 100
