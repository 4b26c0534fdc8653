"""Watches over the programs of a local exchange: what ends unasked is started again, and each event is told in a line.

Rules:
1. Each program is watched by a thread of its own: a broker that takes seconds to start keeps no service waiting.
2. Between two starts of one program there is a pause, longer each time, until it has run for a while.
3. What the programs say of themselves (`/readyz`) is told too, once for each change.
4. Nothing that fails here ends the watch: it is told, and tried again.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from deploy.local.exchange import LocalExchange
from deploy.local.postgres import PrivatePostgres
from deploy.local.process import ServerFailed
from deploy.local.rabbitmq import PrivateRabbitMQ
from deploy.local.witnesses import LocalWitnesses

LOOK_EVERY_S: Final = 0.2
ASK_EVERY_S: Final = 1.0
PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
RAN_WELL_S: Final = 60.0
"""What has run this long begins again with the shortest pause."""


@dataclass(frozen=True)
class _Watched:
    """One program: whether it runs, how its end is told, how it is started and waited for."""

    name: str
    is_running: Callable[[], bool]
    tell_end: Callable[[], str]
    start: Callable[[], None]


class Supervisor:
    """From `start` to `stop`; the exchange must run when it starts, and is stopped by its owner afterwards."""

    def __init__(self, exchange: LocalExchange, witnesses: LocalWitnesses, tell: Callable[[str, str], None]) -> None:
        """`tell` gets the name of a program and what became of it; it is called from several threads."""
        self._exchange = exchange
        self._witnesses = witnesses
        self._tell = tell
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        servers = [
            self._watched_server("rabbitmq", self._exchange.rabbitmq),
            self._watched_server("postgres", self._exchange.postgres),
        ]
        processes = [self._watched_process(self._exchange, name) for name in self._exchange.names]
        beside = [self._watched_process(self._witnesses, name) for name in self._witnesses.names]
        for watched in [*servers, *processes, *beside]:
            self._run_beside(self._watch, watched)
        self._run_beside(self._ask_all)

    def stop(self) -> None:
        """Start nothing any more; returns when no start is under way."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run_beside(self, loop: Callable[..., None], *given: object) -> None:
        thread = threading.Thread(target=loop, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _watch(self, watched: _Watched) -> None:
        failures, started_at = 0, time.monotonic()
        while not self._stopping.wait(LOOK_EVERY_S):
            if watched.is_running():
                continue
            if time.monotonic() - started_at > RAN_WELL_S:
                failures = 0
            pause = PAUSES_S[min(failures, len(PAUSES_S) - 1)]
            failures += 1
            self._tell(watched.name, f"{watched.tell_end()}; starting it again in {pause:g} s")
            if self._stopping.wait(pause):
                return
            started_at = time.monotonic()
            try:
                watched.start()
            except (ServerFailed, OSError) as failed:
                self._tell(watched.name, f"did not start: {_first_line(failed)}")

    def _watched_server(self, name: str, server: PrivateRabbitMQ | PrivatePostgres) -> _Watched:
        def start() -> None:
            server.kill()  # what it left: its leash, its children
            server.start()
            self._tell(name, "runs again")

        return _Watched(name, server.is_running, lambda: "ended unasked", start)

    def _watched_process(self, group: LocalExchange | LocalWitnesses, name: str) -> _Watched:
        def tell_end() -> str:
            try:
                code = group.wait_ended(name, within_s=1)
            except KeyError:  # it could not even be started
                return "does not run"
            return f"ended by signal {-code}" if code < 0 else f"ended with exit code {code} (log: {name}.log)"

        return _Watched(name, lambda: group.is_running(name), tell_end, lambda: group.start_process(name))

    def _ask_all(self) -> None:
        """Tell what the programs say of themselves, whenever that changes."""
        last = dict.fromkeys(self._exchange.addresses, "")
        while not self._stopping.wait(ASK_EVERY_S):
            for name, before in last.items():
                why = self._exchange.why_not_ready(name)
                if why != before and not self._stopping.is_set():
                    self._tell(name, f"not ready: {why}" if why else "ready")
                last[name] = why


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
