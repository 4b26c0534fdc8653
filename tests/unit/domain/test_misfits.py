"""What somebody wrote wrongly is told in words, and never in those of a library."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from client.request_file import RequestFile
from shared.domain.misfits import first_misfit
from shared.domain.strict_json import NotStrictJson, parse_strict_json

WHOLE = {"v": 1, "measures": {"M1": {"type": "testimony"}}, "content": {}}


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"v": 7}, "v: is not 1"),
        ({"extra": 1}, "extra: is no member that it may have"),
        ({"urgency": "urgente"}, "urgency: is not 'routine', 'urgent' or 'emergency'"),
        ({"measures": {}}, "measures: has 0 entries; it needs 1"),
        ({"measures": {"X9": {"type": "testimony"}}}, "measures.X9: is not written such as M1"),
        ({"measures": {"M1": {}}}, "measures.M1.type: is missing"),
        ({"content": []}, "content: is no JSON object"),
        ({"handling": "x"}, "handling: is no list"),
        ({"instrument": 5}, "instrument: is no text"),
    ],
)
def test_a_member_that_does_not_fit_is_told_in_words(members: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RequestFile.model_validate({**WHOLE, **members})
    assert first_misfit(refused.value) == says


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "it is empty"),
        (b'{"v": 1', "it is no whole JSON: what begins before or in line 1 does not end"),
        (b'{"v": "1', "it is no whole JSON: what begins before or in line 1 does not end"),
        (b"date;amount\n", "it is no JSON from line 1, column 1, on"),
        (b'\xff\xfe{"v"', "byte 1 is no text in UTF-8"),
    ],
)
def test_a_file_that_is_no_json_is_told_where(raw: bytes, says: str) -> None:
    with pytest.raises(NotStrictJson) as refused:
        parse_strict_json(raw)
    assert str(refused.value) == says
