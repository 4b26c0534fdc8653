"""Cursors: where a reader of a list stands. Opaque to clients, so that they can change without a new version of the
API.

A cursor is base64url of a letter for the list, the cursor's version, a colon and the place. It is no secret and
proves nothing: the list is cut to what its reader may see, wherever the cursor points.
"""

from __future__ import annotations

import re
from typing import Final

from shared.domain.ids import is_uuid7
from shared.errors import CallMalformed
from shared.keys.base64url import encode_b64u, parse_b64u

FEED_START: Final = 0
_POSITION: Final = re.compile(r"f1:(0|[1-9][0-9]{0,17})")
_DOSSIER: Final = re.compile(r"d1:([0-9a-f-]{36})")

_LETTER: Final = re.compile(r"l1:([a-z]{1,20}-[1-9][0-9]{0,15})")


def encode_feed_cursor(position: int) -> str:
    return encode_b64u(f"f1:{position}".encode())


def parse_feed_cursor(text: str | None) -> int:
    """The position after which to read; the start of the feed where there is no cursor. Raises CallMalformed."""
    if text is None:
        return FEED_START
    return int(_place(text, _POSITION))


def encode_dossier_cursor(dossier: str) -> str:
    return encode_b64u(f"d1:{dossier}".encode())


def parse_dossier_cursor(text: str | None) -> str | None:
    """The last dossier of the page before; None where there is no cursor. Raises CallMalformed."""
    if text is None:
        return None
    dossier = _place(text, _DOSSIER)
    if not is_uuid7(dossier):
        raise _not_ours()
    return dossier


def encode_letter_cursor(service: str, number: int) -> str:
    return encode_b64u(f"l1:{service}-{number}".encode())


def parse_letter_cursor(text: str | None) -> tuple[str, int] | None:
    """Service and number of the last dead letter of the page before. Raises CallMalformed."""
    if text is None:
        return None
    service, _, number = _place(text, _LETTER).rpartition("-")
    return service, int(number)


def _place(text: str, form: re.Pattern[str]) -> str:
    try:
        found = form.fullmatch(parse_b64u(text).decode("ascii"))
    except ValueError:  # not base64url, or not ASCII inside
        raise _not_ours() from None
    if found is None:
        raise _not_ours()
    return found[1]


def _not_ours() -> CallMalformed:
    return CallMalformed(why="the cursor in `after` was not made by this list; leave it out to read from the start")
