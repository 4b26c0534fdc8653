"""Rounds in which everybody has a turn: in an order drawn anew for each, with the machine's speed noted beside it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.drivers import RoundFailed
from bench.exchange import Costs
from bench.machine import load_average, spin_score

TRIES: Final = 3


@dataclass(frozen=True)
class Sizes:
    """How much of everything. `directory` is emptied, unless it `keeps` what a run that is gone on with left there;
    `environments` is where peers have their own."""

    rounds: int
    seconds: float
    seed: int
    directory: Path
    environments: Path
    only: frozenset[str] = frozenset()
    keeps: bool = False

    def wants(self, name: str) -> bool:
        return not self.only or name in self.only


@dataclass
class Measured:
    """Series by name, a value a round; those of one part have the same rounds. `why_not` names absent peers."""

    series: dict[str, list[float]] = field(default_factory=dict)
    noise: list[dict[str, Any]] = field(default_factory=list)
    costs: list[Costs] = field(default_factory=list)
    idle_cpu: dict[str, float] = field(default_factory=dict)
    """Process of ours → the part of one core that it takes while it has nothing to do."""
    elapsed_s: dict[str, list[float]] = field(default_factory=dict)
    """Leg of a paced message's way → its median in each round."""
    why_not: dict[str, str] = field(default_factory=dict)
    done_again: list[str] = field(default_factory=list)

    def add(self, name: str, value: float) -> None:
        self.series.setdefault(name, []).append(value)


Turn = Callable[[], Mapping[str, float]]
"""One turn of one contestant: what it measured, by the name of the series within the part."""


class Turns:
    def __init__(self, sizes: Sizes, say: Callable[[str], None]) -> None:
        self.sizes = sizes
        self.say = say
        self.measured = Measured()
        self._order = random.Random(sizes.seed)

    def play(self, part: str, contestants: Mapping[str, Turn]) -> None:
        """All rounds of a part. One that somebody failed is done again by all, and told. Raises RoundFailed."""
        for number in range(1, self.sizes.rounds + 1):
            for name, value in self._round(part, number, contestants).items():
                self.measured.add(f"{part}.{name}", value)

    def _round(self, part: str, number: int, contestants: Mapping[str, Turn]) -> dict[str, float]:
        values: dict[str, float] = {}
        for attempt in range(1, TRIES + 1):
            values.clear()
            try:
                for name in self._order.sample(sorted(contestants), len(contestants)):
                    values |= self._turn(part, number, name, contestants[name])
            except RoundFailed as failed:
                self.say(f"  {part} {number}: {failed}")
                self.measured.done_again.append(f"{part} {number}: {failed}")
                if attempt == TRIES:
                    raise
            else:
                break
        return values

    def _turn(self, part: str, number: int, name: str, turn: Turn) -> Mapping[str, float]:
        before, load = spin_score(), load_average()
        values = turn()
        after = spin_score()
        self.measured.noise.append(
            {"part": part, "round": number, "who": name, "spin_before": before, "spin_after": after, "load": load}
        )
        told = "  ".join(f"{series} {value:.4g}" for series, value in values.items())
        self.say(f"  {part} {number}: {name:<11} spin {before:>5.0f}  {told}")
        return values
