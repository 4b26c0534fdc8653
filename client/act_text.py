"""An act as it is typed: `NAME=VALUE`, read by the profile's own table, so that every kind can be written.

A list or an object is typed item by item, each under its name again: `grounds=eio:11(1)(a)`, `duties=costs=2026-12-01`,
`instead=M1=subscriber-data`. Whether the act is complete and sound is `check_act`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from shared.domain.profile_format import ActField, FieldType, Kind
from shared.errors import ActMalformed
from shared.texts.catalogue import SOURCE, translate
from shared.texts.catalogue import mark as _

_LISTS: Final = (FieldType.codes,)
_OBJECTS: Final = (FieldType.outcomes, FieldType.measure_types, FieldType.duties)


def read_act(kind: Kind, typed: Iterable[str]) -> dict[str, Any]:
    """The members that were typed. Raises ActMalformed, naming what the kind has."""
    act: dict[str, Any] = {}
    for item in typed:
        name, mark, value = item.partition("=")
        if not mark or not value:
            raise ActMalformed(kind=kind.name, why=f"{item} is not of the form NAME=VALUE")
        if name not in kind.act:
            known = ", ".join(kind.act) or "none"
            raise ActMalformed(kind=kind.name, why=f"it has no member {name}; it has: {known}")
        rule = kind.act[name]
        if rule.type in _LISTS:
            act[name] = [*act.get(name, []), value]
        elif rule.type in _OBJECTS and "=" in value:
            of, _, what = value.partition("=")
            act[name] = {**_object(act.get(name)), of: what}
        elif rule.type is FieldType.integer:
            act[name] = _number(value)
        else:
            act[name] = value
    return act


def hint_of(name: str, rule: ActField, language: str = SOURCE) -> str:
    """How a member is typed, and what it means: `due=2026-12-12  by when the answer is asked for`."""
    code = "|".join(sorted(rule.codes)) or "CODE"
    sample = {
        FieldType.date: "2026-12-12",
        FieldType.integer: "2",
        FieldType.authority: "ES.JCI3",
        FieldType.code: code,
        FieldType.codes: code,
        FieldType.outcomes: code,
        FieldType.measure_types: "M1=TYPE",
        FieldType.duties: f"{code}=2026-12-12",
        FieldType.dossier: "ID",
        FieldType.message: "ID",
    }[rule.type]
    optional = "" if rule.required else " " + translate(_("(may be left out)"), language)
    return f"{name}={sample}  {translate(rule.meaning, language)}{optional}"


def _object(known: object) -> dict[str, Any]:
    return dict(known) if isinstance(known, dict) else {}


def _number(value: str) -> int | str:
    return int(value) if value.isascii() and value.isdigit() else value
