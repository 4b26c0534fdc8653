"""`comity serve`: the exchange, in one process on the embedded default."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from shared.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Run the exchange.")


class _Service(Protocol):
    @property
    def is_ready(self) -> bool: ...


@app.callback()
def _serve() -> None:
    """Run the exchange."""


@app.command("all")
def serve_all(
    data: Annotated[Path | None, typer.Option(help="Directory of keys, trust file and database.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    public_url: Annotated[str | None, typer.Option(help="The address that callers sign, if it is another.")] = None,
) -> None:
    """Gateway, intake, routing, notification and ledger in this process, until SIGTERM or Ctrl-C.

    Prints one line of JSON once it is ready: {"ready": true, "url": …}. Exit code 0 after a clean stop, 1 otherwise.
    """
    from shared.errors import ComityError
    from shared.runtime.logs import configure_logs
    from shared.runtime.settings import load_settings

    try:
        settings = load_settings(data=data, host=host, port=port, public_url=public_url)
        configure_logs(settings.log_level)
        with _listen(settings.host, settings.port) as listener:
            _run(_serve_all(settings.model_copy(update={"port": listener.getsockname()[1]}), listener))
    except ComityError as refused:
        print(f"comity serve: {refused} [{refused.code}]", file=sys.stderr)
        raise typer.Exit(1) from None


def _listen(host: str, port: int) -> socket.socket:
    """Bound before anything else starts, so that a taken port is one clear sentence."""
    from shared.errors import SettingsRefused

    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as taken:
        raise SettingsRefused(why=f"cannot listen on {host}:{port}: {taken.strerror}") from None


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


async def _serve_all(settings: Settings, listener: socket.socket) -> None:
    from gateway.main import build_gateway
    from services.intake.main import build_intake
    from services.ledger.main import build_ledger
    from services.notification.main import build_notification
    from services.routing.main import build_routing
    from shared.runtime.backends import open_backend

    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with open_backend(settings) as backend:
        gateway = build_gateway(backend)
        services = [build(backend) for build in (build_intake, build_routing, build_notification, build_ledger)]
        async with asyncio.TaskGroup() as tasks:
            for service in services:
                tasks.create_task(service.run(stop))
            tasks.create_task(gateway.run(stop, listener))
            tasks.create_task(_announce([gateway, *services], settings.url, stop))


async def _announce(services: list[_Service], url: str, stop: asyncio.Event) -> None:
    """Say that it is ready, once every part is."""
    while not stop.is_set():
        if all(service.is_ready for service in services):
            print(json.dumps({"ready": True, "url": url}), flush=True)
            return
        await asyncio.sleep(0.02)
