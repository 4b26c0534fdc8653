"""What a service without an API tells of itself: `/livez`, `/readyz`, `/metrics`. It names no party and no message.

A deployment keeps these to its own network: reasons tell of the inside.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.runtime.connection_limits import ConnectionLimits
from shared.runtime.http_server import HttpServer
from shared.runtime.readiness import Readiness

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
LIMITS: Final = ConnectionLimits(connections=100, head_bytes=4096, message_bytes=64 * 1024)
NOT_KEPT: Final = {"Cache-Control": "no-store"}
OK: Final = "ok"


class HealthServer:
    """Answers for the services of this process."""

    name = "health"

    def __init__(self, readiness: Readiness, registry: CollectorRegistry) -> None:
        self._readiness = readiness
        self._registry = registry
        routes = [
            Route("/livez", self._livez),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]
        self._server = HttpServer(Starlette(routes=routes), LIMITS)

    @property
    def is_ready(self) -> bool:
        return self._server.is_ready

    async def run(self, stop: asyncio.Event, listener: socket.socket) -> None:
        """Answer on this socket until `stop` is set."""
        await self._server.run(stop, listener, self._readiness.drain)

    async def _livez(self, _: Request) -> Response:
        """The loop turns, and no more: what a restart does not cure must not cause one."""
        return JSONResponse({"alive": True}, headers=NOT_KEPT)

    async def _readyz(self, _: Request) -> Response:
        report = await self._readiness.report()
        checks = {name: why or OK for name, why in report.checks.items()}
        body = {"ready": report.is_ready, "why": report.why, "checks": checks}
        return JSONResponse(body, 200 if report.is_ready else 503, headers=NOT_KEPT)

    async def _metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=METRICS_TYPE, headers=NOT_KEPT)
