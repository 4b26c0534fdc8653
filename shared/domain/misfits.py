"""What does not fit a document's model, in words for whoever wrote it."""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

LONGEST_STEP: Final = 64
"""Characters of a member's name that are repeated: the name may be its writer's invention."""


def first_misfit(invalid: ValidationError, whole: str = "it") -> str:
    """The first member that does not fit, and why; `whole` stands for the document itself. No value is repeated."""
    first = invalid.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(str(step)[:LONGEST_STEP] for step in first['loc']) or whole}: {first['msg']}"
