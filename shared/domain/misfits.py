"""What does not fit a document's model, in words for whoever wrote it."""

from __future__ import annotations

from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.domain.ids import AUTHORITY_PATTERN, MEASURE_PATTERN, UUID7_PATTERN

LONGEST_STEP: Final = 64
"""Characters of a member's name that are repeated: the name may be its writer's invention."""

_NO_OBJECT: Final = "is no JSON object"
_NO_LIST: Final = "is no list"
_NO_NUMBER: Final = "is no whole number"
_NO_DAY: Final = "is no day such as 2026-12-12"
_WORDS: Final = {
    "missing": "is missing",
    "extra_forbidden": "is no member that it may have",
    "literal_error": "is not {expected}",
    "enum": "is not {expected}",
    "dict_type": _NO_OBJECT,
    "model_type": _NO_OBJECT,
    "model_attributes_type": _NO_OBJECT,
    "list_type": _NO_LIST,
    "tuple_type": _NO_LIST,
    "string_type": "is no text",
    "bool_type": "is neither true nor false",
    "int_type": _NO_NUMBER,
    "int_parsing": _NO_NUMBER,
    "int_from_float": _NO_NUMBER,
    "date_type": _NO_DAY,
    "date_parsing": _NO_DAY,
    "date_from_datetime_parsing": _NO_DAY,
    "too_short": "has {actual_length} entries; it needs {min_length}",
    "too_long": "has more than {max_length} entries",
    "string_too_short": "is shorter than {min_length} characters",
    "string_too_long": "is longer than {max_length} characters",
    "greater_than_equal": "is less than {ge}",
    "less_than_equal": "is more than {le}",
    "value_error": "{error}",
}
_SUCH_AS: Final = {
    AUTHORITY_PATTERN: "such as MA.PGR",
    MEASURE_PATTERN: "such as M1",
    UUID7_PATTERN: "such as an id of a message or a dossier",
}


def first_misfit(invalid: ValidationError, whole: str = "it") -> str:
    """The first member that does not fit, and why; `whole` stands for the document itself. No value is repeated."""
    first = invalid.errors(include_url=False, include_input=False)[0]
    steps = [str(step)[:LONGEST_STEP] for step in first["loc"] if step != "[key]"]
    return f"{'.'.join(steps) or whole}: {misfit_words(first)}"


def misfit_words(one: ErrorDetails) -> str:
    """Why a member does not fit, without the library's manner of speaking."""
    context: dict[str, Any] = one.get("ctx", {})
    if one["type"] == "string_pattern_mismatch":
        return f"is not written {_SUCH_AS.get(context['pattern'], 'as it must be')}"
    if one["type"] == "string_too_short" and context["min_length"] == 1:
        return "is empty"
    words = _WORDS.get(one["type"])
    return one["msg"] if words is None else words.format(**context)
