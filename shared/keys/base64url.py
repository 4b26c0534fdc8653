"""Base64url without padding (RFC 4648 §5) in its one canonical form: other spellings are refused."""

from __future__ import annotations

import base64
import binascii

_TO_STANDARD = str.maketrans("-_", "+/", "+/=")


def encode_b64u(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def parse_b64u(text: str, length: int | None = None) -> bytes:
    """The bytes; `length`, if given, is the number of bytes that there must be. Raises ValueError.

    Re-encoding must give the same text: otherwise the unused low bits of the last character would let one value be
    written in several ways, and a digest over the text would not name the value.
    """
    try:
        raw = base64.b64decode(text.translate(_TO_STANDARD) + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64url") from None
    if encode_b64u(raw) != text:
        raise ValueError("not canonical base64url without padding")
    if length is not None and len(raw) != length:
        raise ValueError(f"{len(raw)} bytes instead of {length}")
    return raw
