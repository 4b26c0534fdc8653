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
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

from jsonschema import ValidationError

from client.forms.form import Form, FormField, form_of
from client.forms.schema_files import FIRST_VERSION, schemas
from client.opening import OpenedMessage
from shared.domain.header import Header
from shared.domain.profiles import mandatory_body_fields
from shared.envelope.encoding import BODY_PART
from shared.errors import BodyIncomplete

MOST_FAULTS: Final = 40
"""No more are named at once: the rest is told when these are mended."""

_SHAPES: Final = {
    "string": "is not text",
    "array": "is not a list",
    "object": "is not a group of fields",
    "boolean": "is neither true nor false",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One field that is missing or wrong: `label` in the words of the form, `why` the end of that sentence."""

    path: str
    label: str
    why: str

    @property
    def text(self) -> str:
        return f"{self.label} ({self.path}) {self.why}"


@dataclass(frozen=True, slots=True)
class UnknownMember:
    """A member that the form does not know, and the one that may have been meant."""

    name: str
    meant: str | None


def check_content(header: Header, content: Mapping[str, Any]) -> None:
    """Before sealing. Raises BodyIncomplete, which names every fault."""
    found = faults(header, content)
    if found:
        raise BodyIncomplete(fields="; ".join(fault.text for fault in found))


def faults(header: Header, content: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Everything that is missing or wrong, in the order of the form; the first `MOST_FAULTS`."""
    version = content.get("form", FIRST_VERSION)
    form = form_of(header.profile, header.kind, version) if type(version) is int else None
    if form is None:
        return (Fault("form", "Form", f"{str(version)[:20]} of {header.kind} is not known to this program"),)
    said = _said(content)
    missing = [
        Fault(field.name, field.label, "is missing")
        for field in mandatory_body_fields(header)
        if field.name not in said
    ]
    found = {one.path: one for one in [*missing, *_schema_faults(header, version, form, said)]}
    order = {field.name: index for index, field in enumerate(form.fields)}
    ordered = sorted(found.values(), key=lambda one: order.get(one.path.partition(".")[0], len(order)))
    return tuple(ordered[:MOST_FAULTS])


def faults_of(opened: OpenedMessage) -> tuple[Fault, ...]:
    """Those of a message that was received. Nothing is said of a body that was not handed on."""
    if opened.part_keys and BODY_PART not in opened.part_keys:
        return ()
    return faults(opened.header, opened.content)


def unknown_members(header: Header, content: Mapping[str, Any]) -> tuple[UnknownMember, ...]:
    """What the form does not know, perhaps a slip of the pen."""
    form = form_of(header.profile, header.kind)
    names = [] if form is None else [field.name for field in form.fields]
    return tuple(
        UnknownMember(name, next(iter(get_close_matches(name, names, n=1)), None))
        for name in content
        if names and name not in names
    )


def _schema_faults(header: Header, version: int, form: Form, said: Mapping[str, Any]) -> Iterator[Fault]:
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
    match error.validator:
        case "required":
            yield from (_fault(form, [*steps, name], "is missing") for name in asked if name not in said)
        case "additionalProperties":
            known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
            yield from (_fault(form, [*steps, name], "is no field of this form") for name in said if name not in known)
        case _ if "propertyNames" in error.absolute_schema_path:
            yield _fault(form, [*steps, said], "is no number such as M1, M2")
        case _:
            yield _fault(form, steps, _why(error, asked))


def _why(error: ValidationError, asked: Any) -> str:
    match error.validator:
        case "type":
            return _SHAPES.get(str(asked), "is not as its form asks")
        case "enum":
            return f"is none of: {', '.join(asked)}"
        case "maxLength":
            return f"has more than {asked} characters"
        case "pattern":
            schema = error.schema if isinstance(error.schema, Mapping) else {}
            return f"is not written as in: {', '.join(schema.get('examples', ('a text that says something',)))}"
        case _:
            return "is not as its form asks"


def _fault(form: Form, steps: Sequence[str | int], why: str) -> Fault:
    path = ".".join(str(step + 1) if isinstance(step, int) else step[:64] for step in steps)
    return Fault(path or "content", _label(form, steps), why)


def _label(form: Form, steps: Sequence[str | int]) -> str:
    """The labels on the way: `Persons concerned 2 › Name`. A number, or the name of a measure, stays as it is."""
    fields: tuple[FormField, ...] = form.fields
    words: list[str] = []
    for step in steps:
        field = next((one for one in fields if one.name == step), None)
        if field is not None:
            words.append(field.label)
            fields = field.fields
        elif words:
            words[-1] += f" {step + 1 if isinstance(step, int) else step[:64]}"
        else:
            words.append(str(step)[:64])
            fields = ()
    return " › ".join(words) or "The content"


def _said(node: Any) -> Any:
    """Without the members that say nothing. Entries of lists stay, so that their numbers do."""
    if isinstance(node, Mapping):
        said = {name: _said(value) for name, value in node.items()}
        return {name: value for name, value in said.items() if not _is_empty(value)}
    return [_said(value) for value in node] if isinstance(node, list | tuple) else node


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value in ([], {})
