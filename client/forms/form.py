"""A form: the fields of a kind's content in the order in which they are asked and printed, read from its schema.

Whoever asks step by step, names a fault or prints a letter goes by this list, so that all three use the same words.
Pure but for the schemas, which are files of this program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from client.forms.schema_files import FIRST_VERSION, Schemas, schemas


class Shape(StrEnum):
    """What a field holds."""

    text = "text"
    code = "code"  # one of a closed list
    codes = "codes"  # several of a closed list
    dated = "dated"  # a date for each of several codes
    flag = "flag"  # true or false
    group = "group"  # an object of named fields
    listed = "list"  # of groups
    numbered = "numbered"  # groups by their number: M1, M2 …
    free = "free"  # whatever its writer wants
    version = "version"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field. `fields` are those of the group, or of each entry of a list. `is_line` says that it is short."""

    name: str
    label: str
    hint: str
    shape: Shape
    required: bool
    codes: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    fields: tuple[FormField, ...] = ()
    is_line: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a kind: its own first, then those that every message may have."""

    title: str
    fields: tuple[FormField, ...]

    def field(self, name: str) -> FormField | None:
        return next((one for one in self.fields if one.name == name), None)


def form_of(profile: str, kind: str, version: int = FIRST_VERSION) -> Form | None:
    """The form of a kind; None where this program knows none."""
    known = schemas()
    schema = known.find(profile, kind, version)
    if schema is None:
        return None
    found = {one.name: one for one in reversed(list(_fields(known, schema)))}
    return Form(str(schema["title"]), tuple(reversed(found.values())))


def _fields(known: Schemas, schema: Mapping[str, Any]) -> Iterator[FormField]:
    """Those of the schema itself first: what it says of a field is said before what it refers to."""
    required = schema.get("required", ())
    for name, node in schema.get("properties", {}).items():
        yield _field(known, name, node, name in required)
    if "$ref" in schema:
        yield from _fields(known, known.at(schema["$ref"]))
    for node in schema.get("allOf", ()):
        yield from _fields(known, node)


def _field(known: Schemas, name: str, node: Mapping[str, Any], required: bool) -> FormField:
    said = {name: value for name, value in node.items() if name != "$ref"}
    target = {**known.at(node["$ref"]), **said} if "$ref" in node else node
    fields: tuple[FormField, ...] = ()
    match target:
        case {"const": _}:
            shape = Shape.version
        case {"enum": _}:
            shape = Shape.code
        case {"type": "array", "items": {"$ref": entry}}:
            shape, fields = Shape.listed, tuple(_fields(known, known.at(entry)))
        case {"type": "object", "additionalProperties": {"$ref": entry}}:
            shape, fields = Shape.numbered, tuple(_fields(known, known.at(entry)))
        case {"type": "object", "properties": _}:
            shape, fields = Shape.group, tuple(_fields(known, target))
        case {"type": "string"}:
            shape = Shape.text
        case {"type": "boolean"}:
            shape = Shape.flag
        case _:
            shape = Shape.free
    return FormField(
        name=name,
        label=str(target.get("title", name)),
        hint=str(target.get("description", "")),
        shape=shape,
        required=required,
        codes=tuple(target.get("enum", ())),
        examples=tuple(target.get("examples", ())),
        fields=fields,
        is_line="maxLength" in target or "examples" in target,
    )
