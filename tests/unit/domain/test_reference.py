"""A dossier number survives the telephone."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ids import new_uuid7
from shared.domain.reference import CROCKFORD, check_character, encode_number, verify_number
from shared.errors import NumberInvalid

moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))
countries = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=2)
numbers = st.builds(lambda at, country: encode_number(new_uuid7(at), country), moments, countries)


def test_the_check_character_is_that_of_the_standards_example() -> None:
    # the donation number in ISBT 128's explanation of ISO/IEC 7064 MOD 37-2
    assert check_character("G123489654321") == "Y"


def test_a_dossier_has_one_number() -> None:
    dossier = "019a4867-7d80-7000-8000-0123456789ab"
    assert encode_number(dossier, "MA") == encode_number(dossier, "MA")
    assert encode_number(dossier, "MA") != encode_number(dossier, "FR")
    assert encode_number(dossier, "MA") == "MA25-DJ5K-W064-7"  # the example of docs/spec/domain.md


@given(numbers)
def test_a_number_has_its_form_and_only_letters_that_are_not_misheard(number: str) -> None:
    assert re.fullmatch(rf"[A-Z]{{2}}\d\d(-[{CROCKFORD}]{{4}}){{2}}-[{CROCKFORD}]", number)
    assert verify_number(number) == number


@given(numbers)
def test_case_spaces_and_lookalikes_do_not_matter(number: str) -> None:
    said = number[:4] + number[4:].replace("1", "i").replace("0", "o")
    assert verify_number(f" {said.lower().replace('-', ' ')} ") == number


@given(numbers)
def test_every_single_wrong_character_is_caught(number: str) -> None:
    bare = number.replace("-", "")
    for position, right in enumerate(bare):
        for wrong in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            written = wrong.translate(str.maketrans("ILO", "110")) if position >= 4 else wrong
            if written != right:
                with pytest.raises(NumberInvalid):
                    verify_number(bare[:position] + wrong + bare[position + 1 :])


@given(numbers)
def test_every_exchange_of_two_neighbours_is_caught(number: str) -> None:
    bare = number.replace("-", "")
    for position in range(len(bare) - 1):
        one, other = bare[position], bare[position + 1]
        if one != other:
            with pytest.raises(NumberInvalid):
                verify_number(bare[:position] + other + one + bare[position + 2 :])


@pytest.mark.parametrize(
    "text", ["", "MA26", "MA26-4F7K-9QX2", "4F7K-9QX2-C", "MA26-4F7K-9QX2-CC", "MA26-4F7K-9QX2-*", "م"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(NumberInvalid):
        verify_number(text)


@pytest.mark.parametrize(
    ("dossier", "country"), [("not-an-id", "MA"), ("019b76da-a800-7999-8109-0def9b527f10", "Morocco")]
)
def test_a_number_is_made_of_an_id_and_a_country(dossier: str, country: str) -> None:
    with pytest.raises(ValueError, match="UUIDv7"):
        encode_number(dossier, country)
