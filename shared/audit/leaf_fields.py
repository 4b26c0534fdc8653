"""What the fields of a leaf may hold; `leaf_catalogue.py` says which leaf has which."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.domain.ids import DIGEST_PATTERN, MEASURE_PATTERN, is_authority_id, is_uuid7, parse_time
from shared.domain.strict_json import MAX_INTEGER
from shared.keys.public import OPERATOR

CODE_PATTERN: Final = "[a-z0-9][a-z0-9.:()+-]{0,127}"
_CODE = re.compile(CODE_PATTERN)
_DIGEST = re.compile(DIGEST_PATTERN[1:-1])
_MEASURE = re.compile(MEASURE_PATTERN[1:-1])


class Kind(StrEnum):
    """What a field may hold. The values are the names that the document uses."""

    AUTHORITY = "authority"
    UUID7 = "uuid7"
    DIGEST = "digest"
    TIME = "time"
    NUMBER = "number"
    CODE = "code"
    CODES = "list of codes"
    TEXT = "text"
    MEASURES = "list of measures"
    LEG_STATES = "list of leg states"
    REFUSALS = "list of refusals"
    OBJECT = "object"
    OBJECT_OR_NULL = "object or null"


@dataclass(frozen=True)
class Field:
    """One field of a leaf type."""

    name: str
    kind: Kind
    required: bool = True


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and parse_time(value) is not None
    except ValueError:
        return False


def is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INTEGER


def _is_code(value: object) -> bool:
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def _is_authority(value: object) -> bool:
    return isinstance(value, str) and is_authority_id(value)


def _is_measures(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(isinstance(one, str) and _MEASURE.fullmatch(one) is not None for one in value)
    )


def _is_leg_states(value: object) -> bool:
    if not isinstance(value, dict) or not {"measures"} <= value.keys() <= {"legs", "measures"}:
        return False
    legs, measures = value.get("legs"), value["measures"]
    named = isinstance(legs, list) and len(legs) > 0 and all(map(_is_authority, legs))
    return (
        (named or "legs" not in value)
        and isinstance(measures, dict)
        and all(map(_MEASURE.fullmatch, measures))
        and all(map(_is_code, measures.values()))
    )


def _is_refusals(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_refusal, value))


def _is_refusal(value: object) -> bool:
    if not isinstance(value, dict) or not {"code", "count"} <= value.keys() <= {"code", "count", "party"}:
        return False
    party = value.get("party", OPERATOR)
    return _is_code(value["code"]) and is_number(value["count"]) and (party == OPERATOR or _is_authority(party))


HOLDS: Final[Mapping[Kind, Callable[[object], bool]]] = {
    Kind.AUTHORITY: _is_authority,
    Kind.UUID7: lambda value: isinstance(value, str) and is_uuid7(value),
    Kind.DIGEST: _is_digest,
    Kind.TIME: is_time,
    Kind.NUMBER: is_number,
    Kind.CODE: _is_code,
    Kind.CODES: lambda value: isinstance(value, list) and all(map(_is_code, value)),
    Kind.TEXT: lambda value: isinstance(value, str),
    Kind.MEASURES: _is_measures,
    Kind.LEG_STATES: lambda value: isinstance(value, list) and all(map(_is_leg_states, value)),
    Kind.REFUSALS: _is_refusals,
    Kind.OBJECT: lambda value: isinstance(value, dict),
    Kind.OBJECT_OR_NULL: lambda value: value is None or isinstance(value, dict),
}
