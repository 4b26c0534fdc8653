"""Reading the body of a call: one content type, no compression, at most so many bytes, in so much time.

The limit holds on the bytes that arrive, whatever Content-Length says or where there is none. Bodies that come in more
than one piece may wait long for the next, and so all of them together are bounded too.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

from starlette.requests import Request

from gateway.config import Limits
from shared.errors import Busy, CallTooLarge, CallTooSlow, CallWrongContentType


@dataclass(frozen=True)
class Document:
    """What a call carries: its content type, and how many bytes it may have."""

    content_type: str
    limit: int


class Incoming:
    """Bytes of bodies that are not whole yet. A party, or one operator's key, may hold as many as are still free for
    everybody, as in `gateway.admission`: there is always room for one that sends little."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[str] = Counter()

    def take(self, party: str, size: int) -> None:
        """Raises Busy."""
        if self._held[party] + size > self._most - self._held.total():
            raise Busy(retry_after_s=1)
        self._held[party] += size

    def give_back(self, party: str, size: int) -> None:
        self._held[party] -= size
        if not self._held[party]:
            del self._held[party]


async def read_body(request: Request, document: Document, limits: Limits, incoming: Incoming, party: str) -> bytes:
    """The whole body, after `check_body_headers`. Raises CallTooLarge, CallTooSlow, Busy; starlette's ClientDisconnect
    passes."""
    first, rest = b"", bytearray()  # a list of pieces would weigh forty times as much where each is one byte
    size = held = 0
    try:
        async with asyncio.timeout(limits.body_timeout_s) as patience:
            async for chunk in request.stream():
                size += len(chunk)
                if size > document.limit:
                    raise CallTooLarge(limit=document.limit)
                if not first:
                    first = chunk
                elif chunk:
                    incoming.take(party, size - held)
                    held = size
                    rest += chunk
                    patience.reschedule((patience.when() or 0.0) + len(chunk) / limits.body_bytes_per_s)
    except TimeoutError:
        raise CallTooSlow(limit_s=round(limits.body_timeout_s + size / limits.body_bytes_per_s)) from None
    finally:
        if held:
            incoming.give_back(party, held)
    return first + rest if rest else first


def check_body_headers(request: Request, document: Document) -> None:
    """What can be refused before a byte is read. Raises CallWrongContentType, CallTooLarge."""
    given = request.headers.get("content-type")
    if given is None or given.strip().lower() != document.content_type:
        raise CallWrongContentType(given=_shown(given), expected=document.content_type)
    # A compressed body would be bounded before it is unpacked, and one digest would name two sizes.
    encoding = request.headers.get("content-encoding")
    if encoding is not None and encoding.strip().lower() != "identity":
        raise CallWrongContentType(given=f"encoded as {_shown(encoding)}", expected=document.content_type)
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > document.limit:
        raise CallTooLarge(limit=document.limit)


def _shown(value: str | None) -> str:
    return "of no type" if value is None else value[:100]
