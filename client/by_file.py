"""A dossier as files for a court that is not connected, and the court's answer as a file that comes back.

Rules:
1. What goes out is what was opened here: contents, attachments, a letter to read, and `answer.json` for the court to
   fill in with any editor. Keys and sealed bytes stay here, and so does what belongs to another leg.
2. What comes back is a wish like any other: the authority that is connected checks it, signs and sends it, naming the
   court. A file proves nothing about who wrote it.
3. An answer to a state that is past is refused, unless its sender says that he knows: the court had not read what came
   since.
4. Attachments of an answer lie beside it, under plain names. Nothing else on this machine can be named.
5. What the authority alone can say is in no file: why it goes on against a warning, and which officers approved.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from client.composition import ReplyWish
from client.desk.approvals import APPROVALS
from client.request_file import OVERRIDE, load_json
from shared.domain.header import Code, Urgency
from shared.domain.id_fields import AuthorityId, Digest, DossierId, MeasureId, MessageId
from shared.domain.leg import Leg
from shared.domain.misfits import first_misfit
from shared.domain.profiles import kind_of
from shared.errors import RequestFileInvalid

ANSWER_FILE: Final = "answer.json"
ANSWERED_BY: Final = "answered_by"
"""The member of the content that names the court that is not connected."""
_OF_THE_AUTHORITY: Final = (OVERRIDE, APPROVALS)

_FileName = Annotated[str, StringConstraints(pattern=r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,199}$")]


class AnswerFile(BaseModel):
    """`seen` is what the court has read; `kind` is empty until it decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    v: Literal["comity-answer/1"]
    number: str
    dossier: DossierId
    leg: AuthorityId
    seen: Digest
    in_reply_to: MessageId | None
    kind: str = ""
    possible: tuple[str, ...] = ()
    measures: tuple[MeasureId, ...] = ()
    urgency: Urgency = Urgency.routine
    handling: tuple[Code, ...] = ()
    act: dict[str, Any] = {}
    content: dict[str, Any] = {}
    answered_by: Annotated[str, StringConstraints(max_length=200)] = ""
    attachments: Annotated[tuple[_FileName, ...], Field(max_length=62)] = ()

    @field_validator("act", "content")
    @classmethod
    def _says_nothing_for_the_authority(cls, members: dict[str, Any]) -> dict[str, Any]:
        for name in _OF_THE_AUTHORITY:
            if name in members:
                raise ValueError(f"{name} is for whoever signs and sends it to say")
        return members

    def wish(self, leg: Leg, despite: str | None) -> ReplyWish:
        """What the court wants to say. Raises KindUnknown."""
        kind_of(leg.profile, self.kind)
        added = {ANSWERED_BY: self.answered_by.strip(), OVERRIDE: despite}
        named = {name: value for name, value in added.items() if value}
        return ReplyWish(
            kind=self.kind,
            act=self.act,
            content={**self.content, **named},
            measures=self.measures,
            urgency=self.urgency,
            handling=self.handling,
        )


def is_answer(document: object) -> bool:
    """Whether it says that it is one, of whatever version."""
    return isinstance(document, dict) and str(document.get("v", "")).startswith("comity-answer/")


def load_answer(path: Path) -> tuple[AnswerFile, list[Path]]:
    """The answer of a court in this file, and its attachments beside it. Raises RequestFileInvalid, which names what
    does not fit."""
    answer, files = load_own_answer(path)
    if not answer.answered_by.strip():
        raise RequestFileInvalid(file=path, why="answered_by is empty: it names the court that gave the answer")
    return answer, files


def load_own_answer(path: Path) -> tuple[AnswerFile, list[Path]]:
    """The same, of whoever sends it."""
    try:
        answer = AnswerFile.model_validate(load_json(path))
    except ValidationError as invalid:
        raise RequestFileInvalid(file=path, why=first_misfit(invalid, "the answer")) from None
    if not answer.kind:
        raise RequestFileInvalid(file=path, why=f"kind is empty; it may be {', '.join(answer.possible)}")
    files = [path.parent / name for name in answer.attachments]
    for file in files:
        if not _lies_there(file):
            raise RequestFileInvalid(file=file, why="the answer names it, and no such file lies beside it")
    return answer, files


def _lies_there(file: Path) -> bool:
    try:
        return not file.is_symlink() and file.is_file()
    except OSError:  # a name that no file system here takes
        return False
