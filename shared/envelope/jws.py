"""The signatures around a manifest: JWS General JSON (RFC 7515 §7.2.1) in one canonical byte form.

Rules:
1. `{"payload":"…","signatures":[{"protected":"…","signature":"…"},{…}]}`: that member order, no white space, nothing
   else. An envelope has one text, so that its digest names it.
2. Exactly two signatures: Ed25519 (RFC 9864), then ML-DSA-65 (RFC 9964). No unprotected header.
3. A protected header is `{"alg":"…","kid":"…","typ":"comity-env-1+jws"}`, those members, that byte form: no `crit`, no
   embedded key, no address of a key.

This module verifies no signature.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from shared.envelope.encoding import ALGORITHMS, JWS_TYP, MAX_JWS_BYTES, digest_of
from shared.envelope.fields import read_bytes, read_document, read_list, read_object, read_text
from shared.errors import (
    EnvelopeDowngraded,
    EnvelopeMalformed,
    EnvelopeSignatureMissing,
    EnvelopeTooLarge,
    KeyIdMalformed,
)
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.public import parse_kid

HEADERS_KEPT: Final = 1024
"""Protected headers that are not read again: they are the same in all messages of a party."""
_COMPACT: Final = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class JwsSignature:
    """One signature; `protected` is the base64url text that is signed, `text` that of the signature itself."""

    alg: str
    kid: str
    protected: str
    text: str

    @property
    def value(self) -> bytes:
        return parse_b64u(self.text)


@dataclass(frozen=True, slots=True)
class Jws:
    """`payload` is the signed manifest's bytes and `payload_text` their base64url; `encoded` is the canonical bytes of
    the whole and `digest` their SHA-256 (b64u), the envelope's name everywhere."""

    payload: bytes
    payload_text: str
    signatures: tuple[JwsSignature, JwsSignature]
    encoded: bytes
    digest: str

    @property
    def document(self) -> dict[str, Any]:
        """What `encoded` says, as a document of which it is a part: a decision's leaf."""
        signatures = [{"protected": one.protected, "signature": one.text} for one in self.signatures]
        return {"payload": self.payload_text, "signatures": signatures}


def parse_jws(raw: bytes) -> Jws:
    """The JWS in these bytes, which are its one canonical form.

    Raises EnvelopeTooLarge, EnvelopeMalformed, EnvelopeSignatureMissing, EnvelopeDowngraded.
    """
    if len(raw) > MAX_JWS_BYTES:
        raise _too_large()
    jws = read_jws(read_document(raw, "the signed manifest"))
    if jws.encoded != raw:
        raise EnvelopeMalformed(why="the signed manifest is not in its canonical form")
    return jws


def read_jws(node: object) -> Jws:
    """The JWS in this part of a parsed document, made canonical. Raises as `parse_jws` does."""
    document = read_object(node, ("payload", "signatures"), "the signed manifest")
    payload_text = read_text(document["payload"], "payload")
    signatures = tuple(_read_signature(item) for item in read_list(document["signatures"], 2, "signatures"))
    for alg in ALGORITHMS:
        if not any(signature.alg == alg for signature in signatures):
            raise EnvelopeSignatureMissing(missing=alg)
    first, second = signatures  # both algorithms are there and there are at most two
    if first.alg != ALGORITHMS[0]:
        raise EnvelopeMalformed(why="its signatures are not in the order Ed25519, ML-DSA-65")
    payload = read_bytes(payload_text, "payload")
    encoded = encode_jws(payload_text, signatures)
    if len(encoded) > MAX_JWS_BYTES:
        raise _too_large()
    return Jws(payload, payload_text, (first, second), encoded, digest_of(encoded))


def encode_protected(alg: str, kid: str) -> str:
    """The base64url text of the one protected header for this algorithm and key."""
    return encode_b64u(_protected(alg, kid))


def encode_jws(payload_text: str, signatures: Sequence[JwsSignature]) -> bytes:
    """The canonical bytes (rule 1). All texts are base64url, which JSON writes as they are."""
    signed = ",".join([f'{{"protected":"{one.protected}","signature":"{one.text}"}}' for one in signatures])
    return f'{{"payload":"{payload_text}","signatures":[{signed}]}}'.encode("ascii")


def _protected(alg: str, kid: str) -> bytes:
    return _COMPACT.encode({"alg": alg, "kid": kid, "typ": JWS_TYP}).encode()


def _read_signature(node: object) -> JwsSignature:
    members = read_object(node, ("protected", "signature"), "a signature")
    protected, text = read_text(members["protected"], "protected"), read_text(members["signature"], "signature")
    alg, kid = _read_protected(protected)
    read_bytes(text, "signature")
    return JwsSignature(alg, kid, protected, text)


@lru_cache(HEADERS_KEPT)
def _read_protected(text: str) -> tuple[str, str]:
    """Algorithm and kid."""
    raw = read_bytes(text, "protected")
    header = read_object(read_document(raw, "a protected header"), ("alg", "kid", "typ"), "a protected header")
    alg, kid = read_text(header["alg"], "alg"), read_text(header["kid"], "kid")
    if alg not in ALGORITHMS:
        raise EnvelopeDowngraded()
    if not _is_kid(kid) or raw != _protected(alg, kid):
        raise EnvelopeMalformed(why=f"the protected header of {alg} is not in its canonical form with typ {JWS_TYP}")
    return alg, kid


def _is_kid(text: str) -> bool:
    """A text that is none could be spelled in several ways, escaped or not, and there would be two forms."""
    try:
        parse_kid(text)
    except KeyIdMalformed:
        return False
    return True


def _too_large() -> EnvelopeTooLarge:
    return EnvelopeTooLarge(what="signed manifest", limit=f"{MAX_JWS_BYTES} bytes")
