"""The words of a letter in its reader's language: labels, codes with their meaning, days, and lists of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from client.forms.code_words import CODE_WORDS
from shared.domain.ids import parse_time
from shared.texts.catalogue import RIGHT_TO_LEFT, listed, set_apart, translate
from shared.texts.catalogue import mark as _


@dataclass(frozen=True, slots=True)
class Words:
    """`names` are official names by party."""

    language: str
    names: Mapping[str, str]

    def say(self, sentence: str, /, **gaps: Any) -> str:
        return translate(sentence, self.language, **gaps)

    def code(self, code: object) -> str:
        """A code with what it means."""
        text = plain(code)
        return self.say(CODE_WORDS[text]) if text in CODE_WORDS else text

    def party(self, party: str) -> str:
        name = self.names.get(party)
        return f"{name} ({self.rule(party)})" if name else party

    def several(self, each: Iterable[str]) -> str:
        return listed(each, self.language)

    def rule(self, text: str) -> str:
        """A rule of an instrument, or another code. Where a page runs from right to left it is set apart, and no line
        is broken within it: its second half would be set as if nothing stood before it."""
        if self.language not in RIGHT_TO_LEFT:
            return text
        unbroken = text.replace(" ", "\u00a0").replace(")(", ")\u2060(").replace(":", ":\u2060")
        return str(set_apart(unbroken, self.language))

    def with_code(self, code: object) -> str:
        """A ground is quoted by its code, too: that is where it stands in the instrument."""
        said, text = self.code(code), plain(code)
        return text if said == text else f"{said} ({self.rule(text)})"

    def listed(self, each: Iterable[str]) -> str:
        return ("، " if self.language in RIGHT_TO_LEFT else ", ").join(each)

    def free(self, value: Any) -> str:
        """What has no form of its own: text as it is, everything else line by line."""
        if isinstance(value, bool):
            return self.say(_("yes")) if value else self.say(_("no"))
        if isinstance(value, Mapping):
            return "\n".join(f"{name}: {self.free(one)}" for name, one in value.items())
        if isinstance(value, Sequence) and not isinstance(value, str):
            return "\n".join(self.free(one) for one in value)
        return plain(value)

    def day(self, text: object) -> str:
        from babel.dates import format_date

        try:
            return format_date(date.fromisoformat(str(text)), "long", self.language)
        except ValueError:
            return plain(text)

    def moment(self, text: str) -> str:
        utc = parse_time(text).astimezone(UTC)
        return self.listed((self.day(utc.date().isoformat()), self.rule(f"{utc:%H:%M} UTC")))


def plain(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
