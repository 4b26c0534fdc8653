"""One step of the demonstration, as its transcript has it, and its failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class StepFailed(Exception):
    """A step of the demonstration did not end as it should. `code` is the refusal's, if it was one."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Step:
    """One line of the transcript."""

    who: str
    what: str
    command: str
    exit_code: int
    ids: Mapping[str, str]
    status: str | None
    began_at: str
    took_s: float
