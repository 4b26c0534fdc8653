"""Whether a process can do its work, and if not why: a few questions, asked once a second at most.

Rules:
1. Nobody waits for an answer longer than ANSWER_S, however silent the database or the broker is.
2. A refusal counts at once. Silence counts only after SLOW_S without an answer: a busy server must not take all
   replicas of a service out at the same moment.
3. Limits on age say that something is stuck, not that it is slow: STUCK_S is far above what load brings about.
4. Words say what is wrong; they hold no secret, but they tell of the inside. Who shows them to strangers shows the
   names of the checks alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

import structlog

from shared.errors import ComityError
from shared.ports.clock import Clock
from shared.runtime.meters import Meters

KEPT_S: Final = 1.0
ANSWER_S: Final = 1.5
SLOW_S: Final = 5.0
GIVE_UP_S: Final = 10.0
STUCK_S: Final = 60.0
"""An outbox row overdue by this much, or leaves that wait this long under a tree head that does not move."""
STOPPING: Final = "stopping"

log = structlog.get_logger()


@dataclass(frozen=True)
class Check:
    """One question. `ask` returns what is wrong, or None; a ComityError that it raises is wrong too."""

    name: str
    ask: Callable[[], Awaitable[str | None]]


@dataclass(frozen=True)
class Report:
    """`checks` has a sentence for each check that fails, None for the others."""

    why: str | None
    """The first reason; None when ready."""
    failing: str | None
    """The name of the first check that fails, or that the process is stopping."""
    checks: dict[str, str | None] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        return self.failing is None


class Readiness:
    def __init__(self, service: str, checks: Sequence[Check], clock: Clock, meters: Meters) -> None:
        self._asked = [_Asked(check, clock) for check in checks]
        self._clock = clock
        self._ready = meters.ready.labels(service)
        self._failing = meters.check_failing
        self._is_stopping = False
        self._looked_at = -inf
        self._last = Report("starting", "starting")
        self._lock = asyncio.Lock()

    async def report(self) -> Report:
        """What was found within the last second."""
        if self._is_stopping:
            return Report(STOPPING, STOPPING, self._last.checks)
        async with self._lock:
            if self._clock.monotonic() - self._looked_at >= KEPT_S:
                before, self._last = self._last, await self._look()
                self._looked_at = self._clock.monotonic()
                self._tell_change(before)
            return self._last

    async def run(self, stop: asyncio.Event) -> None:
        """Look once a second, asked or not: changes stand in the log, and the meters are fresh."""
        while not stop.is_set():
            await self.report()
            await self._clock.sleep(KEPT_S)
        self.drain()
        for asked in self._asked:
            asked.cancel()

    def drain(self) -> None:
        """About to stop: not ready from now on."""
        self._is_stopping = True
        self._ready.set(0)

    async def _look(self) -> Report:
        asking = [asked.begin() for asked in self._asked]
        if asking:
            await asyncio.wait(asking, timeout=ANSWER_S)
        checks = {asked.name: asked.end() for asked in self._asked}
        failing = next((name for name, why in checks.items() if why is not None), None)
        return Report(f"{failing}: {checks[failing]}" if failing is not None else None, failing, checks)

    def _tell_change(self, before: Report) -> None:
        now = self._last
        if now.failing != before.failing:
            if now.is_ready:
                log.info("ready")
            else:
                log.warning("not-ready", why=now.why)
        self._ready.set(now.is_ready)
        for name, why in now.checks.items():
            self._failing.labels(name).set(why is not None)


class _Asked:
    """One check, and its question under way: a silent server is not asked again before GIVE_UP_S."""

    def __init__(self, check: Check, clock: Clock) -> None:
        self.name = check.name
        self._ask = check.ask
        self._clock = clock
        self._task: asyncio.Task[str | None] | None = None
        self._answered_at = -inf

    def begin(self) -> asyncio.Task[str | None]:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._answer())
        return self._task

    def end(self) -> str | None:
        """What is wrong, as far as it is known now."""
        now = self._clock.monotonic()
        if self._task is None or not self._task.done():
            silent_s = now - self._answered_at
            return None if silent_s < SLOW_S else "no answer"
        why = self._task.result()
        if why is None:
            self._answered_at = now
        return why

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _answer(self) -> str | None:
        try:
            async with asyncio.timeout(GIVE_UP_S):
                return await self._ask()
        except ComityError as wrong:
            return str(wrong)
        except TimeoutError:
            return "no answer"
        except Exception as unexpected:
            return type(unexpected).__name__
