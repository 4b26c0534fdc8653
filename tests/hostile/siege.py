"""One attack against one process, between stretches of peace: what it grew by, what honest callers got, what it kept.

Honest callers are parties who read their feeds and send letters, at a pace that an exchange keeps up with easily, on
kept and on new connections. Their rate in peace and under attack is taken in turns within the same minute: the machine
is not the same in the next.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.http_wire import Wire
from bench.signed_calls import SignedCalls
from tests.exchange_process import FORKS
from tests.hostile.loads import LOADS, Aim

MOST_GROWTH: Final = 50 * 1024 * 1024
LEAST_RATE: Final = 0.9
POOLED_FILES: Final = 16
"""May stay open: connections to the database, of which a pool keeps what it needed once."""
WORKERS: Final = 4
EVERY_S: Final = 0.05
"""Of each worker: this and their number are the honest load."""
IN_TIME_S: Final = 1.0
NEW_CONNECTION_EVERY: Final = 5
ONE_LETTER_IN: Final = 5
SETTLES_WITHIN_S: Final = 20.0
_SAMPLE_S: Final = 0.1
_UNDER_WAY_S: Final = 0.5
"""Until the attacker's process has begun."""


@dataclass(frozen=True)
class Outcome:
    load: str
    peace_per_s: float
    attack_per_s: float
    held_bytes: int
    """The most of memory at any time of the attack."""
    grown_bytes: int
    """… and how much more that is than before it."""
    most_files: int
    files_left: int
    """Still open, of those that the attack opened, when it was over for a while."""
    is_alive: bool

    @property
    def ratio(self) -> float:
        return self.attack_per_s / self.peace_per_s if self.peace_per_s else 0.0

    @property
    def is_short(self) -> bool:
        return self.ratio < LEAST_RATE

    @property
    def failures(self) -> list[str]:
        checks = {
            f"honest callers got {self.ratio:.0%} of their rate": self.is_short,
            f"memory grew by {self.grown_bytes / 2**20:.0f} MiB": self.grown_bytes >= MOST_GROWTH,
            f"{self.files_left} more files are open": self.files_left > POOLED_FILES,
            "the process ended": not self.is_alive,
        }
        return [what for what, is_so in checks.items() if is_so]

    def line(self) -> str:
        return (
            f"{self.load:<18} honest {self.peace_per_s:5.1f}/s in peace, {self.attack_per_s:5.1f}/s under attack "
            f"({self.ratio:4.0%}), memory {self.held_bytes / 2**20:.0f} MiB ({self.grown_bytes / 2**20:+.1f}), "
            f"files at most {self.most_files}, left {self.files_left}"
        )


@dataclass
class Honest:
    """Callers that do what they are there for. `done` holds when each call was answered well and in time."""

    port: int
    signed: Sequence[SignedCalls]
    letters: list[bytes]
    done: list[float] = field(default_factory=list)
    failed: int = 0
    _sent: int = 0

    async def work(self, number: int) -> None:
        """Until cancelled."""
        signed, wire = self.signed[number % len(self.signed)], Wire(self.port, timeout_s=5.0)
        due = time.monotonic() + EVERY_S * number / WORKERS
        try:
            while True:
                due = max(due + EVERY_S, time.monotonic() - EVERY_S)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                self._sent += 1
                if self._sent % NEW_CONNECTION_EVERY == 0:
                    wire.close()
                await self._call(wire, signed)
        finally:
            wire.close()

    async def _call(self, wire: Wire, signed: SignedCalls) -> None:
        is_letter = self._sent % ONE_LETTER_IN == 1 and self.letters
        request = self.signed[0].post_message(self.letters.pop()) if is_letter else signed.get("/v1/feed?limit=10")
        began = time.monotonic()
        try:
            answer = await wire.call(request)
        except (OSError, TimeoutError):
            self.failed += 1
            return
        now = time.monotonic()
        if answer.status in (200, 202) and now - began <= IN_TIME_S:
            self.done.append(now)
        else:
            self.failed += 1

    def rate(self, since: float, until: float) -> float:
        return sum(since < at <= until for at in self.done) / (until - since)


@dataclass
class Process:
    """The process under attack, as the kernel sees it."""

    pid: int

    @property
    def is_alive(self) -> bool:
        return self._file("stat").exists()

    def memory(self) -> int:
        """Its proportional set, in bytes."""
        for line in self._file("smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        raise LookupError("the kernel tells no Pss")

    def files(self) -> int:
        return len(list(self._file("fd").iterdir()))

    def _file(self, name: str) -> Path:
        return Path("/proc") / str(self.pid) / name


async def besiege(load: str, aim: Aim, honest: Honest, process: Process, seconds: float, turns: int = 2) -> Outcome:
    """Peace and attack in turns, `seconds` of each altogether."""
    peace, attack, held, grown, opened = 0.0, 0.0, 0, 0, 0
    async with _working(honest):
        files = process.files()
        for _ in range(turns):
            peace += await _stretch(honest, seconds / turns) / turns
            before = process.memory()
            async with _watching(process) as samples, _attacking(load, aim):
                attack += await _stretch(honest, seconds / turns) / turns
            most = max(memory for memory, _ in samples)
            held, grown = max(held, most), max(grown, most - before)
            opened = max(opened, *(number for _, number in samples))
        left = await _files_left(process, files)
    return Outcome(load, peace, attack, held, grown, opened, left, process.is_alive)


async def _stretch(honest: Honest, seconds: float) -> float:
    began = time.monotonic()
    await asyncio.sleep(seconds)
    return honest.rate(began, began + seconds)


@asynccontextmanager
async def _working(honest: Honest) -> AsyncIterator[None]:
    workers = [asyncio.create_task(honest.work(number)) for number in range(WORKERS)]
    try:
        await asyncio.sleep(0.5)
        yield
    finally:
        await _end(workers)


@asynccontextmanager
async def _watching(process: Process) -> AsyncIterator[list[tuple[int, int]]]:
    """Its memory and its open files, time and again."""
    samples = [(process.memory(), process.files())]

    async def watch() -> None:
        while process.is_alive:
            samples.append((process.memory(), process.files()))
            await asyncio.sleep(_SAMPLE_S)

    watching = asyncio.create_task(watch())
    try:
        yield samples
    finally:
        await _end([watching])


@asynccontextmanager
async def _attacking(load: str, aim: Aim) -> AsyncIterator[None]:
    attacker = FORKS.Process(target=attack_for_ever, args=(load, aim), daemon=True)
    attacker.start()
    try:
        await asyncio.sleep(_UNDER_WAY_S)
        yield
    finally:
        attacker.kill()
        await asyncio.to_thread(attacker.join)


def attack_for_ever(load: str, aim: Aim) -> None:
    """What the attacker's process does."""
    asyncio.run(LOADS[load](aim))


async def _files_left(process: Process, before: int) -> int:
    """How many files more are open when it had time to close them."""
    until = time.monotonic() + SETTLES_WITHIN_S
    while (left := process.files() - before) > POOLED_FILES and time.monotonic() < until:
        await asyncio.sleep(0.1)
    return max(0, left)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
