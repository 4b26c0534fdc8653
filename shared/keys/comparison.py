"""The number by which two people compare a party's keys over the telephone.

    digest  SHA-256( "comity-compare/1" 00 party 00 kid 00 kid 00 … ), the kids of one key of each use, sorted
    number  the digest as an unsigned integer, big-endian, modulo 10^40: 40 digits in 8 groups of 5

Digits and not words: they are said alike in every language that the parties speak. 40 digits are 132 bits: whoever
would have other keys give the same number tries 2^132 of them, since it cannot choose the number that it has to meet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

COMPARISON_DOMAIN: Final = b"comity-compare/1\x00"
COMPARISON_DIGITS: Final = 40
COMPARISON_BITS: Final = 132
_GROUP: Final = 5


def comparison_number(party: str, kids: Iterable[str]) -> str:
    """`12345 67890 …`, for the keys of this party with these ids."""
    told = b"".join(text.encode() + b"\x00" for text in (party, *sorted(kids)))
    digest = hashlib.sha256(COMPARISON_DOMAIN + told).digest()
    digits = f"{int.from_bytes(digest, 'big') % 10**COMPARISON_DIGITS:0{COMPARISON_DIGITS}d}"
    return " ".join(digits[at : at + _GROUP] for at in range(0, COMPARISON_DIGITS, _GROUP))
