"""A cursor names one place, and nothing else passes for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cursors import encode_dossier_cursor, encode_feed_cursor, parse_dossier_cursor, parse_feed_cursor
from shared.errors import CallMalformed
from shared.keys.base64url import encode_b64u


@given(st.integers(min_value=0, max_value=10**17))
def test_a_position_comes_back_from_its_cursor(position: int) -> None:
    assert parse_feed_cursor(encode_feed_cursor(position)) == position


def test_a_dossier_comes_back_from_its_cursor() -> None:
    dossier = "019aaa00-0000-7000-8000-0000000000d0"
    assert parse_dossier_cursor(encode_dossier_cursor(dossier)) == dossier


def test_no_cursor_is_the_start() -> None:
    assert parse_feed_cursor(None) == 0
    assert parse_dossier_cursor(None) is None


@given(st.text(max_size=60))
def test_any_other_text_is_refused_as_a_call_that_cannot_be_read(text: str) -> None:
    for parse, encode in ((parse_feed_cursor, encode_feed_cursor), (parse_dossier_cursor, encode_dossier_cursor)):
        try:
            place = parse(text)
        except CallMalformed:
            continue
        assert encode(place) == text  # type: ignore[arg-type]  # each parser goes with its encoder


@pytest.mark.parametrize("inside", [b"f1:-1", b"f1:01", b"f1:", b"f2:1", b"d1:1", "f1:١".encode(), b"f1:" + b"9" * 19])
def test_a_position_has_one_spelling(inside: bytes) -> None:
    with pytest.raises(CallMalformed):
        parse_feed_cursor(encode_b64u(inside))
