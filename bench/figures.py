"""What a series of measurements says: percentiles, and ratios that survive a machine whose speed drifts. Pure.

Rules:
1. A ratio is the median of the ratios of paired rounds: the two halves of a pair ran one after the other, so that what
   slows the machine slows both. Medians of each side alone would compare a quiet minute with a busy one.
2. A percentile is a value that was measured (nearest rank), never one between two.
3. Nothing is thrown away as an outlier; the spread of the rounds is reported beside the median.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Spread:
    """Several rounds of one figure. `low` and `high` are the extremes."""

    median: float
    low: float
    high: float
    rounds: int


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure must reach: at least or at most so much."""

    limit: float
    at_least: bool

    def is_reached(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    @override
    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


def at_least(limit: float) -> Goal:
    return Goal(limit, True)


def at_most(limit: float) -> Goal:
    return Goal(limit, False)


def spread(values: Sequence[float]) -> Spread:
    """Raises ValueError for no values."""
    if not values:
        raise ValueError("a figure of no rounds")
    return Spread(median(values), min(values), max(values), len(values))


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """The ratio ours / theirs, round by round. Raises ValueError unless both have the same rounds, all above zero."""
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} rounds cannot be paired with {len(theirs)}")
    if any(value <= 0 for value in theirs):
        raise ValueError("a peer that did nothing is no peer")
    return spread([mine / other for mine, other in zip(ours, theirs, strict=True)])


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank: the smallest value that `percent` of all do not exceed. Raises ValueError."""
    if not values or not 0 < percent <= 100:
        raise ValueError("a percentile of something, above 0 and up to 100")
    return sorted(values)[math.ceil(percent / 100 * len(values)) - 1]


def growth(samples: Sequence[tuple[float, float]]) -> float:
    """How much (time, value) grew, as a part of where it began: the median of the last fifth against the second's.

    The first fifth is warm-up: pools fill, code is compiled, caches reach their bounds. Raises ValueError for fewer
    than ten samples.
    """
    if len(samples) < 10:
        raise ValueError("growth is told by ten samples or more")
    ordered = [value for _, value in sorted(samples)]
    fifth = len(ordered) // 5
    return median(ordered[-fifth:]) / median(ordered[fifth : 2 * fifth]) - 1


def seconds_of(run: Callable[[], object], now: Callable[[], float]) -> float:
    """How long one call takes by the clock `now`."""
    began = now()
    run()
    return now() - began
