"""The few binary shapes that frames are made of: names, ids, times, and a reader that never reads past the end.

A name is a length byte and ASCII; a time is microseconds since 1970-01-01T00:00Z in 8 bytes; an id is the 16 bytes of a
UUIDv7. Integers are unsigned, big-endian.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct
from typing import Final

from shared.domain.ids import is_uuid7
from shared.errors import FrameRefused

TIME_BYTES: Final = 8
ID_BYTES: Final = 16
NAMES_KEPT: Final = 256

_NAME = re.compile(r"[a-z][a-z0-9.-]{0,63}")
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


class Reader:
    """Takes fields off the front of bytes; whatever is missing, malformed or left over is a FrameRefused."""

    __slots__ = ("_raw", "at")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.at = 0

    def take(self, length: int) -> bytes:
        start, self.at = self.at, self.at + length
        if self.at > len(self._raw):
            raise FrameRefused(why="it is cut")
        return self._raw[start : self.at]

    def integer(self, length: int) -> int:
        return int.from_bytes(self.take(length), "big")

    def integers(self, form: Struct) -> tuple[int, ...]:
        """As many as the form has, which is big-endian."""
        return form.unpack(self.take(form.size))

    def name(self) -> str:
        return _parse_name(self.take(self.take(1)[0]))

    def id(self) -> str:
        raw = self.take(ID_BYTES)
        if raw[6] >> 4 != 7 or raw[8] >> 6 != 0b10:
            raise FrameRefused(why="an id in it is no UUIDv7")
        digits = raw.hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def end(self) -> None:
        if self.at != len(self._raw):
            raise FrameRefused(why="bytes follow its end")


@lru_cache(NAMES_KEPT)
def _parse_name(raw: bytes) -> str:
    """The items of a frame are of few types."""
    text = raw.decode("ascii", "replace")
    if _NAME.fullmatch(text) is None:
        raise FrameRefused(why="a name in it is malformed")
    return text


def encode_name(name: str) -> bytes:
    """Raises FrameRefused."""
    if _NAME.fullmatch(name) is None:
        raise FrameRefused(why=f"{name!r} is no name of a service, a destination or a type")
    return bytes([len(name)]) + name.encode("ascii")


def encode_id(text: str) -> bytes:
    """Raises FrameRefused."""
    if not is_uuid7(text):
        raise FrameRefused(why=f"{text!r} is no UUIDv7")
    return bytes.fromhex(text.replace("-", ""))


def encode_time(moment: datetime) -> bytes:
    return ((moment - _UNIX) // timedelta(microseconds=1)).to_bytes(TIME_BYTES, "big")


def parse_time_us(microseconds: int) -> datetime:
    """Raises FrameRefused for a time beyond the calendar."""
    try:
        return _UNIX + timedelta(microseconds=microseconds)
    except OverflowError:
        raise FrameRefused(why="a time in it is beyond the calendar") from None
