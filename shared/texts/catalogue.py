"""Sentences in the reader's language, from `catalogues/LANGUAGE.po`; English is the source, and its own answer.

Rules:
1. What has no translation is shown in English, never refused: a letter from a newer program may hold words of its own.
   The build is stricter: `tests/unit/texts` fails for a sentence that a catalogue lacks.
2. Gaps are filled after the translation, by name. A catalogue is checked to have the gaps of its source and no others.
3. Plurals follow each language's own rule; Arabic has six forms.
4. Codes, ids, dates of the wire and what somebody wrote are never translated.
5. In a language written from right to left what fills a gap and is none of it (a code, an id, a file, a date of the
   wire) is set apart by marks of direction, so that its punctuation and the brackets around it stay on their sides.

The files are read as they are written; nothing is compiled beside them that could differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from unicodedata import bidirectional

from shared.texts.po_file import Translations, parse_catalogue

FOLDER: Final = Path(__file__).parent / "catalogues"
SOURCE: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {"en": "English", "fr": "Français", "ar": "العربية", "es": "Español"}
)
MOST_ACCEPTED: Final = 10
"""Languages of one Accept-Language that are looked at."""
LONGEST_WEIGHT: Final = 4
"""Digits of a weight, as in 0.875."""
RIGHT_TO_LEFT: Final = frozenset({"ar"})
_BETWEEN: Final = {"fr": " ; ", "ar": "؛ "}
_LEFT, _RIGHT = "\u200e", "\u200f"
"""Marks, not isolates: a terminal shows those of others escaped, and cannot tell ours from theirs."""
_TYPED: Final = re.compile(r"[A-Za-z][ =]\{(\w+)\}")
_SETTLED: Final = frozenset({"R", "AL", "FSI"})
"""What has letters from right to left, or was set apart already."""


def mark(sentence: str) -> str:
    """The sentence itself, marked for the catalogues: it is translated where it is told. Imported as `_`."""
    return sentence


def translate(text: str, language: str, /, **gaps: Any) -> str:
    """The sentence in this language, its gaps filled."""
    found = translations(language).of(text)
    return found.format(**_apart(found, gaps, language)) if gaps else found


def translate_plural(one: str, many: str, count: int, language: str, /, **gaps: Any) -> str:
    """The sentence for this number, which fills the gap `count`."""
    found = translations(language).of_number(one, many, count)
    return found.format(count=count, **_apart(found, gaps, language))


def _apart(sentence: str, gaps: Mapping[str, Any], language: str) -> Mapping[str, Any]:
    """Each gap set apart, but for those within a command: whoever copies it would copy the marks."""
    if language not in RIGHT_TO_LEFT:
        return gaps
    typed = set(_TYPED.findall(sentence))
    return {name: one if name in typed else set_apart(one, language) for name, one in gaps.items()}


def listed(each: Iterable[str], language: str) -> str:
    """Clauses in one line, set off as the language does it."""
    return _BETWEEN.get(language, "; ").join(each)


def set_apart(value: Any, language: str) -> Any:
    """A text from left to right as it stands in a sentence of this language; anything else as it is."""
    if language not in RIGHT_TO_LEFT or not isinstance(value, str):
        return value
    ways = {bidirectional(one) for one in value}
    if ways & _SETTLED or not ("L" in ways or ("EN" in ways and len(ways) > 1)):
        return value
    return f"{_RIGHT}{_LEFT}{value}{_LEFT}{_RIGHT}"


def preferred_language(accepted: str) -> str:
    """The catalogue for an Accept-Language (RFC 9110 §12.5.4): of the first languages named, the one wanted most."""
    best, best_weight = SOURCE, 0.0
    for item in accepted.split(",")[:MOST_ACCEPTED]:
        tag, _, weight = item.replace(" ", "").partition(";q=")
        code = tag.partition("-")[0].lower()
        if code in LANGUAGES and (found := _weight(weight)) > best_weight:
            best, best_weight = code, found
    return best


def _weight(text: str) -> float:
    """1 where none is given, 0 for what is no weight."""
    if not text:
        return 1.0
    digits = text.replace(".", "", 1)
    return float(text) if digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_WEIGHT else 0.0


def language_of(tag: str | None) -> str:
    """The catalogue for a tag or a locale such as `fr-BE`, `ar_MA.UTF-8`; English where there is none."""
    code = (tag or "").replace("_", "-").partition("-")[0].partition(".")[0].lower()
    return code if code in LANGUAGES else SOURCE


@cache
def translations(language: str) -> Translations:
    """What is known in this language: nothing in that of the source."""
    file = FOLDER / f"{language}.po"
    return parse_catalogue("" if language == SOURCE or not file.exists() else file.read_text(encoding="utf-8"))
