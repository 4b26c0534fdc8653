"""Base64url without padding (RFC 4648 §5) in its one canonical form: other spellings are refused."""

from __future__ import annotations

from typing import Final

from pybase64 import b64decode, b64encode_as_string

_ALPHABET: Final = b"-_"
_LAST_LETTERS: Final = {2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}
"""After whole groups of four, two or three letters may be left; these are the last ones whose unused bits are zero."""


def encode_b64u(raw: bytes) -> str:
    return b64encode_as_string(raw, _ALPHABET).rstrip("=")


def parse_b64u(text: str, length: int | None = None) -> bytes:
    """The bytes; `length`, if given, is the number of bytes that there must be. Raises ValueError.

    Unused low bits of the last character must be zero: otherwise one value could be written in several ways, and a
    digest over the text would not name the value.
    """
    if "+" in text or "/" in text or "=" in text:  # which the library takes as well
        raise ValueError("not base64url without padding")
    left = len(text) % 4
    if left and text[-1] not in _LAST_LETTERS.get(left, ()):
        raise ValueError("not canonical base64url without padding")
    try:
        raw = b64decode(text + "=" * (-left % 4), _ALPHABET, validate=True)
    except ValueError:
        raise ValueError("not base64url") from None
    if length is not None and len(raw) != length:
        raise ValueError(f"{len(raw)} bytes instead of {length}")
    return raw
