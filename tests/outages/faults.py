"""The faults: each is injected under load and ends with everything started again. What came of it, judges say.

A fault returns what it saw itself: a process that did not reach its point, one that did not stop, readiness that lied.
"""

from __future__ import annotations

import os
import random
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from deploy.local.exchange import SERVICES, service_of
from deploy.local.postgres import PrivatePostgres
from deploy.local.rabbitmq import PrivateRabbitMQ
from shared.runtime.crash_points import GATEWAY_POINTS, PUMP_POINTS, RELAY_POINTS, SEQUENCER_POINTS
from tests.frozen import family_of, frozen
from tests.outages.arena import Arena
from tests.outages.findings import Finding, Harm
from tests.outages.forked import wait_for
from tests.outages.repair import (
    REACHED_WITHIN_S,
    await_crash,
    await_ready,
    away,
    is_stopped,
    replicas_of,
    restart,
)
from tests.outages.twists import FREEZE

UNREADY_WITHIN_S: Final = 10.0
STOPPED_WITHIN_S: Final = 10.0
CONSUMING: Final = ("intake", "routing", "notification")
FROZEN_S: Final = (1.0, 4.0)


class Fault(ABC):
    """One kind of fault; `kind` is what coverage is counted by."""

    kind: str

    @abstractmethod
    def play(self, arena: Arena, chance: random.Random) -> list[Finding]:
        """Inject it while the parties correspond, and repair what it broke."""


@dataclass
class Crash(Fault):
    """A process kills itself at one point; `replicas` of them at once."""

    service: str
    point: str
    replicas: int = 1

    def __post_init__(self) -> None:
        self.kind = f"crash {self.service}:{self.point}" + (f" ×{self.replicas}" if self.replicas > 1 else "")

    @override
    def play(self, arena: Arena, chance: random.Random) -> list[Finding]:
        names = chance.sample(replicas_of(arena, self.service), self.replicas)
        with away(arena, self.service):
            for name in names:
                arena.exchange.kill(name)
                arena.exchange.start_process(name, {"unsafe_crash_at": f"{self.service}:{self.point}"})
            findings = [finding for name in names for finding in await_crash(arena, name)]
            return findings + restart(arena, names)


@dataclass
class RelayCrash(Fault):
    """A process dies between its commit and its publish; the relay that finds what it left dies too."""

    service: str
    point: str

    def __post_init__(self) -> None:
        self.kind = f"crash {self.service}:{self.point}"

    @override
    def play(self, arena: Arena, chance: random.Random) -> list[Finding]:
        names = replicas_of(arena, self.service)
        for name in names:
            arena.exchange.kill(name)  # no other relay may be faster
        findings = []
        for point in ("committed", self.point):
            arena.exchange.start_process(names[0], {"unsafe_crash_at": f"{self.service}:{point}"})
            arena.database.hurry()
            findings += await_crash(arena, names[0])
        arena.database.hurry()
        return findings + restart(arena, names)


@dataclass
class Kill(Fault):
    """SIGKILL at any moment."""

    service: str

    def __post_init__(self) -> None:
        self.kind = f"kill {self.service}"

    @override
    def play(self, arena: Arena, chance: random.Random) -> list[Finding]:
        time.sleep(chance.uniform(0, 1))  # any moment will do: this is no wait
        name = chance.choice(replicas_of(arena, self.service))
        with away(arena, self.service):
            arena.exchange.kill(name)
            return restart(arena, [name])


@dataclass
class Stop(Fault):
    """SIGTERM at any moment: it ends by itself, in time, with exit code 0."""

    service: str

    def __post_init__(self) -> None:
        self.kind = f"stop {self.service}"

    @override
    def play(self, arena: Arena, chance: random.Random) -> list[Finding]:
        name = chance.choice(replicas_of(arena, self.service))
        began = time.monotonic()
        with away(arena, self.service):
            code = arena.exchange.stop_process(name)
            took_s = time.monotonic() - began
            findings = []
            if code != 0 or took_s > STOPPED_WITHIN_S:
                findings.append(Finding(Harm.wrong, f"{name} stopped with {code} after {took_s:.1f} s"))
            return findings + restart(arena, [name])


@dataclass
class Freeze(Fault):
    """A process stands still for some seconds and goes on as if nothing had been."""

    service: str

    def __post_init__(self) -> None:
        self.kind = f"freeze {self.service}"

    @override
    def play(self, arena: Arena, chance: random.Random) -> list[Finding]:
        name = chance.choice(replicas_of(arena, self.service))
        with away(arena, self.service), frozen([arena.exchange.pid(name)]):
            time.sleep(chance.uniform(*FROZEN_S))  # the fault itself: it lasts this long
        return await_ready(arena)


@dataclass
class Zombie(Fault):
    """A process stops at one point, in the middle of its transaction. Its sessions are ended behind its back, or it
    keeps them; others go on with its work; then it comes back and goes on where it was."""

    service: str
    point: str
    loses_sessions: bool

    def __post_init__(self) -> None:
        self.kind = f"zombie {self.service}:{self.point}" + (" without its sessions" if self.loses_sessions else "")

    @override
    def play(self, arena: Arena, chance: random.Random) -> list[Finding]:
        name = chance.choice(replicas_of(arena, self.service))
        arena.exchange.kill(name)
        arena.exchange.start_process(name, {"unsafe_crash_at": f"{FREEZE}{self.service}:{self.point}"})
        pid = arena.exchange.pid(name)
        try:
            wait_for(f"{name} freezes at {self.point}", lambda: is_stopped(pid), REACHED_WITHIN_S)
        except TimeoutError as never:
            return [Finding(Harm.stuck, str(never)), *restart(arena, [name])]
        try:
            if self.loses_sessions:
                arena.database.end_sessions_of(pid)
            time.sleep(chance.uniform(*FROZEN_S))  # the fault itself: it lasts this long
        finally:
            os.kill(pid, signal.SIGCONT)
        return await_ready(arena)


@dataclass
class Outage(Fault):
    """The broker, the database, or both are killed, or fall silent, and come back."""

    servers: tuple[str, ...]
    is_silent: bool = False

    def __post_init__(self) -> None:
        self.kind = f"{'silence of' if self.is_silent else 'kill'} {' and '.join(self.servers)}"

    @override
    def play(self, arena: Arena, chance: random.Random) -> list[Finding]:
        time.sleep(chance.uniform(0, 0.5))  # any moment will do: this is no wait
        with self._out(arena):
            findings = self._judge_readiness(arena)
        return findings + await_ready(arena)

    @contextmanager
    def _out(self, arena: Arena) -> Iterator[None]:
        servers: dict[str, PrivateRabbitMQ | PrivatePostgres] = {
            "broker": arena.exchange.rabbitmq,
            "database": arena.exchange.postgres,
        }
        if self.is_silent:
            with frozen([pid for name in self.servers for pid in family_of(servers[name].pid)]):
                yield
            return
        for name in self.servers:
            servers[name].kill()
        yield
        for name in self.servers:
            servers[name].start()

    def _judge_readiness(self, arena: Arena) -> list[Finding]:
        """Whoever needs the server says within UNREADY_WITHIN_S that it is not ready."""
        needing = {name for name in arena.watch.names if "database" in self.servers or service_of(name) != "ledger"}
        try:
            wait_for("readiness", lambda: needing <= arena.watch.unready(), UNREADY_WITHIN_S)
        except TimeoutError:
            lying = ", ".join(sorted(needing - arena.watch.unready()))
            return [Finding(Harm.wrong, f"{lying}: ready, in spite of the {self.kind}")]
        return []


class FullDisk(Fault):
    """The database's disk has no room for some seconds. A server that gave up is started once there is room."""

    kind = "full disk of database"

    @override
    def play(self, arena: Arena, chance: random.Random) -> list[Finding]:
        assert arena.disk is not None, "this exchange has no disk that could be full"
        with arena.disk.full():
            time.sleep(chance.uniform(*FROZEN_S))  # the fault itself: it lasts this long
        arena.exchange.postgres.start()
        return await_ready(arena)


def all_faults() -> list[Fault]:
    """Every kind, once."""
    return [
        *(Crash(service, point) for service in CONSUMING for point in PUMP_POINTS),
        *(Crash("ledger", point) for point in SEQUENCER_POINTS),
        *(Crash("gateway", point) for point in GATEWAY_POINTS),
        *(Crash("intake", point, replicas=2) for point in ("written", "committed")),
        Crash("routing", "handled", replicas=2),
        Crash("notification", "written", replicas=2),
        # Notification publishes nothing, so its relay never has anything to do.
        *(RelayCrash(service, point) for service in ("intake", "routing") for point in RELAY_POINTS),
        *(Kill(service) for service in SERVICES),
        *(Stop(service) for service in SERVICES),
        *(Freeze(service) for service in SERVICES),
        *(Zombie("ledger", point, loses) for point in ("round-written", "round-committed") for loses in (False, True)),
        Zombie("intake", "written", loses_sessions=True),
        Zombie("routing", "claimed", loses_sessions=False),
        Zombie("notification", "committed", loses_sessions=True),
        *(Outage(servers) for servers in (("broker",), ("database",), ("broker", "database"))),
        *(Outage((server,), is_silent=True) for server in ("broker", "database")),
        FullDisk(),
    ]


def draw_faults(count: int, chance: random.Random, kinds: Sequence[Fault]) -> list[Fault]:
    """`count` faults in an order drawn by chance; no kind comes twice before every other came as often."""
    drawn: list[Fault] = []
    while len(drawn) < count:
        drawn += chance.sample(kinds, len(kinds))
    return drawn[:count]
