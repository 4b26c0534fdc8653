"""REQUEST.json: what an authority writes down to open a dossier. `docs/guide/authority.md` explains it with a sample.

Rules:
1. Closed: an unknown member is a typing mistake and refuses the file, naming it.
2. `measures` is written in full, target and custodian included; what it says beyond the type is sealed. A covert
   measure shows in the header as `covert` and keeps its name in the sealed content.
3. Whether the content is complete is said by its form, checked in `composition.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.domain.catalogue import COVERT, COVERT_MEASURES
from shared.domain.header import Basis, Urgency
from shared.domain.id_fields import AuthorityId, MeasureId
from shared.domain.misfits import first_misfit
from shared.domain.strict_json import NotStrictJson, parse_strict_json
from shared.errors import RequestFileInvalid

OVERRIDE: Final = "override_reason"
"""The member of the content that says why a message goes though the registry warns."""
MAX_FILE_BYTES: Final = 4 * 1024 * 1024


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MeasureAsked(_Closed):
    """One measure. `type` is a code of the catalogue; everything else is sealed."""

    type: str
    target: str | None = None
    custodian: str | None = None
    link: str | None = None
    details: dict[str, Any] = {}

    @property
    def shown_type(self) -> str:
        """What the header says: the exchange does not learn which covert measure is asked for."""
        return COVERT if self.type in COVERT_MEASURES else self.type


class RequestFile(_Closed):
    """A request as it is written. `basis` overrides, leg by leg, what the registry says of the instrument."""

    v: Literal[1]
    profile: str = "mla-request"
    kind: str | None = None
    urgency: Urgency = Urgency.routine
    handling: tuple[str, ...] = ()
    measures: Annotated[dict[MeasureId, MeasureAsked], Field(min_length=1)]
    instrument: str | None = None
    basis: dict[AuthorityId, Basis] = {}
    act: dict[str, Any] = {}
    content: dict[str, Any]

    def despite(self, reason: str | None) -> RequestFile:
        """The same, with the reason for which it goes though the registry warns."""
        return self if reason is None else self.model_copy(update={"content": {**self.content, OVERRIDE: reason}})

    def sealed_content(self) -> dict[str, Any]:
        """The content with the measures as they were written."""
        measures = {name: one.model_dump(exclude_defaults=True) for name, one in self.measures.items()}
        return {**self.content, "measures": measures}


def load_request(path: Path) -> RequestFile:
    """Raises RequestFileInvalid, naming the member that does not fit."""
    document = load_json(path)
    try:
        return RequestFile.model_validate(document)
    except ValidationError as invalid:
        raise RequestFileInvalid(file=path, why=first_misfit(invalid, "the request")) from None


def load_json(path: Path) -> Any:
    """The strict JSON in a file of at most 4 MiB. Raises RequestFileInvalid."""
    raw = read_given(path, MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise RequestFileInvalid(file=path, why=f"it has more than {MAX_FILE_BYTES} bytes")
    try:
        return parse_strict_json(raw)
    except NotStrictJson as broken:
        raise RequestFileInvalid(file=path, why=broken) from None


def read_given(path: Path, most: int = -1) -> bytes:
    """What the file holds that a user named, or so many bytes of it. Raises RequestFileInvalid."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as broken:
        raise RequestFileInvalid(file=path, why=broken.strerror) from None
