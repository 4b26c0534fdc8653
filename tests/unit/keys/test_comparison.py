"""The number by which two people compare keys: the same on both sides, another for any other key."""

from __future__ import annotations

import re

import pytest

from shared.errors import ComparisonUnreadable
from shared.keys.comparison import (
    COMPARISON_BITS,
    COMPARISON_DIGITS,
    MAX_COMPARISON_TEXT,
    ToldNumber,
    comparison_code,
    comparison_number,
    read_told_number,
)

KIDS = ["MA.PGR#b", "MA.PGR#a"]
NUMBER = "13338 89503 80993 73766 26577 04446 19012 17464"
DIGITS = NUMBER.replace(" ", "")
CODE = f"comity-compare/1 exchange.example MA.PGR {DIGITS}"


def test_the_number_of_the_page() -> None:
    assert comparison_number("MA.PGR", KIDS) == NUMBER


def test_the_order_of_the_keys_does_not_matter_and_everything_else_does() -> None:
    number = comparison_number("MA.PGR", KIDS)
    assert comparison_number("MA.PGR", KIDS[::-1]) == number
    others = [("FR.BEPI", KIDS), ("MA.PGR", KIDS[:1]), ("MA.PGR", ["MA.PGR#b", "MA.PGR#c"]), ("MA.PGR", ["MA.PGR#ab"])]
    assert number not in {comparison_number(party, kids) for party, kids in others}


def test_it_compares_as_many_bits_as_it_says() -> None:
    assert 2**COMPARISON_BITS < 10**COMPARISON_DIGITS < 2 ** (COMPARISON_BITS + 1)


def test_the_code_of_the_page() -> None:
    assert comparison_code("exchange.example", "MA.PGR", NUMBER) == CODE
    assert read_told_number(CODE) == ToldNumber(DIGITS, exchange="exchange.example", party="MA.PGR")


@pytest.mark.parametrize(
    "text",
    [NUMBER, DIGITS, f"  {NUMBER}\r\n", NUMBER.replace(" ", "\u00a0"), NUMBER.replace("80993 73766", "8099373766")],
)
def test_digits_are_read_in_any_groups_and_name_nobody(text: str) -> None:
    assert read_told_number(text) == ToldNumber(DIGITS)


@pytest.mark.parametrize("text", [CODE + "\n", CODE.replace(DIGITS, NUMBER), CODE.replace(" ", "\n")])
def test_a_scanned_code_is_read_as_scanners_and_mail_break_it(text: str) -> None:
    assert read_told_number(text) == read_told_number(CODE)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "40 digits are needed, and it has 0$"),
        (DIGITS[:-1], "it has 39$"),
        (DIGITS + "0", "it has 41$"),
        (DIGITS[:-1] + "O", "39 and 1 other"),
        (DIGITS[:-1] + "\u0664", "39 and 1 other"),
        (f"MA.PGR {DIGITS}", "40 and 6 other"),
        (CODE.replace("/1", "/2"), "its version is comity-compare/2"),
        (CODE.replace("/1", "/1.0"), "its version is comity-compare/1.0"),
        (f"comity-compare/1 exchange.example {DIGITS}", "names an exchange and an authority"),
        (f"comity-compare/1 MA.PGR {NUMBER}", "it has 35$"),
        (" " * MAX_COMPARISON_TEXT + DIGITS, "more than 1024 characters"),
    ],
)
def test_what_is_no_number_is_not_compared_with_anything(text: str, why: str) -> None:
    with pytest.raises(ComparisonUnreadable) as refused:
        read_told_number(text)
    assert re.search(why, str(refused.value.facts["why"]))
