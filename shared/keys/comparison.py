"""The number by which two people compare a party's keys over the telephone, and the QR code that carries it.

    digest  SHA-256( "comity-compare/1" 00 party 00 kid 00 kid 00 … ), the kids of one key of each use, sorted
    number  the digest as an unsigned integer, big-endian, modulo 10^40: 40 digits in 8 groups of 5
    code    "comity-compare/1" SP exchange SP party SP the 40 digits in one group

Digits and not words: they are said alike in every language that the parties speak. 40 digits are 132 bits: whoever
would have other keys give the same number tries 2^132 of them, since it cannot choose the number that it has to meet.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.errors import ComparisonUnreadable

COMPARISON_VERSION: Final = "comity-compare/1"
COMPARISON_DOMAIN: Final = COMPARISON_VERSION.encode() + b"\x00"
COMPARISON_DIGITS: Final = 40
COMPARISON_BITS: Final = 132
MAX_COMPARISON_TEXT: Final = 1024
"""Characters of what is compared against: an exchange's name has at most 128."""
_GROUP: Final = 5
_ANY_VERSION: Final = "comity-compare/"
_NUMBER: Final = re.compile(f"[0-9]{{{COMPARISON_DIGITS}}}")


@dataclass(frozen=True, slots=True)
class ToldNumber:
    """A number as the other side tells it. A bare one, read aloud, names neither exchange nor party."""

    digits: str
    exchange: str | None = None
    party: str | None = None


def comparison_number(party: str, kids: Iterable[str]) -> str:
    """`12345 67890 …`, for the keys of this party with these ids."""
    told = b"".join(text.encode() + b"\x00" for text in (party, *sorted(kids)))
    digest = hashlib.sha256(COMPARISON_DOMAIN + told).digest()
    digits = f"{int.from_bytes(digest, 'big') % 10**COMPARISON_DIGITS:0{COMPARISON_DIGITS}d}"
    return " ".join(digits[at : at + _GROUP] for at in range(0, COMPARISON_DIGITS, _GROUP))


def comparison_code(exchange: str, party: str, number: str) -> str:
    """The text of the QR code. What it names has no blank in it, so that it reads in one way only."""
    return f"{COMPARISON_VERSION} {exchange} {party} {number.replace(' ', '')}"


def read_told_number(text: str) -> ToldNumber:
    """From digits in any groups, or the text of a QR code. Raises ComparisonUnreadable."""
    if len(text) > MAX_COMPARISON_TEXT:
        raise ComparisonUnreadable(why=f"it has more than {MAX_COMPARISON_TEXT} characters")
    parts = text.split()
    if not parts or not parts[0].startswith(_ANY_VERSION):
        return ToldNumber(_digits(parts))
    version, *named = parts
    if version != COMPARISON_VERSION:
        why = f"its version is {version}, this program reads {COMPARISON_VERSION}; read the 40 digits to each other"
        raise ComparisonUnreadable(why=why)
    if len(named) < 3:
        raise ComparisonUnreadable(why="a QR code names an exchange and an authority before its digits")
    return ToldNumber(_digits(named[2:]), exchange=named[0], party=named[1])


def _digits(groups: list[str]) -> str:
    digits = "".join(groups)
    if _NUMBER.fullmatch(digits) is None:
        found = len(re.findall("[0-9]", digits))
        others = f" and {len(digits) - found} other characters" if len(digits) > found else ""
        raise ComparisonUnreadable(why=f"{COMPARISON_DIGITS} digits are needed, and it has {found}{others}")
    return digits
