"""Software that is not ours verifies both signatures of an envelope."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jwcrypto.jwk import JWK  # type: ignore[import-untyped]  # it ships no types
from jwcrypto.jws import JWS, InvalidJWSSignature  # type: ignore[import-untyped]  # it ships no types

from shared.envelope.container import ReceivedEnvelope, parse_submission
from shared.keys.base64url import encode_b64u
from tests.unit.envelope.workshop import party, seal

KEYS = {
    "Ed25519": {"kty": "OKP", "crv": "Ed25519", "x": encode_b64u(party("MA.PGR").ed25519.public)},
    "ML-DSA-65": {"kty": "AKP", "alg": "ML-DSA-65", "pub": encode_b64u(party("MA.PGR").mldsa65.public)},
}


def verified_by_jwcrypto(received: ReceivedEnvelope, index: int, alg: str) -> Any:
    """What one of the two signatures covers. Raises InvalidJWSSignature."""
    document = json.loads(received.jws_bytes)
    one = {"payload": document["payload"], **document["signatures"][index]}
    token = JWS()
    token.allowed_algs = list(KEYS)
    token.deserialize(json.dumps(one), JWK(**KEYS[alg]))
    assert json.loads(token.objects["protected"])["kid"] == party("MA.PGR").signing_kids[index]
    return token.payload


@pytest.mark.parametrize(("index", "alg"), list(enumerate(KEYS)))
def test_jwcrypto_verifies_each_signature(index: int, alg: str) -> None:
    received = parse_submission(seal().submission)
    assert verified_by_jwcrypto(received, index, alg) == received.manifest.encoded


@pytest.mark.parametrize(("index", "alg"), list(enumerate(KEYS)))
def test_jwcrypto_refuses_each_signature_over_another_payload(index: int, alg: str) -> None:
    document = json.loads(parse_submission(seal().submission).jws_bytes)
    one = {"payload": encode_b64u(b"another"), **document["signatures"][index]}
    token = JWS()
    token.allowed_algs = list(KEYS)
    with pytest.raises(InvalidJWSSignature):
        token.deserialize(json.dumps(one), JWK(**KEYS[alg]))
