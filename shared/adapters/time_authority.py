"""`ports.StampAuthority` over HTTP (RFC 3161 §3.4): one question, no second try.

What goes out is the digest of three public lines: the log's origin, size and root. The answer is verified, with its
nonce, before anybody sees it. It ends within its time and its bound, and no redirect is followed.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx2

from shared.audit.time_stamps import (
    MAX_RESPONSE_BYTES,
    REQUEST_TYPE,
    RESPONSE_TYPE,
    StampRoots,
    build_stamp_request,
    require_library,
    verify_stamp,
)
from shared.audit.tree_head import TreeHead
from shared.errors import SettingsRefused, StampAuthorityUnreachable, StampInvalid

TIMEOUT_S: Final = 15.0
"""From the question to the end of the answer, where nothing else is said."""


class HttpTimeAuthority:
    """An authority by its address, believed under these roots. Raises SettingsRefused for an address that is none, and
    where the library is not installed."""

    def __init__(
        self,
        url: str,
        roots: StampRoots,
        timeout_s: float = TIMEOUT_S,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = _host_of(url)
        require_library()
        self._url = url
        self._roots = roots
        self._timeout_s = timeout_s
        self._transport = transport

    async def stamp(self, head: TreeHead) -> bytes:
        """Its response, verified. Raises StampAuthorityUnreachable, StampInvalid."""
        request = build_stamp_request(head)
        response = await self._post(request.der)
        verify_stamp(response, head, self._roots, request.nonce)
        return response

    async def _post(self, body: bytes) -> bytes:
        headers = {"content-type": REQUEST_TYPE, "accept": RESPONSE_TYPE, "accept-encoding": "identity"}
        found = bytearray()
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                httpx2.AsyncClient(transport=self._transport, timeout=self._timeout_s, follow_redirects=False) as http,
                http.stream("POST", self._url, content=body, headers=headers) as answer,
            ):
                if answer.status_code != httpx2.codes.OK:
                    raise StampAuthorityUnreachable(url=self._url, why=f"it answered {answer.status_code}")
                async for chunk in answer.aiter_bytes():
                    found += chunk
                    if len(found) > MAX_RESPONSE_BYTES:
                        raise StampInvalid(why=f"it has more than {MAX_RESPONSE_BYTES} bytes")
        except TimeoutError:
            raise StampAuthorityUnreachable(url=self._url, why=f"no answer in {self._timeout_s:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as broken:
            why = str(broken) or type(broken).__name__
            raise StampAuthorityUnreachable(url=self._url, why=why) from None
        return bytes(found)


def load_time_authorities(urls: str, roots: Path | None, timeout_s: float) -> list[HttpTimeAuthority]:
    """Those of the settings, none without addresses. Raises SettingsRefused."""
    if not urls or roots is None:
        return []
    try:
        believed = StampRoots([roots.read_bytes()])
    except OSError as broken:
        raise SettingsRefused(why=f"time_stamps_ca: {roots} cannot be read: {broken.strerror}") from None
    found = [HttpTimeAuthority(url, believed, timeout_s) for url in urls.split()]
    if len({one.name for one in found}) < len(found):
        raise SettingsRefused(why="time_stamps names two authorities on one host")
    return found


def _host_of(url: str) -> str:
    """The name of an authority. Raises SettingsRefused."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it refuses what is no number
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise SettingsRefused(why=f"{url} is no http:// or https:// address of a time-stamp authority")
    return parts.netloc.lower()
