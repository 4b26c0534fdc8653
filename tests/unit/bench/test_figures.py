"""Figures: pairs, ranks and growth mean what the table says of them."""

from __future__ import annotations

import pytest

from bench.figures import at_least, at_most, growth, paired_ratio, percentile, spread


def test_a_ratio_is_taken_round_by_round_so_that_a_slow_minute_does_not_tell() -> None:
    # The machine halved its speed twice; we were twice as fast as the peer in every single round.
    ratio = paired_ratio([200, 100, 50], [100, 50, 25])
    assert (ratio.median, ratio.low, ratio.high) == (2.0, 2.0, 2.0)


def test_rounds_without_their_pair_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        paired_ratio([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="did nothing"):
        paired_ratio([1.0], [0.0])
    with pytest.raises(ValueError, match="no rounds"):
        spread([])


@pytest.mark.parametrize(("percent", "expected"), [(50, 5), (90, 9), (99, 10), (100, 10), (1, 1)])
def test_a_percentile_is_a_value_that_was_measured(percent: float, expected: float) -> None:
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], percent) == expected


@pytest.mark.parametrize("percent", [0, -1, 100.1])
def test_a_percentile_outside_its_range_is_refused(percent: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile([1.0], percent)


def test_a_goal_counts_its_own_limit_as_reached() -> None:
    assert at_least(1.0).is_reached(1.0)
    assert not at_least(1.0).is_reached(0.999)
    assert at_most(5.0).is_reached(5.0)
    assert not at_most(5.0).is_reached(5.001)
    assert (str(at_least(25)), str(at_most(0.1))) == ("≥ 25", "≤ 0.1")


def test_growth_leaves_the_warm_up_out_and_sees_a_leak() -> None:
    warm = [(float(t), 50.0 + min(t, 10) * 5) for t in range(100)]
    assert growth(warm) == pytest.approx(0.0, abs=0.01)
    leaking = [(float(t), 100.0 + t) for t in range(100)]
    assert growth(leaking) == pytest.approx(60 / 130, abs=0.02)


def test_growth_is_told_in_the_order_of_time() -> None:
    leaking = [(float(t), 100.0 + t) for t in range(100)]
    assert growth(leaking[::-1]) == growth(leaking)


def test_growth_of_too_few_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="ten samples"):
        growth([(0.0, 1.0)] * 9)
