"""Whatever a reader can meet is there in every language, with the gaps of its source; a missing key fails the build."""

from __future__ import annotations

import gettext
import re
from functools import cache
from string import Formatter

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from docs.make_catalogues import TRANSLATED, catalogue_text, sentences
from shared.texts.catalogue import (
    FOLDER,
    LANGUAGES,
    language_of,
    preferred_language,
    set_apart,
    translate,
    translate_plural,
    translations,
)

ARABIC_LETTER = re.compile(r"[\u0600-\u06ff]")


@cache
def _catalogue(language: str) -> Catalog:
    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def _forms(message: Message) -> list[str]:
    said = message.string
    return [said] if isinstance(said, str) else [str(form) for form in said or ("",)]


def _gaps(text: str) -> set[str]:
    return {name for _text, name, _form, _conversion in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_is_translated_and_none_is_left_over(language: str) -> None:
    lacking = [message.id for message in _catalogue(language) if message.id and not all(_forms(message))]
    assert lacking == [], "write these translations, then run `make docs`"
    written = (FOLDER / f"{language}.po").read_bytes()
    assert catalogue_text(language, written) == written, "the sentences changed: run `make docs`"


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_gaps_of_its_source(language: str) -> None:
    for message in _catalogue(language):
        source = message.id if isinstance(message.id, str) else message.id[1]
        for form in _forms(message) if message.id else ():
            assert _gaps(form) <= _gaps(source), source
            assert isinstance(message.id, tuple) or _gaps(form) == _gaps(source), source


def test_arabic_has_its_six_plural_forms() -> None:
    assert _catalogue("ar").num_plurals == 6
    one, many = next(text for text in sentences() if isinstance(text, tuple) and "field is" in text[0])
    told = {count: translate_plural(one, many, count, "ar") for count in (0, 1, 2, 3, 11, 100)}
    assert len(set(told.values())) == 6
    assert translate_plural(one, many, 1, "en").startswith("1 field is")


def test_arabic_is_written_in_arabic() -> None:
    latin = [message.id for message in _catalogue("ar") if message.id and not ARABIC_LETTER.search(str(message.string))]
    assert latin == []


def test_each_catalogue_says_that_no_native_reader_reviewed_it() -> None:
    for language in TRANSLATED:
        assert b"Native review: not done" in (FOLDER / f"{language}.po").read_bytes()


def test_what_no_catalogue_knows_is_told_in_english() -> None:
    for language in LANGUAGES:
        assert translate("A sentence of {year}, unheard of", language, year=2031) == "A sentence of 2031, unheard of"


@pytest.mark.parametrize(
    ("tag", "language"),
    [("fr-BE", "fr"), ("ar_MA.UTF-8", "ar"), ("ES", "es"), ("C.UTF-8", "en"), ("de", "en"), ("", "en"), (None, "en")],
)
def test_a_locale_is_read_as_its_language(tag: str | None, language: str) -> None:
    assert language_of(tag) == language


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("fr", "fr"),
        ("de, es; q=0.3, ar;q=0.7", "ar"),
        ("fr;q=0, es;q=0.001", "es"),
        ("fr;q=x", "en"),
        ("fr;q=1.0.0", "en"),
        ("*", "en"),
        ("", "en"),
        (",".join(["de"] * 10 + ["fr"]), "en"),
    ],
)
def test_the_language_wanted_most_is_taken_of_those_that_there_are(accepted: str, language: str) -> None:
    assert preferred_language(accepted) == language


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_is_read_as_the_whole_format_is_read(language: str) -> None:
    read = translations(language)
    for message in _catalogue(language):
        if isinstance(message.id, tuple):
            one, many = message.id
            assert list(read.plural[one, many]) == _forms(message)
        elif message.id:
            assert [read.of(str(message.id))] == _forms(message)
    assert [read.form_for(count) for count in range(200)] == [_form(language, count) for count in range(200)]


def _form(language: str, count: int) -> int:
    rule = gettext.c2py(_catalogue(language).plural_expr)
    return int(rule(count))


@pytest.mark.parametrize("code", ["EIO 16(1)", "/var/ledger", "2026-12-01", "--leg", "MA.PGR"])
def test_a_code_in_an_arabic_sentence_is_set_apart(code: str) -> None:
    assert set_apart(code, "ar") == f"\u200f\u200e{code}\u200e\u200f"
    assert set_apart(code, "fr") == code
    assert f"\u200e{code}\u200e" in translate("written: {file}", "ar", file=code)


def test_a_command_in_an_arabic_sentence_holds_no_marks_that_would_be_copied_with_it() -> None:
    command = "Once the cause is mended: comity operator dead-letters retry {id}"
    assert translate(command, "ar", id="intake-17").endswith("comity operator dead-letters retry intake-17")


@pytest.mark.parametrize("value", ["النيابة العامة (MA.PGR)", "17", 17, "–", "\u2068EIO 16(1)\u2069", ""])
def test_what_has_its_place_in_an_arabic_sentence_stays_as_it_is(value: object) -> None:
    assert set_apart(value, "ar") == value
