"""Problem details (RFC 9457) back to the tree of errors, by their stable code.

A code that this version does not know becomes an `UnknownProblem` that keeps the code and the exchange's own words: a
newer exchange must stay readable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from pydantic import ValidationError

from shared.contracts.api import Problem
from shared.errors import AnswerRefused, ComityError

_CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,31}(\.[a-z][a-z0-9-]{0,63})+")


class UnknownProblem(ComityError):
    """{detail}"""

    code = "comity.unknown-problem"


def error_of(status: int, body: bytes) -> ComityError:
    """The error in this answer; AnswerRefused when the body is no problem document."""
    try:
        problem = Problem.model_validate_json(body)
    except ValidationError:
        return AnswerRefused(why=f"it is {status} without an explanation")
    return error_by_code(problem.code, problem.detail, problem.facts)


def error_by_code(code: str, detail: str, facts: dict[str, str]) -> ComityError:
    """The error with this code; `detail` speaks where the code is unknown here.

    AnswerRefused for what is no code: a code is shown as it came.
    """
    if _CODE.fullmatch(code) is None:
        return AnswerRefused(why="it refuses with a code that cannot be one")
    known = _by_code().get(code)
    if known is not None:
        return known(**facts)
    unknown: type[ComityError] = type("UnknownProblem", (UnknownProblem,), {"__doc__": "{detail}", "code": code})
    return unknown(detail=detail)


def title_by_code(code: str) -> str | None:
    """What an error with this code is called in short; None for one that this version does not know."""
    known = _by_code().get(code)
    return None if known is None else known.title()


@cache
def _by_code() -> dict[str, type[ComityError]]:
    return {error.code: error for error in _descendants(ComityError)}


def _descendants(error: type[ComityError]) -> Iterator[type[ComityError]]:
    yield error
    for child in error.__subclasses__():
        yield from _descendants(child)
