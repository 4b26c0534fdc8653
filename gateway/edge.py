"""The outermost layer: header bounds, refusals, the last net under an error, the access log and the figures.

Rules:
1. No answer shows a stack trace, and no connection ends without one.
2. The log has the route's template, never the path: a path names messages. It has no header, no body, no query.
3. An exception after the answer began cannot be told to the caller: it is logged and the connection is cut.
4. A call to an address of the *short ways* goes to its function at once; the framework, which would find the same
   function, answers all others (docs/adr/0011-short-ways.md).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.gateway import Gateway
from gateway.problems import problem_response, told
from shared.errors import CallHeadersTooLarge, ComityError
from shared.texts.catalogue import preferred_language

_LOG = structlog.get_logger("gateway")
_ACCESS: Final = structlog.get_logger("gateway.access")
_NO_ROUTE: Final = "none"
_CLIENT_GONE: Final = 499
"""No answer was sent: the client closed the connection (a number of logs, not of HTTP)."""
_NO_GUESSING: Final = (b"x-content-type-options", b"nosniff")

ShortWays = Mapping[tuple[str, str], Callable[[Request], Awaitable[Response]]]
"""Method and path → the route's own function."""


class Edge:
    def __init__(self, app: ASGIApp, gateway: Gateway, short_ways: ShortWays) -> None:
        self._app = app
        self._gateway = gateway
        self._short_ways = short_ways

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        clock = self._gateway.ports.clock
        began = clock.monotonic()
        scope.setdefault("state", {})
        status = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append(_NO_GUESSING)
            await send(message)

        try:
            await self._serve(scope, receive, send_guarded)
        except ClientDisconnect:
            status = status or _CLIENT_GONE
        except Exception as error:
            if status:
                _LOG.exception("call failed", route=_route_of(scope))
                raise
            await _refusal(scope, error)(scope, receive, send_guarded)
        finally:
            self._note(scope, status or _CLIENT_GONE, clock.monotonic() - began)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self._gateway.config.limits.header_bytes
        if _header_bytes(scope) > limit:
            raise CallHeadersTooLarge(limit=limit)
        short_way = self._short_ways.get((scope["method"], scope["path"]))
        if short_way is None:
            await self._app(scope, receive, send)
        else:
            scope["short_way"] = scope["path"]
            response = await short_way(Request(scope, receive))
            await response(scope, receive, send)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        state = scope["state"]
        route, code = _route_of(scope), state.get("code")
        self._gateway.metrics.count_call(scope["method"], route, status, seconds, code)
        if code is not None:
            self._gateway.accounts.count_refusal(code, state.get("caller"))
        _ACCESS.info(
            "call",
            method=scope["method"],
            route=route,
            status=status,
            code=code,
            caller=state.get("caller"),
            ms=round(seconds * 1000, 1),
        )


def _refusal(scope: Scope, error: Exception) -> Response:
    """The answer to a call that ended in this error, before anything was answered."""
    if not isinstance(error, ComityError):
        _LOG.exception("call failed", route=_route_of(scope))
        error = ComityError()
    shown = told(error)
    scope["state"]["code"] = shown.code
    if shown is not error:  # the caller is told less than what happened; the operator needs the rest
        _LOG.error("call could not be served", code=error.code, sentence=error.sentence(), exc_info=error)
    accepted = next((value for name, value in scope["headers"] if name == b"accept-language"), b"")
    return problem_response(shown, language=preferred_language(accepted.decode("latin-1")))


def _header_bytes(scope: Scope) -> int:
    """Names, values, and the four bytes that divide and end each; and the target, which is as long as the caller
    likes."""
    fields = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    return fields + len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"])


def _route_of(scope: Scope) -> str:
    """The template of the address."""
    route: str = scope["short_way"] if "short_way" in scope else getattr(scope.get("route"), "path", _NO_ROUTE)
    return route
