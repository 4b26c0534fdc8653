"""Identifiers of parties, messages and dossiers, and the times that stand beside them.

Rules: an authority is `MA.PGR` (ISO 3166-1 alpha-2, a dot, a short code); messages and dossiers are UUIDv7 (RFC
9562) in lower case, so that ids sort by the time of their making; times on the wire are RFC 3339, UTC, `Z`.

Models name them as the types of `id_fields.py`. This module loads in no time: keys and signatures, which need no model,
are judged in processes that start for that alone.
"""

from __future__ import annotations

import re
import secrets
import uuid
from datetime import UTC, datetime
from functools import lru_cache

AUTHORITY_PATTERN = r"^[A-Z]{2}\.[A-Z0-9]{2,16}$"
UUID7_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
MEASURE_PATTERN = r"^M[1-9][0-9]{0,2}$"
DIGEST_PATTERN = r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"  # 32 bytes in canonical base64url: the last 2 bits are zero
TIME_PATTERN = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{6})?Z$"

_AUTHORITY = re.compile(AUTHORITY_PATTERN[1:-1])
_UUID7 = re.compile(UUID7_PATTERN[1:-1])
_TIME = re.compile(TIME_PATTERN[1:-1], re.ASCII)


def is_authority_id(text: str) -> bool:
    return _AUTHORITY.fullmatch(text) is not None


def is_uuid7(text: str) -> bool:
    return _UUID7.fullmatch(text) is not None


@lru_cache(maxsize=256)
def parse_time(text: str) -> datetime:
    """An aware UTC datetime from RFC 3339 with `Z`, seconds or microseconds. Raises ValueError.

    Remembered, since each step that judges a message reads its times again.
    """
    if _TIME.fullmatch(text) is None:
        raise ValueError("not an RFC 3339 UTC time such as 2026-11-22T09:30:00Z")
    return datetime.fromisoformat(text)


@lru_cache(maxsize=64)
def encode_time(moment: datetime) -> str:
    """RFC 3339, UTC, always 27 characters with microseconds. Raises ValueError for a naive datetime.

    Remembered, since the rows and entries of one batch bear one time.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without zone cannot be put on the wire")
    # not strftime: its %Y writes the year 206 with three digits, which nobody would read back
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def time_of_uuid7(identifier: str) -> datetime:
    """When a UUIDv7 was made, to the millisecond, by the clock of its maker."""
    return datetime.fromtimestamp((uuid.UUID(identifier).int >> 80) / 1000, UTC)


def new_uuid7(now: datetime) -> str:
    """A UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, 74 random bits."""
    milliseconds = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    random_bits = secrets.randbits(74)
    value = milliseconds << 80 | 0x7 << 76 | (random_bits >> 62) << 64 | 0b10 << 62 | random_bits & ((1 << 62) - 1)
    return str(uuid.UUID(int=value))
