"""Which flagged key events were explained to this auditor, by whom or how: a file that the auditor keeps.

Rules:
1. An explanation is of one event, named by its digest: under the same number another ledger may hold another one.
2. What was explained once stays so; a second explanation of the same event replaces the first.
3. The file is the auditor's own word. It is written whole or not at all, and nothing fetched ever writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from client.whole_file import locked, put_in_place
from shared.domain.id_fields import Digest, Timestamp
from shared.domain.misfits import first_misfit
from shared.domain.strict_json import encode_canonical_json, parse_strict_json
from shared.errors import RequestFileInvalid

EXPLAINED_FILE: Final = "explained-key-events.json"
MAX_FILE_BYTES: Final = 4 * 1024 * 1024
MAX_WHY: Final = 1000


class Explanation(BaseModel):
    """`seq` and `party` are for who reads the file; the event is the one with this digest."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    digest: Digest
    seq: int
    party: str
    at: Timestamp
    why: Annotated[str, StringConstraints(min_length=1, max_length=MAX_WHY)]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    v: Literal["comity-explained/1"]
    explained: tuple[Explanation, ...] = Field(strict=False)


@dataclass(frozen=True)
class ExplainedEvents:
    path: Path

    def read(self) -> Mapping[str, Explanation]:
        """By digest; none where there is no file. Raises RequestFileInvalid."""
        try:
            with self.path.open("rb") as file:
                raw = file.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return {}
        except OSError as broken:
            raise RequestFileInvalid(file=self.path, why=broken.strerror) from None
        try:
            if len(raw) > MAX_FILE_BYTES:
                raise ValueError(f"it has more than {MAX_FILE_BYTES} bytes")
            found = _File.model_validate(parse_strict_json(raw))
        except ValidationError as bad:
            raise RequestFileInvalid(file=self.path, why=first_misfit(bad)) from None
        except ValueError as bad:
            raise RequestFileInvalid(file=self.path, why=bad) from None
        return {one.digest: one for one in found.explained}

    def add(self, *explanations: Explanation) -> None:
        """Durable on return. Raises RequestFileInvalid."""
        try:
            with locked(self.path):
                known = {**self.read(), **{one.digest: one for one in explanations}}
                listed = sorted(known.values(), key=lambda one: (one.seq, one.digest))
                document = {"v": "comity-explained/1", "explained": [one.model_dump() for one in listed]}
                put_in_place(self.path, encode_canonical_json(document) + b"\n", replace=True)
        except OSError as failed:
            raise RequestFileInvalid(file=self.path, why=failed.strerror) from None
