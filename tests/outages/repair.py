"""What faults have in common: standing still, dying where they were told to, and coming back within READY_WITHIN_S."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deploy.local.exchange import service_of
from deploy.local.process import ServerFailed
from tests.outages.arena import Arena
from tests.outages.findings import Finding, Harm
from tests.outages.forked import wait_for

REACHED_WITHIN_S: Final = 60.0
"""A point is reached by the load that runs anyway; on a busy machine it takes its time."""
READY_WITHIN_S: Final = 30.0


def replicas_of(arena: Arena, service: str) -> list[str]:
    return [name for name in arena.exchange.names if service_of(name) == service]


@contextmanager
def away(arena: Arena, service: str) -> Iterator[None]:
    """Calls may break while a gateway dies; nobody else's death excuses any."""
    if service != "gateway":
        yield
        return
    with arena.gateway_away():
        yield


def await_crash(arena: Arena, name: str) -> list[Finding]:
    try:
        code = arena.exchange.wait_ended(name, REACHED_WITHIN_S)
    except ServerFailed as never:
        arena.exchange.kill(name)
        return [Finding(Harm.stuck, f"{name} did not reach its point: {never}")]
    return [] if code == -signal.SIGKILL else [Finding(Harm.wrong, f"{name} ended with {code} instead of dying")]


def restart(arena: Arena, names: Sequence[str]) -> list[Finding]:
    for name in names:
        arena.exchange.start_process(name)
    return await_ready(arena)


def await_ready(arena: Arena) -> list[Finding]:
    """Everybody runs and is ready within READY_WITHIN_S; who ended by itself is started again, and that is noted."""
    ended = [name for name in arena.exchange.names if not arena.exchange.is_running(name)]
    for name in ended:
        arena.exchange.start_process(name)
    findings = [Finding(Harm.wrong, f"{name} ended by itself") for name in ended]
    try:
        wait_for("readiness", lambda: not arena.unready(), READY_WITHIN_S, every_s=0.1)
    except TimeoutError:
        late = ", ".join(sorted(arena.unready()))
        findings.append(Finding(Harm.stuck, f"{late}: not ready {READY_WITHIN_S:.0f} s after the fault was over"))
    return findings


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
