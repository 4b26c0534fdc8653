"""Times on the wire."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ids import encode_time, parse_time


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_time_that_is_written_is_read_back(moment: datetime) -> None:
    text = encode_time(moment)
    assert len(text) == 27
    assert parse_time(text) == moment
