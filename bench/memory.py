"""`make bench-memory`: the memory of each process while the exchange is saturated, and how much it grew.

What a process holds is its proportional set: shared pages are shared out. The servers' processes stand beside ours as
context: their caches fill up to limits of their own.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from bench.exchange import POSTGRES, RABBITMQ, BenchExchange
from bench.figures import Goal, at_most, growth
from bench.letters import sealing_on
from bench.machine import describe
from bench.pipeline import FIRST_GUESS, OUTSTANDING_LEAST, SMALL, saturate, saturate_with
from bench.turns import Sizes

SAMPLES: Final = 120
GOAL: Final[Goal] = at_most(0.05)
CALIBRATION_S: Final = 10.0
LEAD_S: Final = 60.0
"""Of letters that are sealed before; the rest is sealed while the exchange runs, which slows it a little."""


@dataclass
class Watch:
    """Reads the memory of each process so often, until it is stopped."""

    exchange: BenchExchange
    every_s: float
    samples: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        began = time.monotonic()
        while not self._over.wait(self.every_s):
            for name, held in self.exchange.memory().items():
                self.samples.setdefault(name, []).append((time.monotonic() - began, float(held)))

    def stop(self) -> None:
        self._over.set()


def measure_memory(sizes: Sizes, say: Callable[[str], None]) -> tuple[dict[str, Any], list[str]]:
    """The document that is kept, and a plain line for each process. Raises RoundFailed."""
    shutil.rmtree(sizes.directory, ignore_errors=True)
    with BenchExchange(sizes.directory / "exchange") as exchange:
        rate = saturate(exchange, SMALL, min(CALIBRATION_S, sizes.seconds), FIRST_GUESS[SMALL])[0]
        say(f"calibration: {rate:.0f} messages/s")
        watch = Watch(exchange, sizes.seconds / SAMPLES)
        rate = _watched(exchange, sizes.seconds, rate, watch)
    verdicts, grown = [], {}
    for name, samples in watch.samples.items():
        grown[name] = grew = growth(samples)
        held = f"{samples[-1][1] / 2**20:.0f} MiB at the end"
        if name in (RABBITMQ, POSTGRES):
            verdicts.append(f"memory of {name}: {grew:+.1%}, {held}; no goal")
        else:
            told = "reached" if GOAL.is_reached(grew) else "not reached"
            verdicts.append(f"memory of {name}: {grew:+.1%}, {held}; goal < 5 %: {told}")
    document = {
        "what": "memory",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(),
        "seconds": sizes.seconds,
        "messages_per_second": rate,
        "growth": grown,
        "verdicts": verdicts,
        "samples": watch.samples,
    }
    return document, verdicts


def _watched(exchange: BenchExchange, seconds: float, rate: float, watch: Watch) -> float:
    """Saturated for so long while memory is read; letters have a lead of LEAD_S and are sealed on meanwhile."""
    letters = exchange.seal(int(rate * LEAD_S), SMALL)
    watching = threading.Thread(target=watch.run, daemon=True)
    with sealing_on(letters, exchange.parties, SMALL):
        watching.start()
        try:
            return saturate_with(exchange, letters, seconds, OUTSTANDING_LEAST)[0]
        finally:
            watch.stop()
            watching.join()
