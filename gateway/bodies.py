"""Reading the body of a call: one content type, no compression, at most so many bytes, in so much time.

The limit holds on the bytes that arrive, whatever Content-Length says or where there is none.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.requests import Request

from gateway.config import Limits
from shared.errors import CallTooLarge, CallTooSlow, CallWrongContentType


@dataclass(frozen=True)
class Document:
    """What a call carries: its content type, and how many bytes it may have."""

    content_type: str
    limit: int


async def read_body(request: Request, document: Document, limits: Limits) -> bytes:
    """The whole body, after `check_body_headers`. Raises CallTooLarge, CallTooSlow; starlette's ClientDisconnect
    passes."""
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_timeout_s) as patience:
            async for chunk in request.stream():
                size += len(chunk)
                if size > document.limit:
                    raise CallTooLarge(limit=document.limit)
                chunks.append(chunk)
                until = patience.when()
                if until is not None and len(chunks) > 1:
                    patience.reschedule(until + len(chunk) / limits.body_bytes_per_s)
    except TimeoutError:
        raise CallTooSlow(limit_s=round(limits.body_timeout_s + size / limits.body_bytes_per_s)) from None
    return b"".join(chunks)


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
