"""The forms of `ids.py` as types of the fields of models."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, StringConstraints

from shared.domain.ids import (
    AUTHORITY_PATTERN,
    DIGEST_PATTERN,
    MEASURE_PATTERN,
    UUID7_PATTERN,
    encode_time,
    parse_time,
)

AuthorityId = Annotated[str, StringConstraints(pattern=AUTHORITY_PATTERN)]
MessageId = Annotated[str, StringConstraints(pattern=UUID7_PATTERN)]
DossierId = Annotated[str, StringConstraints(pattern=UUID7_PATTERN)]
ProcessId = Annotated[str, StringConstraints(pattern=UUID7_PATTERN)]
MeasureId = Annotated[str, StringConstraints(pattern=MEASURE_PATTERN)]
Digest = Annotated[str, StringConstraints(pattern=DIGEST_PATTERN)]


def _checked_time(text: str) -> str:
    parse_time(text)
    return text


def _moment(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("not a time")
    return parse_time(value)


def _day(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("not a date")
    return date.fromisoformat(value)


Timestamp = Annotated[str, AfterValidator(_checked_time)]
Moment = Annotated[datetime, BeforeValidator(_moment), PlainSerializer(encode_time, return_type=str, when_used="json")]
Day = Annotated[date, BeforeValidator(_day)]
