"""What is posted and what is fetched: a JWS with the wraps and sealed parts that lie beside it.

Rules:
1. A submission is `{"jws": {…}, "wraps": [{"kid", "wrap"}], "parts": [{"name", "ct"}]}`, strict JSON, closed, bounded.
   Parts that were uploaded before are absent from `parts`.
2. `ReceivedEnvelope` is parsed and bounded, and nothing in it is proven: whoever decides on it verifies it first.

Steps 1 to 3 of the verification (form, signatures' form, suite) are the parsing itself; `verify.py` holds the others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.header import Header, parse_header
from shared.envelope.encoding import (
    MAX_INLINE_BYTES,
    MAX_INLINE_PART_BYTES,
    MAX_PARTS,
    MAX_SUBMISSION_BYTES,
    MAX_WRAPS,
    WRAP_BYTES,
    header_context,
)
from shared.envelope.fields import read_bytes, read_document, read_list, read_object, read_text
from shared.envelope.jws import Jws, parse_jws, read_jws
from shared.envelope.manifest import Manifest, parse_manifest
from shared.errors import EnvelopeMalformed, EnvelopeTooLarge
from shared.keys.base64url import encode_b64u


@dataclass(frozen=True, slots=True)
class ReceivedEnvelope:
    """Parsed, bounded, nothing proven. `wraps` maps a sealing kid to its wrap, `parts` a name to its ciphertext."""

    header: Header
    manifest: Manifest
    jws: Jws
    wraps: Mapping[str, bytes]
    parts: Mapping[str, bytes]

    @property
    def jws_bytes(self) -> bytes:
        """The canonical bytes of the signed manifest: what the ledger keeps."""
        return self.jws.encoded

    @property
    def digest(self) -> str:
        """SHA-256 (b64u) of `jws_bytes`: what `seen`, receipts, leaves and claims name."""
        return self.jws.digest

    @property
    def context(self) -> bytes:
        """45 bytes under which everything was sealed."""
        return header_context(self.manifest.header)


def parse_submission(body: bytes) -> ReceivedEnvelope:
    """The envelope in the body of a POST.

    Raises EnvelopeTooLarge, EnvelopeMalformed, EnvelopeUnknownField, EnvelopeDowngraded, EnvelopeSignatureMissing.
    """
    if len(body) > MAX_SUBMISSION_BYTES:
        raise EnvelopeTooLarge(what="submission", limit=f"{MAX_SUBMISSION_BYTES} bytes")
    document = read_object(read_document(body, "the submission"), ("jws", "wraps", "parts"), "the submission")
    return _received(read_jws(document["jws"]), _read_wraps(document["wraps"]), _read_parts(document["parts"]))


def parse_envelope(
    jws: bytes, wraps: Mapping[str, bytes] | None = None, parts: Mapping[str, bytes] | None = None
) -> ReceivedEnvelope:
    """An envelope fetched piece by piece: the canonical JWS, and what one has of its wraps and parts.

    Raises EnvelopeTooLarge, EnvelopeMalformed, EnvelopeUnknownField, EnvelopeDowngraded, EnvelopeSignatureMissing.
    """
    return _received(parse_jws(jws), wraps or {}, parts or {})


def read_envelope(node: object) -> ReceivedEnvelope:
    """The envelope whose JWS is this part of a document that was parsed strictly, such as a leaf of the ledger.

    Raises EnvelopeTooLarge, EnvelopeMalformed, EnvelopeUnknownField, EnvelopeDowngraded, EnvelopeSignatureMissing.
    """
    return _received(read_jws(node), {}, {})


def encode_submission(jws: bytes, wraps: Mapping[str, bytes], parts: Mapping[str, bytes]) -> bytes:
    """The body of the POST; `jws` goes in byte for byte. Raises EnvelopeTooLarge."""
    beside = {
        "wraps": [{"kid": kid, "wrap": encode_b64u(wrap)} for kid, wrap in wraps.items()],
        "parts": [{"name": name, "ct": encode_b64u(ct)} for name, ct in parts.items()],
    }
    body = b'{"jws":' + jws + b"," + json.dumps(beside, separators=(",", ":")).encode()[1:]
    if len(body) > MAX_SUBMISSION_BYTES:
        raise EnvelopeTooLarge(what="submission", limit=f"{MAX_SUBMISSION_BYTES} bytes")
    return body


def _received(jws: Jws, wraps: Mapping[str, bytes], parts: Mapping[str, bytes]) -> ReceivedEnvelope:
    manifest = parse_manifest(jws.payload)
    return ReceivedEnvelope(parse_header(manifest.header), manifest, jws, wraps, parts)


def _read_wraps(node: object) -> dict[str, bytes]:
    wraps: dict[str, bytes] = {}
    for item in read_list(node, MAX_WRAPS, "wraps"):
        members = read_object(item, ("kid", "wrap"), "a wrap")
        kid, wrap = read_text(members["kid"], "kid"), read_bytes(members["wrap"], "wrap")
        if kid in wraps:
            raise EnvelopeMalformed(why="a wrap stands twice")
        if len(wrap) != WRAP_BYTES:
            raise EnvelopeMalformed(why=f"a wrap is not {WRAP_BYTES} bytes")
        wraps[kid] = wrap
    return wraps


def _read_parts(node: object) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    for item in read_list(node, MAX_PARTS, "parts"):
        members = read_object(item, ("name", "ct"), "a part")
        name, ct = read_text(members["name"], "name"), read_bytes(members["ct"], "ct")
        if name in parts:
            raise EnvelopeMalformed(why="a part stands twice")
        if len(ct) > MAX_INLINE_PART_BYTES:
            raise EnvelopeTooLarge(what="part inside the submission", limit=f"{MAX_INLINE_PART_BYTES} bytes")
        parts[name] = ct
    if sum(map(len, parts.values())) > MAX_INLINE_BYTES:
        raise EnvelopeTooLarge(what="sum of parts inside the submission", limit=f"{MAX_INLINE_BYTES} bytes")
    return parts
