"""What a command says, in the language of its reader: COMITY_LANGUAGE, else that of the terminal."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from shared.errors import ComityError, PrintingUnusable
from shared.texts.catalogue import LANGUAGES, SOURCE, language_of, listed, mark, translate, translate_plural
from shared.texts.retelling import facts_in, gap_names, retell, tell


def reader_language() -> str:
    named = (os.environ.get(name) for name in ("COMITY_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    return language_of(next((one for one in named if one), None))


def page_language(named: str | None) -> str:
    """The language of a page: the one that was named, else the reader's. Raises PrintingUnusable."""
    chosen = named or reader_language()
    if chosen not in LANGUAGES:
        raise PrintingUnusable(
            why=mark("there are no words in {0}; there are {1}").format(chosen, ", ".join(LANGUAGES))
        )
    return chosen


def _(text: str, /, **gaps: Any) -> str:
    """The sentence in the reader's language. The name is the one by which the catalogues' sentences are collected."""
    return translate(text, reader_language(), **gaps)


def _n(one: str, many: str, count: int, /, **gaps: Any) -> str:
    """The sentence for this number, which fills the gap `count`."""
    return translate_plural(one, many, count, reader_language(), **gaps)


def told(error: ComityError) -> str:
    """The error's sentence in the reader's language, and those of its facts that can be told in it."""
    return tell(error, reader_language())


def retold(sentence: str) -> str:
    """What was said in English elsewhere, in the reader's language where it is recognised."""
    return retell(sentence, reader_language())


def refusal(error: ComityError) -> dict[str, Any]:
    """An error as programs read it, and as it is kept: its code, its English sentence, its facts."""
    return {"code": error.code, "sentence": error.sentence(), "facts": facts_of(error)}


def facts_of(error: ComityError) -> dict[str, str]:
    return {name: str(value) for name, value in error.facts.items()}


def told_refusal(kept: Mapping[str, Any]) -> str:
    """What was kept so, whenever it happened, in the reader's language, with its code."""
    return f"{told_by_code(kept['code'], kept['sentence'] or '', dict(kept.get('facts') or {}))} [{kept['code']}]"


def told_by_code(code: str, sentence: str, facts: dict[str, str]) -> str:
    """An error that was kept, by code and facts. Facts that were not kept are found again in its sentence; where they
    are not, and for a code of a newer exchange, the sentence speaks as it was kept."""
    from client.problems import error_by_code

    known = error_by_code(code, sentence, facts)
    missing = gap_names(known.template()) - known.facts.keys()
    found = facts_in(sentence, known.template()) if missing else None
    if missing and found is None and sentence:
        return retold(sentence)
    return told(known if found is None else error_by_code(code, sentence, found))


def kind_word(kind: str) -> str:
    """What a kind of message is called. English readers know it by its code, which is what everybody types."""
    from client.forms.kind_words import kind_label

    language = reader_language()
    return kind if language == SOURCE else translate(kind_label(kind), language)


def code_word(code: str) -> str:
    """What a code of a header or an act means; to English readers it says so itself."""
    from client.forms.code_words import CODE_WORDS

    language = reader_language()
    return code if language == SOURCE else translate(CODE_WORDS.get(code, code), language)


def day_text(moment: datetime, with_year: bool = True) -> str:
    """A day as the reader writes it: `22 Nov 2026`, `22 Nov`."""
    language = reader_language()
    if language == SOURCE:
        return f"{moment.day} {moment:%b %Y}" if with_year else f"{moment.day} {moment:%b}"
    from babel.dates import format_date

    return format_date(moment, "d MMM y" if with_year else "d MMM", language)


class ReaderSpeech:
    """A status line in the reader's language; days are UTC."""

    def __call__(self, sentence: str, /, **gaps: str) -> str:
        return translate(sentence, reader_language(), **gaps)

    def listed(self, clauses: Iterable[str]) -> str:
        return listed(clauses, reader_language())

    def day(self, moment: datetime, now: datetime) -> str:
        day, today = moment.astimezone(UTC), now.astimezone(UTC)
        return day_text(day, with_year=day.year != today.year)
