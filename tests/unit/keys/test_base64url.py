from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.keys.base64url import encode_b64u, parse_b64u


@given(st.binary(max_size=200))
def test_every_byte_string_comes_back(raw: bytes) -> None:
    text = encode_b64u(raw)
    assert parse_b64u(text) == raw
    assert "=" not in text


@given(st.binary(max_size=200))
def test_the_text_is_that_of_the_standard_library(raw: bytes) -> None:
    assert encode_b64u(raw) == urlsafe_b64encode(raw).rstrip(b"=").decode()


LETTERS = "ABQgwxyz019-_+/=\n\0é "


@given(st.text(max_size=40) | st.text(LETTERS, max_size=40) | st.text("AQgw", min_size=60, max_size=140))
def test_a_text_that_parses_is_the_only_spelling_of_its_bytes(text: str) -> None:
    try:
        raw = parse_b64u(text)
    except ValueError:
        return
    assert encode_b64u(raw) == text


@pytest.mark.parametrize(
    "text",
    ["AB", "AAB", "AA==", "AA=", "=", "====", "A", "+A", "/A", "A A", "AA\n", "é", "AAAA\x00"],
    ids=["low bits", "low bits of three", "padding", "short padding", "padding alone", "much padding", "one character",
         "plus", "slash", "space", "line feed", "letter", "nul"],
)  # fmt: skip
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        parse_b64u(text)


def test_a_wrong_length_is_refused() -> None:
    assert parse_b64u("AAAA", 3) == b"\0\0\0"
    with pytest.raises(ValueError, match="3 bytes instead of 4"):
        parse_b64u("AAAA", 4)
