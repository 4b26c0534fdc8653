"""What a general verifier of RFC 9421 says of a signature: other people's code, without our profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import HTTPMessageSignaturesException, HTTPMessageVerifier, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from typing_extensions import override


@dataclass
class _Received:
    method: str
    url: str
    headers: dict[str, str]


class _AtAnyTime(HTTPMessageVerifier):
    @override
    def validate_created_and_expires(self, sig_input: object, max_age: object = None) -> None:
        pass


def plainly_verifies(method: str, url: str, headers: Mapping[str, str], keyid: str, public: bytes) -> bool:
    """Whether a signature tagged comity-v1 verifies, time and profile apart."""
    keys = MappingKeyResolver(public_keys={keyid: Ed25519PublicKey.from_public_bytes(public)}, private_keys={})
    verifier = _AtAnyTime(signature_algorithm=ED25519, key_resolver=keys)
    try:
        return bool(verifier.verify(_Received(method, url, dict(headers)), expect_tag="comity-v1"))
    except HTTPMessageSignaturesException:
        return False
