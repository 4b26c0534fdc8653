"""A message that is being written, kept in the home after each answer; here a request, in the format of REQUEST.json.

Rules:
1. Durable after each answer, for its owner alone (0600 in a folder of 0700). It holds in clear what will be sealed, as
   the file that it becomes does; it is removed once that is written.
2. One hand at a time: a draft that was changed elsewhere since it was read here is not written over.
3. It says what is missing by the form and the profile's table, the same that refuse it before sealing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from client.forms.faults import MISSING, Fault, Faults, faults
from client.forms.form import Form, FormField, Shape, form_of
from client.request_file import MeasureAsked, RequestFile, load_json, read_given
from client.whole_file import put_in_place, remove_drafts
from shared.domain.header import RECIPROCITY, Basis, Urgency
from shared.domain.profile_format import ActField, FieldType, Kind
from shared.domain.profiles import check_act, profile_of
from shared.errors import BodyIncomplete, RequestFileInvalid

SETTINGS: Final = ("instrument", "urgency", "handling")
UNASKED: Final = frozenset({"answered_by", "approvals", "form", "measures", "override_reason", "reasons", "text"})
"""Members of an opening form that are asked elsewhere, added by the desk, or that only answers need."""


@dataclass(frozen=True, slots=True)
class About:
    """What the conditions of a profile look at, of a draft."""

    profile: str
    kind: str
    urgency: Urgency
    handling: tuple[str, ...]
    measures: Mapping[str, str]
    act: Mapping[str, Any]
    basis: Mapping[str, Basis] | None


class Draft:
    """The document and its file. Every change is on the disk when it returns; all raise RequestFileInvalid."""

    unasked = UNASKED

    def __init__(self, file: Path, document: dict[str, Any], written: bytes | None) -> None:
        self.file = file
        self.document = document
        self._written = written
        self.kind = self._kind()
        form = form_of(self.profile, self.kind.name)
        if form is None:
            raise RequestFileInvalid(file=file, why=f"there is no form for {self.profile}")
        self.form: Form = form

    @property
    def profile(self) -> str:
        return str(self.document["profile"])

    def _kind(self) -> Kind:
        return profile_of(self.profile).opening

    @classmethod
    def begin(cls, file: Path, profile: str, **members: Any) -> Draft:
        """Raises ProfileUnknown, and RequestFileInvalid also where the file exists."""
        kind = profile_of(profile).opening.name
        document = {"v": 1, "profile": profile, "kind": kind, "measures": {}, "act": {}, "content": {}, **members}
        draft = cls(file, document, None)
        draft._save()
        return draft

    @classmethod
    def load(cls, file: Path) -> Draft:
        """Raises ProfileUnknown."""
        document, written = cls._read(file)
        wanted = {"profile": str, "measures": dict, "act": dict, "content": dict}
        if not isinstance(document, dict) or any(type(document.get(name)) is not of for name, of in wanted.items()):
            raise RequestFileInvalid(file=file, why="it is no draft of a request")
        if not all(isinstance(one, dict) for one in document["measures"].values()):
            raise RequestFileInvalid(file=file, why="it is no draft of a request")
        return cls(file, document, written)

    @staticmethod
    def _read(file: Path) -> tuple[Any, bytes]:
        document = load_json(file)
        return document, read_given(file)

    # --- what it says ------------------------------------------------------------------------------------------------

    @property
    def about(self) -> About:
        types = {name: MeasureAsked(type=str(one.get("type"))).shown_type for name, one in self._measures.items()}
        on_reciprocity = self.document.get("instrument") == RECIPROCITY
        return self._about(types, {"": Basis(primary=RECIPROCITY, cited=(), group=None)} if on_reciprocity else None)

    def _about(self, types: Mapping[str, str], basis: Mapping[str, Basis] | None) -> About:
        urgency = Urgency(self.document.get("urgency", Urgency.routine))
        handling = tuple(self.document.get("handling", ()))
        return About(self.profile, self.kind.name, urgency, handling, types, self.document["act"], basis)

    @property
    def _measures(self) -> dict[str, dict[str, Any]]:
        measures: dict[str, dict[str, Any]] = self.document["measures"]
        return measures

    def questions(self) -> tuple[FormField, ...]:
        """The fields of the content that are asked, in the order of the form."""
        return tuple(
            one
            for one in self.form.fields
            if one.name not in self.unasked and one.shape not in (Shape.free, Shape.version)
        )

    def faults(self) -> tuple[Fault, ...]:
        """All that would refuse it before sealing, but for its recipients."""
        found = (*self.act_faults(), *faults(self.about, {**self.document["content"], "measures": self._measures}))
        measures = self.form.field("measures")
        if self._measures or measures is None:
            return found
        return (Fault("measures", ((measures.label, None),), MISSING), *found)

    def act_fields(self) -> tuple[FormField, ...]:
        """The members of the act that are asked; how many approved it is counted by the desk."""
        return tuple(act_field(name, rule) for name, rule in self.kind.act.items() if name != "approvals")

    def act_faults(self) -> tuple[Fault, ...]:
        missing = (one for one in self.act_fields() if one.required and one.name not in self.document["act"])
        return tuple(Fault(one.name, ((one.label, None),), MISSING) for one in missing)

    # --- what changes it ---------------------------------------------------------------------------------------------

    def set(self, name: str, value: Any) -> None:
        """A setting; None takes it away."""
        self._put(self.document, name, value)

    def set_content(self, name: str, value: Any) -> None:
        self._put(self.document["content"], name, value)

    def set_measures(self, measures: Mapping[str, Any]) -> None:
        self._put(self.document, "measures", dict(measures))

    def set_act(self, name: str, value: Any) -> None:
        """Raises ActMalformed for a value that the act cannot hold."""
        if value is not None:
            rule = self.kind.act[name]
            if rule.type is FieldType.integer:
                value = int(value) if str(value).isascii() and str(value).isdigit() else value
            check_act(replace(self.kind, act={name: rule}), {name: value}, self.about.measures)
        self._put(self.document["act"], name, value)

    def finished(self) -> dict[str, Any]:
        """What is written into the file that it becomes. Raises ValidationError."""
        RequestFile.model_validate(self.document)
        return self.document

    def write_file(self, file: Path) -> None:
        """The file that `comity send` takes, in place of this draft."""
        left = self.faults()
        if left:
            raise RequestFileInvalid(file=self.file, why=left[0].told())
        try:
            put_in_place(file, _encoded(self.finished()), replace=False)
        except (OSError, ValidationError) as broken:
            raise RequestFileInvalid(file=file, why=_said(broken)) from None
        self.file.unlink(missing_ok=True)
        remove_drafts(self.file)  # of a write that was killed

    def _put(self, members: dict[str, Any], name: str, value: Any) -> None:
        before = members.get(name)
        if value is None:
            members.pop(name, None)
        else:
            members[name] = value
        try:
            self._save()
        except RequestFileInvalid:
            members.pop(name, None)
            if before is not None:
                members[name] = before
            raise

    def _save(self) -> None:
        raw = _encoded(self.document)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self._written is not None and self.file.read_bytes() != self._written:
                raise RequestFileInvalid(file=self.file, why="it was changed elsewhere since it was read here")
            put_in_place(self.file, raw, replace=self._written is not None)
        except OSError as broken:
            raise RequestFileInvalid(file=self.file, why=_said(broken)) from None
        self._written = raw


def drafts_in(folder: Path, begins: str) -> list[Path]:
    """The drafts whose names begin so, the newest first."""
    found = folder.glob(f"{begins}*.json") if folder.is_dir() else ()
    return sorted(found, key=lambda file: file.stat().st_mtime_ns, reverse=True)


def act_field(name: str, rule: ActField) -> FormField:
    """A member of the act, as a question. A code of no closed list is typed."""
    shape = {FieldType.code: Shape.code, FieldType.codes: Shape.codes, FieldType.duties: Shape.dated}
    return FormField(
        name=name,
        label=rule.meaning,
        hint="",
        shape=shape.get(rule.type, Shape.text) if rule.codes else Shape.text,
        required=rule.required,
        codes=tuple(sorted(rule.codes)),
        examples=("2026-12-12",) if rule.type is FieldType.date else (),
        is_line=True,
    )


def check_entry(draft: Draft, name: str, value: Any) -> None:
    """Before an answer is kept. Raises BodyIncomplete for one that its form refuses; an empty one is only missing."""
    found = faults(draft.about, {**draft.document["content"], name: value}) if value is not None else ()
    wrong = tuple(one for one in found if one.path.partition(".")[0] == name)
    if wrong:
        raise BodyIncomplete(fields=Faults(wrong))


def _encoded(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _said(broken: Exception) -> str:
    if isinstance(broken, OSError):
        return broken.strerror or "it cannot be written"
    return str(broken).splitlines()[0]
