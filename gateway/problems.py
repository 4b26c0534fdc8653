"""Refusals over HTTP: the one place where an error's code gets a status (RFC 9457 problem details).

Rules:
1. Every error answer is `application/problem+json` with a stable `code`; `type` is an address on this exchange that
   explains it.
2. What is not the caller's business is not told: whatever would be a 500 says `comity.error` and nothing else, and
   every passing trouble inside (broker, database) is the one `call.busy`.
3. `call.not-there` is one answer, byte for byte, for what does not exist and for what is not the caller's.
`docs/spec/problems.md` is made from this module and the error tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from gateway.answers import NOT_KEPT
from shared.contracts.api import Problem
from shared.contracts.messages import json_facts
from shared.errors import Busy, CallRateExceeded, ComityError, Transient
from shared.texts.catalogue import SOURCE, translate
from shared.texts.retelling import tell

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5
"""What a caller is told to wait when something inside does not answer."""

ACCEPT_SIGNATURE: Final = (
    'comity=("@method" "@authority" "@target-uri" "content-type" "content-digest")'
    ';created;expires;nonce;keyid;alg="ed25519";tag="comity-v1"'
)
"""RFC 9421 §5.1: what a signature must cover, told with every 401."""

STATUS: Final[Mapping[str, int]] = MappingProxyType(
    {
        # the call
        "call.malformed": 400,
        "call.digest-mismatch": 400,
        "call.unsigned": 401,
        "call.signature-invalid": 401,
        "call.key-unknown": 401,
        "call.clock-skew": 401,
        "call.replayed": 401,
        "call.key-waits": 403,
        "call.not-permitted": 403,
        "call.sender-mismatch": 403,
        "call.not-there": 404,
        "call.method-not-allowed": 405,
        "call.too-slow": 408,
        "call.part-pruned": 410,
        "call.too-large": 413,
        "call.wrong-content-type": 415,
        "call.too-many": 429,
        "call.rate-exceeded": 429,
        "call.headers-too-large": 431,
        "call.busy": 503,
        # the envelope, as far as the edge judges it
        "envelope.malformed": 400,
        "envelope.unknown-field": 400,
        "envelope.too-large": 413,
        "envelope.signature-missing": 422,
        "envelope.downgraded": 422,
        "envelope.wrong-exchange": 422,
        "envelope.expired": 422,
        "envelope.lives-too-long": 422,
        "envelope.future-dated": 422,
        "message.id-reused": 409,
        # documents of the operator
        "keys.event-refused": 422,
        "instruments.invalid": 422,
        # anything else
        "comity.error": 500,
    }
)
"""Code → status, for every error that the gateway answers with. Any other is a mistake in here: 500."""


def error_classes() -> Iterator[type[ComityError]]:
    """The whole tree of `shared.errors`, breadth first; what other modules derive for themselves is not of it."""
    waiting: list[type[ComityError]] = [ComityError]
    while waiting:
        cls = waiting.pop(0)
        yield cls
        waiting.extend(child for child in cls.__subclasses__() if child.__module__ == ComityError.__module__)


def sentence_of(code: str, facts: Mapping[str, str]) -> str:
    """The sentence of an error that was decided elsewhere; its code where the code is not known here."""
    cls = next((cls for cls in error_classes() if cls.code == code), None)
    return code if cls is None else cls(**facts).sentence()


def type_of(code: str) -> str:
    """A relative reference: it leads to the page of the exchange that answered, whatever its name."""
    return f"/problems/{code}"


def told(error: ComityError) -> ComityError:
    """The error that the caller is told in place of this one (rule 2)."""
    if isinstance(error, Transient) and not isinstance(error, Busy):
        return Busy(retry_after_s=RETRY_AFTER_S)
    return error if error.code in STATUS else ComityError()


def problem_response(error: ComityError, headers: Mapping[str, str] | None = None, language: str = SOURCE) -> Response:
    """The answer to a call that ended in this error, its title and sentence in the caller's language."""
    shown = told(error)
    status = STATUS[shown.code]
    problem = Problem(
        type=type_of(shown.code),
        title=translate(shown.title(), language),
        status=status,
        detail=tell(shown, language),
        code=shown.code,
        facts=json_facts(shown.facts),
    )
    return Response(
        problem.model_dump_json().encode(),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={
            "Cache-Control": NOT_KEPT,
            "Content-Language": language,
            **_extra_headers(status, shown),
            **(headers or {}),
        },
    )


def _extra_headers(status: int, error: ComityError) -> dict[str, str]:
    if status == 401:
        return {"WWW-Authenticate": "Signature", "Accept-Signature": ACCEPT_SIGNATURE}
    if status not in (429, 503):
        return {}
    facts = error.facts
    later = {"Retry-After": str(facts.get("retry_after_s", RETRY_AFTER_S))}
    if isinstance(error, CallRateExceeded):
        kind = facts["kind"]
        later["RateLimit-Policy"] = f'"{kind}";q={facts["limit"]};w={facts["window_s"]}'
        later["RateLimit"] = f'"{kind}";r=0;t={facts["retry_after_s"]}'
    return later
