"""Wires the gateway: ports from the backend, and uvicorn around the application."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn
from typing_extensions import override

from gateway.app import build_app, drain
from gateway.config import GatewayConfig
from gateway.ports import GatewayPorts, Submit
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.sql.parts import SqlParts
from shared.adapters.sql.queries import SqlQueries
from shared.contracts.messages import ServiceMessage
from shared.runtime.backends import Backend
from shared.runtime.crash_points import Reach
from shared.runtime.feed_wakeups import FeedWakeups
from shared.runtime.publisher import Publisher

GRACE_S: Final = 5
"""Open streams and polls are cut after this long; without it one open stream keeps uvicorn alive for ever."""


class _Server(uvicorn.Server):
    """uvicorn re-raises SIGTERM when it returns; here the whole process stops in its own order."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class GatewayService:
    name = "gateway"

    def __init__(self, backend: Backend) -> None:
        settings, keyring = backend.settings, backend.keyring()
        keys = backend.keys("gateway")
        self._wakeups = FeedWakeups(backend.wakeups, backend.opener(keys), backend.clock)
        ports = GatewayPorts(
            queries=SqlQueries(backend.store),
            ledger=SqlLedger(backend.store),
            parts=SqlParts(backend.store),
            keyring=keyring,
            key_events=keyring.events,
            submit=_submitting(backend.publisher(keys), backend.reach("gateway")),
            wakeups=self._wakeups,
            clock=backend.clock,
            receipt_signer=keys.signer,
        )
        config = GatewayConfig(name=settings.name, public_url=settings.url, trust=backend.trust)
        self._app = build_app(ports, config)
        self._server = _Server(
            uvicorn.Config(
                self._app,
                host=settings.host,
                port=settings.port,
                loop="none",
                http="httptools",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
                h11_max_incomplete_event_size=config.limits.header_bytes,
            )
        )

    @property
    def is_ready(self) -> bool:
        return self._server.started

    async def run(self, stop: asyncio.Event, listener: socket.socket) -> None:
        """Serve on this socket until `stop` is set."""
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._wakeups.run())
            tasks.create_task(self._drain_at(stop))
            await self._server.serve(sockets=[listener])
            listening.cancel()

    async def _drain_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        drain(self._app)
        self._server.should_exit = True


def _submitting(publisher: Publisher, reach: Reach) -> Submit:
    """Between the bus and the answer a process can die: its caller must be able to repeat the call."""

    async def submit(message: ServiceMessage) -> None:
        await publisher.submit(message)
        reach("submitted")

    return submit


def build_gateway(backend: Backend) -> GatewayService:
    return GatewayService(backend)
