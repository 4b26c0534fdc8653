"""Asking a time-stamp authority (RFC 3161 over HTTP, §3.4) for a stamp on a checkpoint: one question, no second try.

What goes out is the digest of three public lines: the log's origin, size and root. The answer is verified, with its
nonce, before anybody sees it.
"""

from __future__ import annotations

from typing import Final

import httpx2

from shared.audit.time_stamps import (
    MAX_RESPONSE_BYTES,
    REQUEST_TYPE,
    RESPONSE_TYPE,
    StampRoots,
    build_stamp_request,
    verify_stamp,
)
from shared.audit.tree_head import TreeHead
from shared.errors import SettingsRefused, StampAuthorityUnreachable, StampInvalid

TIMEOUT_S: Final = 15.0


class TimeAuthority:
    """An authority by its address, believed under these roots. Raises SettingsRefused for an address that is none."""

    def __init__(self, url: str, roots: StampRoots, transport: httpx2.BaseTransport | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise SettingsRefused(why=f"{url} is no http:// or https:// address of a time-stamp authority")
        self._url = url
        self._roots = roots
        self._transport = transport

    def stamp(self, head: TreeHead) -> bytes:
        """Its response, verified. Raises StampAuthorityUnreachable, StampInvalid, SettingsRefused."""
        request = build_stamp_request(head)
        response = self._post(request.der)
        verify_stamp(response, head, self._roots, request.nonce)
        return response

    def _post(self, body: bytes) -> bytes:
        headers = {"content-type": REQUEST_TYPE, "accept": RESPONSE_TYPE, "accept-encoding": "identity"}
        found = bytearray()
        try:
            with (
                httpx2.Client(transport=self._transport, timeout=TIMEOUT_S, follow_redirects=False) as http,
                http.stream("POST", self._url, content=body, headers=headers) as answer,
            ):
                if answer.status_code != httpx2.codes.OK:
                    raise StampAuthorityUnreachable(url=self._url, why=f"it answered {answer.status_code}")
                for chunk in answer.iter_bytes(chunk_size=16 * 1024):
                    found += chunk
                    if len(found) > MAX_RESPONSE_BYTES:
                        raise StampInvalid(why=f"it has more than {MAX_RESPONSE_BYTES} bytes")
        except (httpx2.HTTPError, httpx2.InvalidURL) as broken:
            why = str(broken) or type(broken).__name__
            raise StampAuthorityUnreachable(url=self._url, why=why) from None
        return bytes(found)
