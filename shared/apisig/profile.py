"""The profile `comity-v1` of RFC 9421 HTTP message signatures, as names and numbers.

Rules:
1. One signature carries the tag `comity-v1`; its label is `comity`, its algorithm Ed25519.
2. It covers exactly @method, @authority, @target-uri; and content-type and content-digest if and only if a body exists.
3. Its parameters are exactly created, expires, nonce, keyid, alg and tag.
4. Content-Digest (RFC 9530) holds SHA-256 and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from shared.keys.public import Ed25519Public

ResolveKey = Callable[[str], Ed25519Public | None]
"""keyid → the key that it names, or None. It judges by its own time whether the key counts."""

TAG: Final = "comity-v1"
LABEL: Final = "comity"
ALG: Final = "ed25519"
LIFE_S: Final = 60
"""Seconds from `created` to `expires` at most, and the age at which a call is refused."""
SKEW_S: Final = 10
"""Seconds by which two clocks may differ, either way."""

ALWAYS_COVERED: Final = ("@method", "@authority", "@target-uri")
CONTENT_COVERED: Final = ("content-type", "content-digest")
PARAMETERS: Final = frozenset({"created", "expires", "nonce", "keyid", "alg", "tag"})

NONCE: Final = re.compile(r"[A-Za-z0-9_-]{22,86}")
"""At least 16 bytes in base64url; the exchange remembers it as text."""

MAX_FIELD_CHARS: Final = 4096
"""Of Signature-Input and of Signature each: room for a proxy's own signature, no room for hundreds of ours."""


def covered_components(has_body: bool) -> tuple[str, ...]:
    return ALWAYS_COVERED + CONTENT_COVERED if has_body else ALWAYS_COVERED


def content_digest(body: bytes) -> str:
    """The Content-Digest field of these bytes, in its one accepted form."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode('ascii')}:"


def moment(seconds: object) -> datetime:
    """The UTC time of a created or expires parameter: an integer, no text of digits. Raises ValueError."""
    try:
        if not isinstance(seconds, int):
            raise ValueError
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError("created and expires are seconds since 1970, within the calendar") from None


def fault_in_parameters(given: Mapping[str, object]) -> str | None:
    """What is wrong with a signature's parameters by rules 1 and 3, time apart."""
    if given.keys() != PARAMETERS:
        odd = ", ".join(sorted(given.keys() ^ PARAMETERS))
        return f"its parameters are not exactly those of the profile: {odd}"
    if given["alg"] != ALG or given["tag"] != TAG:
        return f"its alg is {ALG} and its tag {TAG}"
    if NONCE.fullmatch(str(given["nonce"])) is None:
        return "its nonce has 22 to 86 characters of base64url"
    return None


def fault_in_coverage(names: Iterable[str], has_body: bool) -> str | None:
    """What is wrong with the covered components by rule 2; `names` are serialized, with quotes and any parameters."""
    expected = sorted(f'"{name}"' for name in covered_components(has_body))
    return None if sorted(names) == expected else f"it covers exactly {', '.join(expected)}"
