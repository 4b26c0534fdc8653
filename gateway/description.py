"""What `docs/spec/openapi.json` says of a route beyond its signature. Nothing here runs when a call is answered."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.responses import Response

from gateway.links import add_links
from gateway.problems import MEDIA_TYPE
from shared.contracts.api import Problem

TITLE: Final = "Comity"
ABOUT: Final = (
    "The exchange's HTTP API. Every call is signed (RFC 9421, tag `comity-v1`) with the API key of an enrolled party "
    "or with an operator key, except where a path says that it is open. Errors are RFC 9457 problem details; their "
    "codes are listed in `problems.md`, and at `/problems/{code}` on each exchange."
)
SCHEME: Final = "httpSignature"
_SECURITY: Final = {
    SCHEME: {
        "type": "http",
        "scheme": "signature",
        "description": "HTTP message signature (RFC 9421), Ed25519, covering `@method`, `@authority`, `@target-uri`, "
        "and for a call with a body `content-type` and `content-digest` (RFC 9530); parameters `created`, `expires`, "
        "`nonce`, `keyid`, `alg`, `tag`.",
    }
}
_OF_EVERY_CALL: Final = (400, 408, 413, 431, 500, 503)
"""The connection's own bounds are before every address: see `shared.runtime.connections`."""
_OF_EVERY_SIGNED_CALL: Final = (*_OF_EVERY_CALL, 401, 403, 429)
_REASONS: Final = {
    304: "Not modified: the caller holds it already",
    400: "The call or the envelope cannot be read",
    401: "Not signed, or not by a key that counts",
    403: "The caller's role or identity does not allow it",
    404: "There is no such thing, or it is not the caller's",
    410: "It was removed by the exchange's policy on retention",
    408: "It did not arrive whole in time",
    409: "It contradicts what was sent before",
    413: "Too large",
    415: "Another content type than this call takes, or a compressed body",
    422: "Readable, and refused",
    429: "Too many calls in a while, or too many that wait",
    431: "The header fields are too large",
    500: "Something went wrong in the exchange",
    503: "The exchange accepts nothing more just now",
}


def signed(*statuses: int, model: type[BaseModel] | None = None, ok: int = 200, **extra: Any) -> dict[str, Any]:
    """Arguments of a route that takes signed calls: what it answers with, its refusals, its security."""
    openapi = {"security": [{SCHEME: []}], **extra}
    return {**_answers(ok, model, (*statuses, *_OF_EVERY_SIGNED_CALL)), "openapi_extra": openapi}


def unsigned(*statuses: int, model: type[BaseModel] | None = None, **extra: Any) -> dict[str, Any]:
    """Arguments of a route that anybody may call."""
    return {**_answers(200, model, (*statuses, *_OF_EVERY_CALL)), "openapi_extra": {"security": [], **extra}}


def also(status: int, model: type[BaseModel], text: str) -> dict[str, Any]:
    """A second successful answer of a route."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"responses": {str(status): {"description": text, "content": {"application/json": {"schema": schema}}}}}


def carries(content_type: str, text: str) -> dict[str, Any]:
    """The body that a call must have. Its format has a specification of its own."""
    schema = {"type": "object", "description": text}
    return {"requestBody": {"required": True, "content": {content_type: {"schema": schema}}}}


def gives(content_type: str, text: str, *statuses: int) -> dict[str, Any]:
    """An answer of a format with a specification of its own: bytes, text, or a JSON object. 200 if no other status is
    given."""
    schema = {"type": "object" if content_type.endswith("json") else "string", "description": text}
    answer = {"description": text, "content": {content_type: {"schema": schema}}}
    return {"responses": {str(status): answer for status in statuses or (200,)}}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routes."""
    document = get_openapi(title=TITLE, version=app.version, description=ABOUT, routes=app.routes)
    for path in document["paths"].values():
        for operation in path.values():
            if _is_generated(operation["responses"].get("422")):
                del operation["responses"]["422"]
    add_links(document["paths"])
    components = document["components"]
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["schemas"][Problem.__name__] = Problem.model_json_schema()
    components["securitySchemes"] = _SECURITY
    return document


def _answers(ok: int, model: type[BaseModel] | None, statuses: tuple[int, ...]) -> dict[str, Any]:
    refusals = {
        status: (
            {"description": _REASONS[status]}
            if status == 304
            else {"description": _REASONS[status], "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
        )
        for status in sorted(set(statuses))
    }
    media: dict[str, Any] = {"response_class": Response} if model is None else {"response_model": model}
    return {"status_code": ok, "responses": refusals, **media}


_PROBLEM: Final = {"$ref": f"#/components/schemas/{Problem.__name__}"}


def _is_generated(response: dict[str, Any] | None) -> bool:
    """Whether this is the answer that the framework adds for its own validation errors; here those are a 400."""
    return response is not None and "HTTPValidationError" in str(response)
