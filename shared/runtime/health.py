"""What a service without an API tells of itself: `/livez`, `/readyz`, `/metrics`. It names no party and no message.

A deployment keeps these to its own network.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from functools import partial
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.runtime.http_server import HttpServer

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
HEADER_BYTES: Final = 4096
NOT_KEPT: Final = {"Cache-Control": "no-store"}


class Member(Protocol):
    """One service in this process."""

    @property
    def name(self) -> str: ...

    @property
    def is_ready(self) -> bool: ...


class HealthServer:
    """Answers for the services of this process."""

    name = "health"

    def __init__(self, members: Sequence[Member], registry: CollectorRegistry) -> None:
        self._members = members
        self._registry = registry
        self._is_stopping = False
        ready = Gauge("comity_service_ready", "1 while this service does its work", ("service",), registry=registry)
        for member in members:
            ready.labels(member.name).set_function(partial(_is_ready, member))
        routes = [
            Route("/livez", self._livez),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]
        self._server = HttpServer(Starlette(routes=routes), HEADER_BYTES)

    @property
    def is_ready(self) -> bool:
        return self._server.is_ready

    async def run(self, stop: asyncio.Event, listener: socket.socket) -> None:
        """Answer on this socket until `stop` is set."""
        await self._server.run(stop, listener, self._drain)

    def _drain(self) -> None:
        self._is_stopping = True

    async def _livez(self, _: Request) -> Response:
        return JSONResponse({"alive": True}, headers=NOT_KEPT)

    async def _readyz(self, _: Request) -> Response:
        why = self._why_not_ready()
        return JSONResponse({"ready": why is None, "why": why}, 200 if why is None else 503, headers=NOT_KEPT)

    async def _metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=METRICS_TYPE, headers=NOT_KEPT)

    def _why_not_ready(self) -> str | None:
        if self._is_stopping:
            return "stopping"
        return next((f"{member.name} is not attached" for member in self._members if not member.is_ready), None)


def _is_ready(member: Member) -> float:
    return float(member.is_ready)
