"""One ASGI application on one socket, until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from shared.errors import SettingsRefused
from shared.runtime.connection_limits import PLAIN_ANSWERS, ConnectionLimits, Refusal
from shared.runtime.connections import Connections

GRACE_S: Final = 3
"""Open streams and polls are cut after this long; without it one open stream keeps uvicorn alive for ever."""
BACKLOG: Final = 1024


class HttpServer:
    """uvicorn, stopped by an event. `answers` are for those whose connection is refused before they make a call."""

    def __init__(
        self, app: ASGIApp, limits: ConnectionLimits, answers: Mapping[Refusal, bytes] = PLAIN_ANSWERS
    ) -> None:
        self._connections = Connections(limits, answers)
        self._server = _Server(
            uvicorn.Config(
                app,
                loop="none",
                http=cast(Any, self._connections.make),  # any factory will do; uvicorn's type asks for a class
                ws="none",
                lifespan="off",  # no application has one; where a process ends early its cancelling would be logged
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # nobody is believed about who called
                timeout_graceful_shutdown=GRACE_S,
            )
        )

    @property
    def is_ready(self) -> bool:
        return self._server.started

    @property
    def open_connections(self) -> int:
        return len(self._connections.open)

    async def run(self, stop: asyncio.Event, listener: socket.socket, before_end: Callable[[], None]) -> None:
        """Serve on this socket until `stop` is set; `before_end` is called then, before connections are closed."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._end_at(stop, before_end))
            ticking = tasks.create_task(self._connections.run())
            await self._server.serve(sockets=[listener])
            ticking.cancel()

    async def _end_at(self, stop: asyncio.Event, before_end: Callable[[], None]) -> None:
        await stop.wait()
        before_end()
        self._server.should_exit = True


def listen(host: str, port: int, shares_port: bool = False) -> socket.socket:
    """A listening socket; with `shares_port` other processes may listen on the same port, and the kernel divides the
    calls among them. Raises SettingsRefused.
    """
    try:
        return socket.create_server((host, port), backlog=BACKLOG, reuse_port=shares_port)
    except OverflowError:
        raise SettingsRefused(why=f"{port} is no port; take one from 1 to 65535, or 0 for a free one") from None
    except OSError as taken:
        raise SettingsRefused(why=f"cannot listen on {host}:{port}: {taken.strerror}") from None


class _Server(uvicorn.Server):
    """uvicorn re-raises SIGTERM when it returns; here the whole process stops in its own order."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
