"""Whether two samples of times come from one distribution: the statistic of Kolmogorov and Smirnov, and its chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

CHANCE = 1e-4


def largest_gap(one: Sequence[float], other: Sequence[float]) -> float:
    """Between the empirical distribution functions of two samples (Kolmogorov, Smirnov)."""
    steps = sorted([(value, 1 / len(one)) for value in one] + [(value, -1 / len(other)) for value in other])
    gap = widest = 0.0
    for place, (value, step) in enumerate(steps):
        gap += step
        if place + 1 == len(steps) or steps[place + 1][0] != value:
            widest = max(widest, abs(gap))
    return widest


def gap_by_chance(one: int, other: int) -> float:
    """What two samples of one distribution exceed once in 1/CHANCE comparisons."""
    return math.sqrt(-math.log(CHANCE / 2) / 2) * math.sqrt((one + other) / (one * other))
