"""Who calls, and with what, told to a process that is not ours: names, seeds of keys and real documents, in a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

CALLERS_FILE: Final = "COMITY_TEST_CALLERS"
"""The variable that names the file."""


@dataclass(frozen=True)
class Callers:
    """Keys of tests, which count on one exchange of one test run."""

    seed: int
    authority: str
    operator: str
    auditor: str
    seeds: Mapping[str, str]
    """Caller → the seed of its API key, in hexadecimal."""
    documents: Mapping[str, Sequence[str]]
    """Address → bodies that it takes."""
    parameters: Mapping[str, Sequence[str]]
    """Name of a path parameter → values that lead somewhere."""

    @classmethod
    def load(cls, file: Path) -> Self:
        return cls(**json.loads(file.read_text()))

    def store(self, file: Path) -> None:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(asdict(self), out)
