"""A sentence that is found now and told later, in the language of whoever reads it.

Rules:
1. What a program found is kept as its English sentence with gaps, and what fills them: it is translated where it is
   told. As text (`str`) it is English, which programs read.
2. A gap may hold a moment, an error or a sentence: these are told in the same language. Everything else is quoted as it
   is, and may be somebody else's: a caller that shows it where it could do harm passes `quote`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from typing_extensions import override

from shared.errors import ComityError
from shared.texts.catalogue import RIGHT_TO_LEFT, SOURCE, translate
from shared.texts.retelling import tell

Quote = Callable[[str], str]


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text` is a sentence of the catalogue, `gaps` what fills it, by name."""

    text: str
    gaps: Mapping[str, Any] = field(default_factory=dict)

    def told(self, language: str = SOURCE, quote: Quote = _as_it_is) -> str:
        filled = {name: _told(value, language, quote) for name, value in self.gaps.items()}
        return translate(self.text, language, **filled)

    @override
    def __str__(self) -> str:
        return self.told()


def moment_text(moment: datetime, language: str = SOURCE) -> str:
    """`22 November 2026, 10:30:00 UTC`."""
    at = moment.astimezone(UTC)
    if language == SOURCE:
        return f"{at.day} {at:%B} {at.year:04}, {at:%H:%M:%S} UTC"
    from babel.dates import format_date

    comma = "،" if language in RIGHT_TO_LEFT else ","
    return f"{format_date(at, 'long', language)}{comma} {at:%H:%M:%S} UTC"


def _told(value: object, language: str, quote: Quote) -> str:
    if isinstance(value, Sentence):
        return value.told(language, quote)
    if isinstance(value, ComityError):
        return quote(tell(value, language).rstrip("."))
    return quote(moment_text(value, language) if isinstance(value, datetime) else str(value))
