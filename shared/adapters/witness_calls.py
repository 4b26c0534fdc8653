"""`ports.WitnessCalls` over HTTP (C2SP tlog-witness). No answer is believed: its signatures are verified later.

Rules:
1. Every call ends within ANSWER_S, and no answer is read beyond its bound.
2. Connections are kept, since a busy ledger asks four times a second. No redirect is followed.
3. 409 with a size is an answer. 400, 403, 404 and 422 are refusals that time does not cure, and so is a 409 that names
   the size that was asked for: so older witnesses say that the roots differ. Everything else may pass later.
"""

from __future__ import annotations

import asyncio
from typing import Final

import httpx2

from shared.audit.witness_protocol import ADD_CHECKPOINT, MAX_ANSWER_BYTES, SIZE_TYPE, parse_size, place_of
from shared.errors import LedgerInvalid, WitnessUnreachable
from shared.ports.witnesses import Cosigned, Declined, OtherSize

ANSWER_S: Final = 5.0
"""From the call to the end of the answer."""
_FINAL: Final = frozenset({400, 403, 404, 422})
_WHY_CHARS: Final = 200


class HttpWitnessCalls:
    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._http = httpx2.AsyncClient(
            transport=transport, timeout=ANSWER_S, follow_redirects=False, headers={"accept-encoding": "identity"}
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def add_checkpoint(self, url: str, request: bytes) -> Cosigned | OtherSize | Declined:
        status, type_, body = await self._call("POST", f"{url.rstrip('/')}/{ADD_CHECKPOINT}", request)
        if status == 200:
            return Cosigned(body)
        if status == 409 and type_.partition(";")[0].strip() == SIZE_TYPE:
            try:
                return OtherSize(parse_size(body))
            except LedgerInvalid as broken:
                raise WitnessUnreachable(url=url, why=broken) from None
        if status in _FINAL:
            why = body[:_WHY_CHARS].decode("utf-8", "replace").strip()
            return Declined(f"{status} {why}", is_fork=status == 422)
        raise WitnessUnreachable(url=url, why=f"it answered {status}")

    async def newest_checkpoint(self, url: str, origin: str) -> bytes | None:
        status, _, body = await self._call("GET", f"{url.rstrip('/')}/{place_of(origin)}/checkpoint", None)
        return body if status == 200 else None

    async def _call(self, method: str, url: str, content: bytes | None) -> tuple[int, str, bytes]:
        try:
            async with asyncio.timeout(ANSWER_S), self._http.stream(method, url, content=content) as answer:
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise WitnessUnreachable(url=url, why=f"its answer is longer than {MAX_ANSWER_BYTES} bytes")
                return answer.status_code, answer.headers.get("content-type", ""), bytes(body)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError, ValueError) as broken:
            why = str(broken) or type(broken).__name__
            raise WitnessUnreachable(url=url, why=why) from None
