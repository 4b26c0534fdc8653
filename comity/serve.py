"""`comity serve`: the whole exchange in one process on the embedded default, or one service of it."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import typer

if TYPE_CHECKING:
    import socket
    from collections.abc import Coroutine, Sequence

    from shared.runtime.backends import Backend
    from shared.runtime.readiness import Check, Readiness
    from shared.runtime.settings import Settings

ALL: Final = "all"
ABOUT: Final = {
    ALL: "Gateway, intake, routing, notification and ledger in this process, until SIGTERM or Ctrl-C.",
    "gateway": "The API. Any number of them.",
    "intake": "Is a message genuine, new, and a legal move? Any number of them.",
    "routing": "Who gets it, and did they? Any number of them.",
    "notification": "Who must hear of it? Any number of them.",
    "ledger": "Gives every leaf its place and signs the tree. One leads; a second one waits for it to fail.",
}
STOP_WITHIN_S: Final = 4.0
"""From SIGTERM to the end of the work in hand; closing connections comes after it."""
app = typer.Typer(no_args_is_help=True, help="Run the exchange, or one service of it.")


class _Member(Protocol):
    """A service that needs no address."""

    @property
    def name(self) -> str: ...

    @property
    def is_ready(self) -> bool: ...

    def checks(self) -> list[Check]: ...

    async def run(self, stop: asyncio.Event) -> None: ...


class _Front(Protocol):
    """What answers on the socket of this process."""

    @property
    def name(self) -> str: ...

    @property
    def is_ready(self) -> bool: ...

    async def run(self, stop: asyncio.Event, listener: socket.socket) -> None: ...


@app.callback()
def _serve() -> None:
    """Run the exchange, or one service of it."""


def _add_command(service: str) -> None:
    """All processes take the same options. Once ready, each prints a line of JSON: {"ready": true, "service": …,
    "url": …}. Exit code 0 after a clean stop, 1 otherwise.
    """

    def serve(
        data: Annotated[
            Path | None, typer.Option(help="Directory of keys and trust file; embedded, the database too.")
        ] = None,
        host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
        port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
        public_url: Annotated[str | None, typer.Option(help="The address that callers sign, if it is another.")] = None,
        database: Annotated[str | None, typer.Option(help="postgresql+asyncpg://…; not with a password in it.")] = None,
        broker: Annotated[str | None, typer.Option(help="amqp://… or amqps://…")] = None,
    ) -> None:
        _start(service, data=data, host=host, port=port, public_url=public_url, database=database, broker=broker)

    app.command(service, help=ABOUT[service])(serve)


for _service in ABOUT:
    _add_command(_service)


def _start(service: str, **given: object) -> None:
    import structlog

    from shared.errors import ComityError
    from shared.runtime.http_server import listen
    from shared.runtime.logs import configure_logs
    from shared.runtime.settings import load_settings, refuse_embedded
    from shared.runtime.telemetry import telling

    configure_logs("info", service)
    try:
        settings = load_settings(**given)
        configure_logs(settings.log_level, service, settings.passwords)
        if service != ALL:
            refuse_embedded(settings, service)
        with listen(settings.host, settings.port_of(service), settings.shares_port) as listener:
            taken = settings.model_copy(update={"port": listener.getsockname()[1]})
            with telling(taken, service):
                _run(_serve_until_stopped(service, taken, listener))
    except ComityError as refused:
        structlog.get_logger().error("ends", code=refused.code, why=str(refused))
        raise typer.Exit(1) from None
    except Exception as unexpected:
        structlog.get_logger().error("ends", why=type(unexpected).__name__, exc_info=unexpected)
        raise typer.Exit(1) from None


def _run(serving: Coroutine[None, None, None]) -> None:
    """Run to the end on uvloop; of several tasks that failed together, the first tells why."""
    import uvloop

    try:
        uvloop.run(serving)
    except BaseExceptionGroup as failed:
        first: BaseException = failed
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


async def _serve_until_stopped(service: str, settings: Settings, listener: socket.socket) -> None:
    from shared.runtime.backends import open_backend
    from shared.runtime.garbage import collect_seldom

    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with open_backend(settings, is_patient=not settings.is_embedded) as backend:
        members = _members(service, backend)
        front, readiness = _front(service, backend, members)
        collect_seldom()
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(_work(backend, members, stop)), tasks.create_task(front.run(stop, listener))]
            watching = tasks.create_task(readiness.run(stop))
            ready = {"ready": True, "service": service, "url": settings.url_of(service)}
            announcing = tasks.create_task(_announce([front, *members], readiness, ready, stop))
            await _end_in_time([*working, watching, announcing], stop)


async def _work(backend: Backend, members: Sequence[_Member], stop: asyncio.Event) -> None:
    """All members, as soon as there are servers to work with."""
    if await backend.wait_for_servers(stop):
        async with asyncio.TaskGroup() as tasks:
            for member in members:
                tasks.create_task(member.run(stop))


async def _end_in_time(tasks: Sequence[asyncio.Task[None]], stop: asyncio.Event) -> None:
    """What has not ended in time after `stop` waits for a server that is down, and is cut: as after a crash, nothing is
    lost by that.
    """
    await stop.wait()
    _, late = await asyncio.wait(tasks, timeout=STOP_WITHIN_S)
    for task in late:
        task.cancel()


def _members(service: str, backend: Backend) -> list[_Member]:
    """What works in this process: only the named service is imported, and with it only its own keys are read."""
    members: list[_Member] = []
    if service in (ALL, "intake"):
        from services.intake.main import build_intake

        members.append(build_intake(backend))
    if service in (ALL, "routing"):
        from services.routing.main import build_routing

        members.append(build_routing(backend))
    if service in (ALL, "notification"):
        from services.notification.main import build_notification

        members.append(build_notification(backend))
    if service in (ALL, "ledger"):
        from services.ledger.main import build_ledger

        members.append(build_ledger(backend))
    return members


def _front(service: str, backend: Backend, members: Sequence[_Member]) -> tuple[_Front, Readiness]:
    """What answers on the socket, and what it tells of its readiness."""
    checks = {check.name: check for member in members for check in member.checks()}
    all_checks = [*backend.checks(), *checks.values()]
    if service in (ALL, "gateway"):
        from gateway.main import build_gateway

        gateway = build_gateway(backend, all_checks)
        return gateway, gateway.readiness
    from shared.runtime.health import HealthServer
    from shared.runtime.readiness import Readiness

    readiness = Readiness(service, all_checks, backend.clock, backend.meters)
    return HealthServer(readiness, backend.meters.registry), readiness


async def _announce(
    parts: Sequence[_Front | _Member], readiness: Readiness, ready: dict[str, object], stop: asyncio.Event
) -> None:
    """Say that it is ready, once every part is."""
    while not stop.is_set():
        if all(part.is_ready for part in parts) and (await readiness.report()).is_ready:
            print(json.dumps(ready), flush=True)
            return
        await asyncio.sleep(0.02)
