"""Reads a catalogue as `docs/make_catalogues.py` writes it: gettext's PO without contexts, and nothing compiled.

Babel reads the whole format, and takes long over it: whoever reads French would wait for that at every command.
`tests/unit/texts` holds the two to the same words.
"""

from __future__ import annotations

import gettext
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_PLURAL: Final = re.compile(r"plural=([^;\n]*)")
_FORMS: Final = re.compile(r"msgstr\[\d+]")


@dataclass(frozen=True, slots=True)
class Translations:
    """Of one language: each sentence → its translation, and each pair of one and many → its forms."""

    single: Mapping[str, str]
    plural: Mapping[tuple[str, str], Sequence[str]]
    form_for: Callable[[int], int]

    def of(self, text: str) -> str:
        return self.single.get(text) or text

    def of_number(self, one: str, many: str, count: int) -> str:
        forms = self.plural.get((one, many))
        return forms[self.form_for(count)] if forms else one if count == 1 else many


def parse_catalogue(text: str) -> Translations:
    """Raises ValueError for a line that is no string in quotation marks."""
    single: dict[str, str] = {}
    plural: dict[tuple[str, str], Sequence[str]] = {}
    for block in text.split("\n\n"):
        said = _strings(block)
        if "msgid_plural" in said:
            forms = [form for name, form in said.items() if _FORMS.fullmatch(name)]
            plural[said["msgid"], said["msgid_plural"]] = forms
        elif "msgid" in said:
            single[said["msgid"]] = said["msgstr"]
    rule = _PLURAL.search(single.pop("", ""))
    to_form: Any = gettext.c2py(rule[1] if rule else "n != 1")
    return Translations(single, plural, to_form)


def _strings(block: str) -> dict[str, str]:
    """`msgid`, `msgstr`, `msgstr[0]` … → the text, over as many lines as it takes."""
    said: dict[str, str] = {}
    name = ""
    for line in block.splitlines():
        if line.startswith("#") or not line:
            continue
        if line.startswith("msg"):
            name, _, line = line.partition(" ")
            said[name] = ""
        said[name] += json.loads(line) if "\\" in line else line[1:-1]
    return said
