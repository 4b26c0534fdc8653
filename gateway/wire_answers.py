"""Answers to those whose connection is refused before there is a call: problem documents too, as they go over the
wire."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from gateway.problems import RETRY_AFTER_S, problem_response
from shared.errors import Busy, CallHeadersTooLarge, CallMalformed, CallTooLarge, CallTooSlow, ComityError
from shared.runtime.connection_limits import ConnectionLimits, Refusal

_LAST: Final = {"Connection": "close", "X-Content-Type-Options": "nosniff"}


def wire_answers(limits: ConnectionLimits) -> Mapping[Refusal, bytes]:
    """For each reason the whole answer."""
    errors: Mapping[Refusal, ComityError] = {
        Refusal.malformed: CallMalformed(why="it is no call of HTTP/1.1 to an address of this exchange"),
        Refusal.head_too_large: CallHeadersTooLarge(limit=limits.head_bytes),
        Refusal.head_too_slow: CallTooSlow(limit_s=round(limits.head_s)),
        Refusal.too_large: CallTooLarge(limit=limits.message_bytes),
        Refusal.full: Busy(retry_after_s=RETRY_AFTER_S),
    }
    return {why: _on_the_wire(error) for why, error in errors.items()}


def _on_the_wire(error: ComityError) -> bytes:
    response = problem_response(error, _LAST)
    fields = b"".join(name + b": " + value + b"\r\n" for name, value in response.raw_headers)
    status = HTTPStatus(response.status_code)
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() + fields + b"\r\n" + bytes(response.body)
