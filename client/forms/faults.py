"""What is missing or wrong in a content, field by field, in the words of its form.

Rules:
1. A field that is there and says nothing (null, white space, an empty list) is missing.
2. What the form asks for always stands in its schema; what is asked for under a condition stands in the profile's
   table, since the condition is in the header (`shared.domain.conditions`).
3. Before sealing a fault refuses; in a message that was opened it is told and refuses nothing: it is the sender's word.
4. A path counts the entries of a list from 1, as people do: `persons.2.name`.
5. A member that the form does not know is no fault: a sender may say more. `unknown_members` names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

from jsonschema import ValidationError
from typing_extensions import override

from client.forms.form import Form, FormField, form_of
from client.forms.schema_files import FIRST_VERSION, schemas
from client.opening import OpenedMessage
from shared.domain.conditions import Addressed
from shared.domain.profiles import PROFILES, mandatory_body_fields
from shared.envelope.encoding import BODY_PART
from shared.errors import BodyIncomplete
from shared.texts.catalogue import SOURCE, translate
from shared.texts.catalogue import mark as _

MOST_FAULTS: Final = 40
"""No more are named at once: the rest is told when these are mended."""


MISSING: Final = _("{field} is missing")
_OTHERWISE: Final = _("{field} is not as its form asks")
_SHAPES: Final = {
    "string": _("{field} is not text"),
    "array": _("{field} is not a list"),
    "object": _("{field} is not a group of fields"),
    "boolean": _("{field} is neither true nor false"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One field that is missing or wrong. `labels` lead to it in the words of the form, each perhaps with the number of
    an entry; `why` is a sentence of the catalogue with gaps."""

    path: str
    labels: tuple[tuple[str, str | None], ...]
    why: str
    gaps: Mapping[str, Any] = field(default_factory=dict)

    def told(self, language: str = SOURCE) -> str:
        """`Persons concerned 2 › Name (persons.2.name) is missing`."""
        return translate(self.why, language, **{**self.gaps, "field": f"{self.label(language)} ({self.path})"})

    def label(self, language: str = SOURCE) -> str:
        words = (translate(word, language) + (f" {number}" if number else "") for word, number in self.labels)
        return " › ".join(words)


@dataclass(frozen=True, slots=True)
class Faults:
    """Several, as a fact of an error: English unless it is told in another language."""

    found: tuple[Fault, ...]

    @override
    def __str__(self) -> str:
        return self.told(SOURCE)

    def told(self, language: str) -> str:
        return "; ".join(fault.told(language) for fault in self.found)


@dataclass(frozen=True, slots=True)
class UnknownMember:
    """A member that the form does not know, and the one that may have been meant."""

    name: str
    meant: str | None


def check_content(header: Addressed, content: Mapping[str, Any]) -> None:
    """Before sealing. Raises BodyIncomplete, which names every fault."""
    found = faults(header, content)
    if found:
        raise BodyIncomplete(fields=Faults(found))


def faults(header: Addressed, content: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Everything that is missing or wrong, in the order of the form; the first `MOST_FAULTS`."""
    version = content.get("form", FIRST_VERSION)
    form = form_of(header.profile, header.kind, version) if type(version) is int else None
    if form is None:
        gaps = {"version": str(version)[:20]}
        return (
            Fault("form", ((header.kind, None),), _("{field}: this program does not know version {version}"), gaps),
        )
    said = _said(content)
    missing = [
        Fault(one.name, ((one.label, None),), MISSING) for one in mandatory_body_fields(header) if one.name not in said
    ]
    found = {one.path: one for one in [*missing, *_schema_faults(header, version, form, said)]}
    order = {one.name: index for index, one in enumerate(form.fields)}
    ordered = sorted(found.values(), key=lambda one: order.get(one.path.partition(".")[0], len(order)))
    return tuple(ordered[:MOST_FAULTS])


def path_label(kind: str, path: str, language: str = SOURCE) -> str | None:
    """The labels that lead to a path in a content of this kind, counted from 1; None where no form knows it."""
    steps = [int(step) - 1 if step.isascii() and step.isdigit() else step for step in path.split(".")]
    forms = (form_of(profile.name, kind) for profile in PROFILES.values() if kind in profile.kinds)
    form = next((one for one in forms if one is not None and one.field(str(steps[0])) is not None), None)
    return None if form is None else Fault(path, _labels(form, steps), "").label(language)


def faults_of(opened: OpenedMessage) -> tuple[Fault, ...]:
    """Those of a message that was received. Nothing is said of a body that was not handed on."""
    if opened.part_keys and BODY_PART not in opened.part_keys:
        return ()
    return faults(opened.header, opened.content)


def unknown_members(header: Addressed, content: Mapping[str, Any]) -> tuple[UnknownMember, ...]:
    """What the form does not know, perhaps a slip of the pen."""
    form = form_of(header.profile, header.kind)
    names = [] if form is None else [one.name for one in form.fields]
    return tuple(
        UnknownMember(name, next(iter(get_close_matches(name, names, n=1)), None))
        for name in content
        if names and name not in names
    )


def _schema_faults(header: Addressed, version: int, form: Form, said: Mapping[str, Any]) -> Iterator[Fault]:
    known = schemas()
    schema = known.find(header.profile, header.kind, version)
    if schema is not None:
        for error in islice(known.validator(schema).iter_errors(said), MOST_FAULTS):
            yield from _named(form, error)


def _named(form: Form, error: ValidationError) -> Iterator[Fault]:
    """The faults that one error of the validator stands for."""
    steps: list[str | int] = list(error.absolute_path)
    said: Any = error.instance
    asked: Any = error.validator_value
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    match error.validator:
        case "required":
            yield from (_fault(form, [*steps, name], MISSING) for name in asked if name not in said)
        case "additionalProperties":
            known = schema.get("properties", {})
            more = (name for name in said if name not in known)
            yield from (_fault(form, [*steps, name], _("{field} is no field of this form")) for name in more)
        case _ if "propertyNames" in error.absolute_schema_path:
            yield _fault(form, [*steps, said], _("{field} is no number such as M1, M2"))
        case "type":
            yield _fault(form, steps, _SHAPES.get(str(asked), _OTHERWISE))
        case "enum":
            yield _fault(form, steps, _("{field} is none of: {codes}"), codes=", ".join(asked))
        case "maxLength":
            yield _fault(form, steps, _("{field} has more than {most} characters"), most=asked)
        case "pattern" if "examples" in schema:
            yield _fault(form, steps, _("{field} is not written as in: {sample}"), sample=", ".join(schema["examples"]))
        case _:
            yield _fault(form, steps, _OTHERWISE)


def _fault(form: Form, steps: Sequence[str | int], why: str, **gaps: Any) -> Fault:
    path = ".".join(str(step + 1) if isinstance(step, int) else step[:64] for step in steps)
    return Fault(path or "content", _labels(form, steps), why, gaps)


def _labels(form: Form, steps: Sequence[str | int]) -> tuple[tuple[str, str | None], ...]:
    """The labels on the way. The number of an entry, or the name of a measure, stands behind its list's."""
    fields: tuple[FormField, ...] = form.fields
    words: list[tuple[str, str | None]] = []
    for step in steps:
        known = next((one for one in fields if one.name == step), None)
        if known is not None:
            words.append((known.label, None))
            fields = known.fields
        elif words and words[-1][1] is None and fields:
            words[-1] = (words[-1][0], str(step + 1) if isinstance(step, int) else step[:64])
        else:
            words.append((str(step)[:64], None))
    return tuple(words) or ((form.title, None),)


def _said(node: Any) -> Any:
    """Without the members that say nothing. Entries of lists stay, so that their numbers do."""
    if isinstance(node, Mapping):
        said = {name: _said(value) for name, value in node.items()}
        return {name: value for name, value in said.items() if not _is_empty(value)}
    return [_said(value) for value in node] if isinstance(node, list | tuple) else node


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value in ([], {})
