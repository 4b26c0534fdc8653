"""Names, limits and byte strings of comity-env/1: what every module of the format agrees on.

Rules:
1. A limit stands here once, with its name; `docs/spec/envelope.md` repeats it and a test holds the two equal.
2. Every key is derived under a byte string that begins with the context, and the context holds the header's digest:
   nothing that was sealed under one header opens under another.

It derives no key and decrypts nothing. base64url is the strict one of `shared.keys.base64url`.
"""

from __future__ import annotations

import hashlib

from shared.domain.header import REQUIRED_SIGNATURES, SUITE
from shared.keys.base64url import encode_b64u

CONTENT_TYPE = "application/vnd.comity.message+json"
JWS_TYP = "comity-env-1+jws"
ALGORITHMS = REQUIRED_SIGNATURES
"""The two signatures, in the order in which they stand: Ed25519 (RFC 9864), ML-DSA-65 (RFC 9964)."""

BODY_PART = "body"
SECRET_BYTES = 32
WRAP_BYTES = 1120 + SECRET_BYTES + 16
"""An X-Wing encapsulation (ML-KEM-768 ciphertext 1088, X25519 share 32), the sealed secret, the AES-GCM tag."""

MAX_WRAPS = 200
MAX_PARTS = 64
MAX_JWS_BYTES = 60_000
MAX_INLINE_PART_BYTES = 256 * 1024
MAX_INLINE_BYTES = 1024 * 1024
MAX_SUBMISSION_BYTES = 1536 * 1024
MAX_SKEW_S = 120


def digest_of(raw: bytes | memoryview) -> str:
    """SHA-256 as b64u: 43 characters."""
    return encode_b64u(hashlib.sha256(raw).digest())


def part_name(index: int) -> str:
    """`body` for 0, then `p1`, `p2` … in the order of the attachments."""
    return BODY_PART if index == 0 else f"p{index}"


def header_context(header: bytes) -> bytes:
    """45 bytes: the suite, a zero byte, SHA-256 of the header's exact bytes."""
    return SUITE.encode() + b"\x00" + hashlib.sha256(header).digest()


def part_info(context: bytes, name: str) -> bytes:
    """HKDF's info for the key of one part."""
    return context + b"\x00part\x00" + name.encode()


def commit_info(context: bytes) -> bytes:
    """HKDF's info for `key_commit`: no part's info equals it, so it tells nothing about a part key."""
    return context + b"\x00commit"


def part_context(context: bytes, name: str) -> bytes:
    """Cobblestone's context for one part."""
    return context + b"\x00" + name.encode()


def wrap_info(context: bytes, kid: str) -> bytes:
    """HPKE's info for one recipient's wrap: the library takes no associated data, so the key schedule binds both."""
    return context + b"\x00" + kid.encode()
