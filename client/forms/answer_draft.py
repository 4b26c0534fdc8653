"""An answer that is being written: a draft like that of a request, in a dossier, in the format of `by_file.AnswerFile`.

Rules:
1. What is offered comes from the leg as it was read here: its measures for which the kind is possible, what is owed,
   the grounds of its instrument, the messages that wait for this answer.
2. It names in `seen` what its writer had read. Whoever goes on with it is told what came since, and has then read that.
3. What its form or its leg says by itself is not asked: `composition.py` and `answers.py` complete it, as of any reply.
Beside the members of the answer the draft keeps what it was begun with (`begun`), which the finished file has not.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from client.by_file import AnswerFile
from client.forms.code_words import CODE_WORDS
from client.forms.draft import About, Draft, act_field
from client.forms.faults import Fault, faults
from client.forms.form import FormField, Shape
from shared.domain.catalogue import HEADER_MEASURES
from shared.domain.leg import Leg
from shared.domain.profile_format import FieldType, Kind
from shared.domain.profiles import kind_of
from shared.domain.reference import encode_number
from shared.errors import RequestFileInvalid

_MEMBERS: Final = {
    "dossier": str,
    "leg": str,
    "kind": str,
    "seen": str,
    "measures": list,
    "act": dict,
    "content": dict,
    "begun": dict,
}
_BEGUN: Final = {"profile": str, "types": dict, "states": dict, "offered": dict}
_REPEATED: Final = frozenset({"on", "to"})
"""An answer that settles something repeats these from what it answers."""


class AnswerDraft(Draft):
    """`document` is an answer file and `begun`."""

    unasked = frozenset({"answered_by", "approvals", "form", "measures", "override_reason"})

    @override
    def _kind(self) -> Kind:
        return kind_of(self.profile, self.document["kind"])

    @property
    @override
    def profile(self) -> str:
        return str(self._begun["profile"])

    @property
    def _begun(self) -> dict[str, Any]:
        begun: dict[str, Any] = self.document["begun"]
        return begun

    @classmethod
    def begin_on(cls, file: Path, leg: Leg, kind: str, seen: str, offered: Mapping[str, Any]) -> AnswerDraft:
        """`offered`: the measures for which it is possible, and lists of codes by member of the act. Raises
        KindUnknown, and RequestFileInvalid also where the file exists."""
        document: dict[str, Any] = {
            "v": "comity-answer/1",
            "number": encode_number(leg.dossier, leg.requesting[:2]),
            "dossier": leg.dossier,
            "leg": leg.requested,
            "seen": seen,
            "in_reply_to": None,
            "kind": kind,
            "measures": [],
            "act": {},
            "content": dict(offered.get("content", {})),
            "begun": {"profile": leg.profile, **_standing(leg), "offered": {**offered, "content": None}},
        }
        draft = cls(file, document, None)
        draft._save()
        return draft

    @classmethod
    @override
    def load(cls, file: Path) -> AnswerDraft:
        document, written = cls._read(file)
        if not _has(document, _MEMBERS) or not _has(document["begun"], _BEGUN):
            raise RequestFileInvalid(file=file, why="it is no draft of an answer")
        return cls(file, document, written)

    def go_on(self, leg: Leg, seen: str, offered: Mapping[str, Any]) -> list[str]:
        """On the leg as it is now, which its writer has just been told of; the measures that are no longer possible."""
        gone = [one for one in self.chosen if one not in offered["measures"]]
        self.document["measures"] = [one for one in self.document["measures"] if one not in gone]
        self.document["seen"] = seen
        self.document["begun"] |= {**_standing(leg), "offered": {**offered, "content": None}}
        self._save()
        return gone

    @property
    def states(self) -> Mapping[str, str]:
        """Of the leg's measures, as they were when it was last told."""
        states: dict[str, str] = self._begun["states"]
        return states

    @property
    def possible(self) -> tuple[str, ...]:
        return tuple(self._begun["offered"]["measures"])

    @property
    def chosen(self) -> tuple[str, ...]:
        """Its measures: none named means all that are possible."""
        return tuple(self.document["measures"]) or self.possible

    @property
    def answerable(self) -> tuple[str, ...]:
        """The messages that wait for this answer, where there are several."""
        return tuple(self._begun["offered"].get("in_reply_to", ()))

    @property
    def words(self) -> dict[str, str]:
        """What its measures are, for whoever chooses among them."""
        return {name: CODE_WORDS.get(type_, type_) for name, type_ in self._begun["types"].items()}

    @property
    @override
    def about(self) -> About:
        types = self._begun["types"]
        return self._about({one: types[one] for one in self.chosen if one in types}, None)

    @override
    def act_fields(self) -> tuple[FormField, ...]:
        by_itself = {"approvals"} | ({"original"} if self.kind.forwards else set())
        by_itself |= _REPEATED if self.kind.settles else frozenset()
        return tuple(self._act_field(name) for name in self.kind.act if name not in by_itself)

    def _act_field(self, name: str) -> FormField:
        rule = self.kind.act[name]
        field = act_field(name, rule)
        if rule.type in (FieldType.outcomes, FieldType.measure_types):
            codes = tuple(sorted(rule.codes or HEADER_MEASURES))
            each = (
                FormField(one, one, self.words.get(one, ""), Shape.code, True, codes, is_line=True)
                for one in self.chosen
            )
            return replace(field, shape=Shape.group, codes=(), fields=tuple(each))
        offered = self._begun["offered"].get(name)
        return replace(field, shape=Shape.codes, codes=tuple(offered)) if offered else field

    @override
    def faults(self) -> tuple[Fault, ...]:
        return (*self.act_faults(), *faults(self.about, self.document["content"]))

    def choose(self, name: str, value: Any) -> None:
        self.set(name, value or [])

    @override
    def finished(self) -> dict[str, Any]:
        document = {name: value for name, value in self.document.items() if name != "begun"}
        document["measures"] = list(self.chosen)
        AnswerFile.model_validate(document)
        return document

    @override
    def write_file(self, file: Path) -> None:
        super().write_file(file)
        with suppress(OSError):  # other drafts lie there
            self.file.parent.rmdir()


def _has(document: Any, members: Mapping[str, type]) -> bool:
    return isinstance(document, dict) and all(type(document.get(name)) is of for name, of in members.items())


def _standing(leg: Leg) -> dict[str, Any]:
    """The leg's measures as its writer knows them."""
    return {
        "types": {one.id: one.type for one in leg.measures},
        "states": {one.id: one.state for one in leg.measures},
    }
