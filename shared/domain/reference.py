"""The number of a dossier, to be said on the telephone: `MA26-4F7K-9QX2-C`.

Rules:
1. It is derived from the dossier's id and the requesting country alone: country, two digits of the year in the UUIDv7,
   eight characters of Crockford's base32 (40 bits of a hash of both), one check character. It names a dossier, it does
   not prove it.
2. The check character is ISO/IEC 7064 MOD 37-2 over the twelve characters before it. It catches every single wrong
   character and every transposition of two neighbours; the hybrid MOD 37,36 would miss some transpositions.
3. MOD 37-2 knows 37 check characters, among them `*` and four letters that are misheard or misread (I, L, O, U). A
   number whose check character would be one of these is passed over: the hash takes the next value of a counter.
4. A listener may write I or L for 1 and O for 0 in the last nine characters; spaces, hyphens and case do not matter.
Forty bits: with 10,000 dossiers a year a country meets two equal numbers in one year with a probability of 5 in
100,000; the id, not the number, is the key.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import UTC, datetime

from shared.domain.ids import is_uuid7
from shared.errors import NumberInvalid

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECKED = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
_MISHEARD = str.maketrans("ILO", "110")
_FORM = re.compile(rf"[A-Z]{{2}}[0-9]{{2}}[{CROCKFORD}]{{9}}", re.ASCII)


def encode_number(dossier: str, country: str) -> str:
    """The number of this dossier, opened by an authority of `country` (ISO 3166-1 alpha-2).

    Raises ValueError if the id is no UUIDv7 or the country no two capital letters.
    """
    if not is_uuid7(dossier) or re.fullmatch(r"[A-Z]{2}", country, re.ASCII) is None:
        raise ValueError("a dossier number is made from a UUIDv7 and a country code")
    identity = uuid.UUID(dossier)
    year = datetime.fromtimestamp((identity.int >> 80) / 1000, UTC).year
    counter = 0
    while True:
        digest = hashlib.sha256(b"comity-number/1\0" + country.encode() + identity.bytes + bytes([counter])).digest()
        number = f"{country}{year % 100:02}{_base32(digest[:5])}"
        check = check_character(number)
        if check in CROCKFORD:
            return f"{number[:4]}-{number[4:8]}-{number[8:]}-{check}"
        counter += 1  # 32 of 37 characters are fit: 256 failures in a row do not happen


def verify_number(text: str) -> str:
    """The number as it should be written, from what somebody typed or heard. Raises NumberInvalid."""
    bare = re.sub(r"[\s-]", "", text).upper()
    number = bare[:4] + bare[4:].translate(_MISHEARD)
    if _FORM.fullmatch(number) is None:
        raise NumberInvalid(number=text[:32], why="it is not of the form MA26-4F7K-9QX2-C")
    if check_character(number[:-1]) != number[-1]:
        raise NumberInvalid(number=text[:32], why="a character is wrong or two are exchanged; ask again")
    return f"{number[:4]}-{number[4:8]}-{number[8:12]}-{number[12]}"


def check_character(text: str) -> str:
    """ISO/IEC 7064 MOD 37-2: the character that makes the weighted sum congruent to 1 modulo 37."""
    remainder = 0
    for character in text:
        remainder = (remainder + _CHECKED.index(character)) * 2 % 37
    return _CHECKED[(1 - remainder) % 37]


def _base32(five_bytes: bytes) -> str:
    value = int.from_bytes(five_bytes, "big")
    return "".join(CROCKFORD[value >> shift & 31] for shift in range(35, -5, -5))
