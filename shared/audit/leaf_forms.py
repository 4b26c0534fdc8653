"""The usual forms of leaves as patterns: what one of them matches is a leaf, and is read without a JSON parser.

A leaf has one byte form, so most types are a regular language: their members in order, each with the text that its kind
allows. Rules:
1. A form takes nothing that the catalogue's own rules refuse. What it does not take is read by these, slowly: a text
   beyond ASCII or with escapes, a number near the largest, an object that is no envelope.
2. Lists of states are no regular language: they are parsed, and compared with their one form. With so few brackets
   nothing is nested too deep.
3. A pattern has no part that could match in two ways, so that it takes time by the length of the leaf and no more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pybase64 import urlsafe_b64decode

from shared.audit.leaf_fields import CODE_PATTERN, HOLDS, Field, Kind
from shared.domain.ids import AUTHORITY_PATTERN, DIGEST_PATTERN, UUID7_PATTERN
from shared.domain.strict_json import MAX_DEPTH, encode_canonical_json

STATES_KEPT: Final = 256
"""Lists of states that are not checked again: most moves end in one of a few."""
_TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
_NONCE: Final = "[A-Za-z0-9_-]{21}[AQgw]"
_SIGNATURE: Final = r'\{"protected":"[^"]*","signature":"[^"]*"\}'
_ENVELOPE: Final = rf'(\{{"payload":"[^"]*","signatures":\[{_SIGNATURE},{_SIGNATURE}\]\}})'
_FORMS: Final[Mapping[Kind, str]] = {
    Kind.AUTHORITY: f'"({AUTHORITY_PATTERN[1:-1]})"',
    Kind.UUID7: f'"({UUID7_PATTERN[1:-1]})"',
    Kind.DIGEST: f'"({DIGEST_PATTERN[1:-1]})"',
    Kind.TIME: f'"({_TIME})"',
    Kind.NUMBER: "(0|[1-9][0-9]{0,14})",
    Kind.CODE: f'"({CODE_PATTERN})"',
    Kind.CODES: rf'(\[(?:"{CODE_PATTERN}"(?:,"{CODE_PATTERN}")*)?\])',
    Kind.LEG_STATES: r'(\[[A-Za-z0-9_.:()+,"{}\[\]-]*\])',
    Kind.OBJECT: _ENVELOPE,
    Kind.OBJECT_OR_NULL: _ENVELOPE,
}
"""The JSON of what a kind usually holds, without the marks at the ends of the names' patterns."""
_ENVELOPES: Final = frozenset({Kind.OBJECT, Kind.OBJECT_OR_NULL})
"""Those whose form is an envelope's."""


def _read_time(text: str) -> str:
    datetime.fromisoformat(text)  # the thirtieth of February has the form of a day
    return text


def _read_states(text: str) -> Any:
    _check_states(text)
    return json.loads(text)


@lru_cache(STATES_KEPT)
def _check_states(text: str) -> None:
    is_flat = text.count("{") + text.count("[") <= MAX_DEPTH
    states = json.loads(text) if is_flat else None
    if encode_canonical_json(states) != text.encode() or not HOLDS[Kind.LEG_STATES](states):
        raise ValueError("no leg states in their one form")


_READ: Final[Mapping[Kind, Callable[[str], Any]]] = {
    Kind.TIME: _read_time,
    Kind.NUMBER: int,
    Kind.CODES: json.loads,
    Kind.LEG_STATES: _read_states,
    Kind.OBJECT: json.loads,
    Kind.OBJECT_OR_NULL: json.loads,
}
"""What stands for more than its own text. Raises ValueError for what is not in the one form after all."""


class LeafValues(NamedTuple):
    at: datetime
    nonce: bytes
    fields: dict[str, Any]


class LeafForm:
    """The form of one type in one version of the catalogue; none if a required field is of a kind that has none."""

    def __init__(self, type_: str, version: int, fields: Sequence[Field]) -> None:
        own = {"at": f'"({_TIME})"', "nonce": f'"({_NONCE})"', "type": f'"{re.escape(type_)}"', "v": str(version)}
        known = {field.name: field for field in fields if field.kind in _FORMS}
        members = {name: f'"{name}":{form}' for name, form in own.items()}
        members |= {name: f'"{name}":{_FORMS[field.kind]}' for name, field in known.items()}
        *others, last = sorted(members)  # the last one is required, be it `v` or a `version`
        optional = {name for name, field in known.items() if not field.required}
        texts = [f"(?:{members[name]},)?" if name in optional else f"{members[name]}," for name in others]
        is_whole = all(field.kind in _FORMS for field in fields if field.required) and last not in optional
        self._pattern = re.compile(rf"\{{{''.join(texts)}{members[last]}\}}") if is_whole else None
        self._has_envelope = any(field.kind in _ENVELOPES for field in known.values())
        self._names = [name for name in sorted(members) if name not in ("type", "v")]
        self._read = [(name, _READ[field.kind]) for name, field in known.items() if field.kind in _READ]
        own_time: tuple[str, Callable[[str], Any]] = ("at", _read_time)
        self._judged = [(self._names.index(name) + 1, read) for name, read in [own_time, *self._read]]
        self._optional = optional

    def holds(self, raw: bytes) -> bool:
        """Whether the leaf in these bytes is in this form: whether `read` would read it."""
        found = self._find(raw)
        if found is None:
            return False
        try:
            for place, read in self._judged:
                if found[place] is not None:
                    read(found[place])
        except ValueError:
            return False
        return True

    def _find(self, raw: bytes) -> re.Match[str] | None:
        if self._pattern is None or not raw.isascii():
            return None
        if self._has_envelope and b"\\" in raw:
            return None  # elsewhere the pattern has no place for an escape
        return self._pattern.fullmatch(raw.decode("ascii"))

    def read(self, raw: bytes) -> LeafValues | None:
        """What the leaf in these bytes says; None where it is not in this form."""
        found = self._find(raw)
        if found is None:
            return None
        values: dict[str, Any] = dict(zip(self._names, found.groups(), strict=True))
        for name in self._optional:
            if values[name] is None:
                del values[name]
        try:
            at = datetime.fromisoformat(values.pop("at"))
            for name, read in self._read:
                if name in values:
                    values[name] = read(values[name])
        except ValueError:
            return None
        return LeafValues(at, urlsafe_b64decode(values.pop("nonce") + "=="), values)
