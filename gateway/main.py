"""Wires the gateway: ports from the backend, and uvicorn around the application."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from datetime import datetime

from gateway.app import accounts_of, build_app, drain, metrics_of, readiness_of, settlement_of
from gateway.config import GatewayConfig, Limits, Rates
from gateway.ports import Depths, GatewayPorts, Submit
from gateway.wire_answers import wire_answers
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.sql.operations import SqlOperations
from shared.adapters.sql.parts import SqlParts
from shared.adapters.sql.queries import SqlQueries
from shared.adapters.sql.time_stamps import SqlTimeStamps
from shared.contracts.messages import RecordGatewayStart, RecordGatewayStop, ServiceMessage
from shared.domain.ids import encode_time
from shared.ports.bus import Bus
from shared.runtime.backends import Backend
from shared.runtime.connection_limits import ConnectionLimits
from shared.runtime.crash_points import Reach
from shared.runtime.feed_wakeups import FeedWakeups
from shared.runtime.http_server import HttpServer
from shared.runtime.publisher import Publisher
from shared.runtime.readiness import Check, Readiness
from shared.runtime.settings import Settings
from shared.runtime.working_life import Work


class GatewayService:
    name = "gateway"

    def __init__(self, backend: Backend, checks: Sequence[Check]) -> None:
        settings, keyring = backend.settings, backend.keyring("gateway")
        keys = backend.keys("gateway")
        self._wakeups = FeedWakeups(backend.wakeups, backend.opener(keys), backend.clock)
        ports = GatewayPorts(
            queries=SqlQueries(backend.store),
            ledger=SqlLedger(backend.store, backend.needs_quorum),
            stamps=SqlTimeStamps(backend.store),
            parts=SqlParts(backend.store),
            keyring=keyring,
            key_events=keyring.events,
            submit=_submitting(backend.publisher(keys), backend.reach("gateway")),
            wakeups=self._wakeups,
            clock=backend.clock,
            receipt_signer=keys.signer,
            operations=SqlOperations(backend.store),
            depths=_depths(backend.bus),
            checks=checks,
            meters=backend.meters,
        )
        config = GatewayConfig(
            name=settings.name,
            public_url=settings.url_of("gateway"),
            trust=backend.trust,
            limits=_limits(settings),
            rates=_rates(settings),
        )
        connections = _connections(settings, config.limits)
        self._app = build_app(ports, config)
        self._life = backend.working_life(self.name, _BusTeller(ports.submit))
        self._server = HttpServer(self._app, connections, wire_answers(connections))
        metrics_of(self._app).watch_connections(lambda: self._server.open_connections)

    @property
    def readiness(self) -> Readiness:
        return readiness_of(self._app)

    @property
    def is_ready(self) -> bool:
        return self._server.is_ready

    async def run(self, stop: asyncio.Event, listener: socket.socket) -> None:
        """Serve on this socket until `stop` is set."""
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(self._wakeups.run()), tasks.create_task(settlement_of(self._app).run())]
            beside.append(tasks.create_task(accounts_of(self._app).run()))
            async with self._life.during():
                await self._server.run(stop, listener, lambda: drain(self._app))
            for task in beside:
                task.cancel()
            await accounts_of(self._app).tell_refusals()


class _BusTeller:
    """Intake writes what the gateway tells of itself."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit

    async def started(self, work: Work) -> None:
        at = encode_time(work.started_at)
        await self._submit(
            RecordGatewayStart(
                process=work.process, version=work.version, started_at=at, roster_sha256=work.roster_sha256
            )
        )

    async def stopped(self, work: Work, at: datetime) -> None:
        await self._submit(RecordGatewayStop(process=work.process, stopped_at=encode_time(at)))


def _limits(settings: Settings) -> Limits:
    return Limits(
        window_least=settings.admission_least,
        window_most=settings.admission_most,
        target_s=settings.admission_target_s,
        body_timeout_s=settings.body_timeout_s,
        body_bytes_per_s=settings.body_bytes_per_s,
        polls_per_party=settings.polls_per_party,
    )


def _connections(settings: Settings, limits: Limits) -> ConnectionLimits:
    return ConnectionLimits(
        connections=settings.connections_most,
        head_bytes=limits.header_bytes,
        head_s=settings.head_timeout_s,
        idle_s=settings.idle_timeout_s,
    )


def _rates(settings: Settings) -> Rates:
    return Rates(settings.rate_submissions, settings.rate_documents, settings.rate_reads)


def _submitting(publisher: Publisher, reach: Reach) -> Submit:
    """Between the bus and the answer a process can die: its caller must be able to repeat the call."""

    async def submit(message: ServiceMessage) -> None:
        await publisher.submit(message)
        reach("submitted")

    return submit


def _depths(bus: Bus) -> Depths:
    async def depths(queue: str) -> tuple[int, int]:
        return await bus.depth(queue), await bus.dead_depth(queue)

    return depths


def build_gateway(backend: Backend, checks: Sequence[Check]) -> GatewayService:
    """`checks` are those of the process: its servers, and the services that run beside the gateway."""
    return GatewayService(backend, checks)
