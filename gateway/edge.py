"""The outermost layer: header bounds, the last net under an error, the access log and the figures.

Rules:
1. No answer shows a stack trace, and no connection ends without one.
2. The log has the route's template, never the path: a path names messages. It has no header, no body, no query.
3. An exception after the answer began cannot be told to the caller: it is logged and the connection is cut.
"""

from __future__ import annotations

from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.gateway import Gateway
from gateway.problems import problem_response
from shared.errors import CallHeadersTooLarge, ComityError

_LOG = structlog.get_logger("gateway.access")
_NO_ROUTE: Final = "none"
_CLIENT_GONE: Final = 499
"""No answer was sent: the client closed the connection (a number of logs, not of HTTP)."""


class Edge:
    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        clock = self._gateway.ports.clock
        began = clock.monotonic()
        state = scope.setdefault("state", {})
        status = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            limit = self._gateway.config.limits.header_bytes
            if _header_bytes(scope) > limit:
                state["code"] = CallHeadersTooLarge.code
                await problem_response(CallHeadersTooLarge(limit=limit))(scope, receive, send_guarded)
            else:
                await self._app(scope, receive, send_guarded)
        except ClientDisconnect:
            status = status or _CLIENT_GONE
        except Exception:
            _LOG.exception("call failed", route=_route_of(scope))
            state["code"] = ComityError.code
            if status:
                raise
            await problem_response(ComityError())(scope, receive, send_guarded)
        finally:
            self._note(scope, status or _CLIENT_GONE, clock.monotonic() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        state = scope["state"]
        route, code = _route_of(scope), state.get("code")
        self._gateway.metrics.count_call(scope["method"], route, status, seconds, code)
        _LOG.info(
            "call",
            method=scope["method"],
            route=route,
            status=status,
            code=code,
            caller=state.get("caller"),
            ms=round(seconds * 1000, 1),
        )


def _header_bytes(scope: Scope) -> int:
    """Names, values, and the four bytes that divide and end each; and the target, which is as long as the caller
    likes."""
    fields = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    return fields + len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"])


def _route_of(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", _NO_ROUTE)
