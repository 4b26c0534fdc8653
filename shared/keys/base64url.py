"""Base64url without padding (RFC 4648 §5) in its one canonical form: other spellings are refused."""

from __future__ import annotations

import binascii
from typing import Final

_TO_STANDARD: Final = bytes.maketrans(b"-_+/=", b"+/\x00\x00\x00")
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_LAST_LETTERS: Final = {2: frozenset(b"AQgw"), 3: frozenset(b"AEIMQUYcgkosw048")}
"""After whole groups of four, two or three letters may be left; these are the last ones whose unused bits are zero."""


def encode_b64u(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def parse_b64u(text: str, length: int | None = None) -> bytes:
    """The bytes; `length`, if given, is the number of bytes that there must be. Raises ValueError.

    Unused low bits of the last character must be zero: otherwise one value could be written in several ways, and a
    digest over the text would not name the value.
    """
    standard = text.encode("ascii", "replace").translate(_TO_STANDARD)  # what was no letter is none afterwards either
    left = len(standard) % 4
    if left and standard[-1] not in _LAST_LETTERS.get(left, ()):
        raise ValueError("not canonical base64url without padding")
    try:
        raw = binascii.a2b_base64(standard + b"=" * (-left % 4), strict_mode=True)
    except binascii.Error:
        raise ValueError("not base64url") from None
    if length is not None and len(raw) != length:
        raise ValueError(f"{len(raw)} bytes instead of {length}")
    return raw
