"""How an answer is cached: by the party that asked, never by anything in between.

Rules:
1. Every answer to a signed call is `private`: a shared cache would hand it to callers that did not sign.
2. What can change is revalidated (`no-cache`, a strong `ETag`, 304); what cannot is kept for a year (`immutable`).
3. Refusals and what is asked for once are not kept at all (`no-store`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from shared.keys.base64url import encode_b64u

REVALIDATED: Final = "private, no-cache"
IMMUTABLE: Final = "private, max-age=31536000, immutable"
NOT_KEPT: Final = "no-store"


def answer_model(request: Request, model: BaseModel, headers: Mapping[str, str] | None = None) -> Response:
    """200 with this model as JSON, or 304 where the caller holds the same already."""
    return answer_bytes(request, model.model_dump_json().encode(), "application/json", REVALIDATED, headers)


def answer_bytes(
    request: Request, body: bytes, media_type: str, cache: str, headers: Mapping[str, str] | None = None
) -> Response:
    """200 with these bytes, or 304 where the caller holds the same already."""
    tag = etag_of(body)
    if holds(request, tag):
        return not_modified(tag, cache)
    return Response(body, media_type=media_type, headers={"ETag": tag, "Cache-Control": cache, **(headers or {})})


def answer_once(model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that nobody keeps."""
    return Response(
        model.model_dump_json().encode(),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": NOT_KEPT, **(headers or {})},
    )


def etag_of(body: bytes) -> str:
    return f'"{encode_b64u(hashlib.sha256(body).digest())}"'


def holds(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` names this tag (RFC 9110 §13.1.2; weak comparison)."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    return given.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in given.split(","))


def not_modified(tag: str, cache: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": cache})
