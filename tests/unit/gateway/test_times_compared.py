"""The comparison of times by which `make authz` judges: it finds a difference, and sees none where there is none."""

from __future__ import annotations

import random

import pytest

from tests.authz.distributions import gap_by_chance, largest_gap


@pytest.mark.parametrize(
    ("one", "other", "gap"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], 0),
        ([1, 2], [3, 4], 1),
        ([1, 3], [2, 4], 0.5),
        ([1, 1, 1, 9], [1, 9, 9, 9], 0.5),
    ],
)
def test_the_gap_is_that_between_the_distributions(one: list[float], other: list[float], gap: float) -> None:
    assert largest_gap(one, other) == pytest.approx(gap)
    assert largest_gap(other, one) == pytest.approx(gap)


def test_chance_explains_two_samples_of_one_distribution_and_no_shift_by_a_third_of_its_spread() -> None:
    dice = random.Random(1)
    times = [dice.gauss(10, 3) for _ in range(1000)]
    same = [dice.gauss(10, 3) for _ in range(1000)]
    assert largest_gap(times, same) < gap_by_chance(1000, 1000) < largest_gap(times, [one + 1 for one in same])
