"""One word for one thing: the catalogues use the terms of docs/guide/glossary.md."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from docs.make_catalogues import TRANSLATED
from shared.texts.catalogue import translations

GLOSSARY: Final = Path(__file__).parents[3] / "docs" / "guide" / "glossary.md"
COLUMNS: Final = {"fr": 1, "es": 2, "ar": 3}
ENDING: Final = 3
"""Letters at the end of a word that its forms may change."""
SHORTEST: Final = 3
OTHER_MEANINGS: Final = {
    "acknowledgement": r"acknowledgement of receipt",
    "entry": r"adds an entry",
    "evidence": r"(the|attached) evidence\b|(is|as) evidence",
    "exchange": r"RabbitMQ",
    "holder": r"holder of the account",
    "officer": r"[Ll]iaison officer|security officer",
    "receipt": r"[Rr]eceipt for physical items|legal receipt|receipt of items|[Aa]cknowledgement of receipt",
}
"""Where the English word means something else."""
TYPED: Final = re.compile(
    r"`[^`]*`|docs/\S+|\{\".*|\w+\.example\S*|comity \w+ .*|tile/.*|\(evidence\)"
    r"|\b(gateway|intake|mla-request), .*|: supplementary, .*|checkpoint, tile|exchange and at"
)
"""What no language changes: commands, files, lists of codes."""


def _rows() -> dict[str, tuple[str, ...]]:
    lines = [line for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return {row[0]: row for row in rows if row[0] != "English"}


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in plain if not unicodedata.combining(one) and one not in "\u200e\u200f\u0640")


def _stems(term: str, language: str) -> list[str]:
    words = [word for word in re.split(r"[\s'-]+", _folded(term)) if len(word) >= SHORTEST]
    if language == "ar":
        return [word.removeprefix("ال").rstrip("ةه") for word in words]
    return [word[: max(SHORTEST, len(word) - ENDING)] for word in words if word not in ("del", "des")]


def _uses(text: str, term: str, language: str) -> bool:
    said = _folded(text)
    return any(all(stem in said for stem in _stems(form, language)) for form in term.split("/"))


def _sentences(language: str) -> Iterator[tuple[str, str]]:
    known = translations(language)
    yield from known.single.items()
    yield from ((many, forms[-1]) for (_one, many), forms in known.plural.items())


def misfits(language: str, rows: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str, str]]:
    for term, row in rows.items():
        named = re.compile(rf"(?<![\w{{`-]){re.escape(term)}s?(?![\w}}`-])", re.IGNORECASE)
        others = re.compile(OTHER_MEANINGS.get(term, r"(?!)"))
        for english, said in _sentences(language):
            if (
                named.search(TYPED.sub("", english))
                and not others.search(english)
                and not _uses(said, row[COLUMNS[language]], language)
            ):
                yield term, english, said


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_catalogues_use_the_terms_of_the_glossary(language: str) -> None:
    assert list(misfits(language, _rows())) == []


def test_another_word_for_the_same_thing_is_found() -> None:
    rows = {term: row for term, row in _rows().items() if term == "ledger"}
    assert list(misfits("fr", rows)) == []
    assert list(misfits("fr", {"ledger": ("ledger", "grand livre", "registro", "سجل")}))
