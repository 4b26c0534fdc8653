"""The number by which two people compare keys: the same on both sides, another for any other key."""

from __future__ import annotations

from shared.keys.comparison import COMPARISON_BITS, COMPARISON_DIGITS, comparison_number

KIDS = ["MA.PGR#b", "MA.PGR#a"]


def test_the_number_of_the_page() -> None:
    assert comparison_number("MA.PGR", KIDS) == "13338 89503 80993 73766 26577 04446 19012 17464"


def test_the_order_of_the_keys_does_not_matter_and_everything_else_does() -> None:
    number = comparison_number("MA.PGR", KIDS)
    assert comparison_number("MA.PGR", KIDS[::-1]) == number
    others = [("FR.BEPI", KIDS), ("MA.PGR", KIDS[:1]), ("MA.PGR", ["MA.PGR#b", "MA.PGR#c"]), ("MA.PGR", ["MA.PGR#ab"])]
    assert number not in {comparison_number(party, kids) for party, kids in others}


def test_it_compares_as_many_bits_as_it_says() -> None:
    assert 2**COMPARISON_BITS < 10**COMPARISON_DIGITS < 2 ** (COMPARISON_BITS + 1)
