"""What a command says, in the language of its reader: COMITY_LANGUAGE, else that of the terminal."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

from shared.errors import ComityError
from shared.texts.catalogue import SOURCE, language_of, translate, translate_plural


@runtime_checkable
class Told(Protocol):
    """A fact that can be said in another language."""

    def told(self, language: str) -> str: ...


def reader_language() -> str:
    named = (os.environ.get(name) for name in ("COMITY_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    return language_of(next((one for one in named if one), None))


def _(text: str, /, **gaps: Any) -> str:
    """The sentence in the reader's language. The name is the one by which the catalogues' sentences are collected."""
    return translate(text, reader_language(), **gaps)


def _n(one: str, many: str, count: int, /, **gaps: Any) -> str:
    """The sentence for this number, which fills the gap `count`."""
    return translate_plural(one, many, count, reader_language(), **gaps)


def told(error: ComityError) -> str:
    """The error's sentence in the reader's language, and those of its facts that know themselves in it."""
    language = reader_language()
    facts = {name: fact.told(language) if isinstance(fact, Told) else fact for name, fact in error.facts.items()}
    return type(error)(**facts).sentence(_(error.template()))


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

    def day(self, moment: datetime, now: datetime) -> str:
        day, today = moment.astimezone(UTC), now.astimezone(UTC)
        return day_text(day, with_year=day.year != today.year)
