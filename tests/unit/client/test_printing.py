"""A letter on paper says whose it is and what it may be used for on each page, in four languages, and obeys no text."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from babel.dates import format_date

from client.opening import OpenedMessage
from client.printing.act_labels import ACT_LABELS
from client.printing.dues import dues_of
from client.printing.letter import Surroundings, letter_of
from client.printing.letter_words import Words
from client.printing.page import letter_page
from client.printing.pdf import pdf_of
from client.sealing import Attachment
from shared.domain.profiles import PROFILES
from shared.errors import PrintingUnusable
from shared.texts.catalogue import LANGUAGES, translations
from tests.unit.client.letters import CONTENT, FR, MA, a_request
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.domain.calendars import a_calendar

OURS, THEIRS = "2026/2623/418", "BEPI 2026/11/7741"
AROUND = Surroundings(names={MA: "النيابة العامة", FR: "BEPI"}, numbers=(None, THEIRS))
LIMIT = {"en": "Use limitation", "fr": "Limitation de l'utilisation", "ar": "حدود الاستعمال", "es": "Limitación de uso"}
TITLE = {
    "en": "Request for mutual legal assistance",
    "fr": "Demande d'entraide judiciaire",
    "ar": "طلب المساعدة القضائية المتبادلة",
    "es": "Solicitud de asistencia judicial recíproca",
}
_MARKS = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
HOSTILE = '</style><script>alert(1)</script> "\\" } * { display: none } \u202etxt'


@pytest.fixture
def opened(exchange: PaperExchange, tmp_path: Path) -> OpenedMessage:
    return received(exchange, tmp_path, {"file_number": OURS, "persons": [{"name": "A. B.", "nationality": "MA"}]})


def received(exchange: PaperExchange, place: Path, content: dict[str, Any]) -> OpenedMessage:
    ma, fr = exchange.correspond(MA, place), exchange.correspond(FR, place)
    composed = ma.compose_request(a_request(content={**CONTENT, **content}), (FR,), "quadripartite")
    message = ma.seal_and_store(composed, (Attachment("annex.pdf", "application/pdf", b"%PDF"),))
    ma.outbox.send(message)
    fr.mailbox.read_feed()
    return fr.mailbox.open(message)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_is_printed_in_the_readers_language_and_in_the_writers_words(
    opened: OpenedMessage, language: str
) -> None:
    page = letter_page(letter_of(opened, AROUND, language))
    text = unescape(page)
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in page
    for wanted in (TITLE[language], LIMIT[language], OURS, THEIRS, *CONTENT.values(), "A. B.", "annex.pdf"):
        assert wanted in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_the_pdf_names_both_files_and_the_use_limitation(opened: OpenedMessage, language: str) -> None:
    long = letter_of(opened, AROUND, language)
    page = letter_page(long).replace("Money moved.", "Money moved. " * 900)
    pages = _read_pages(_pdf_or_skip(page))
    assert len(pages) > 2
    for one in pages:
        assert OURS in one
        assert THEIRS.split()[1] in one
        assert "UNTOC" in one
        assert str(len(pages)) in one


def test_nothing_that_was_written_in_a_message_is_obeyed(exchange: PaperExchange, tmp_path: Path) -> None:
    opened = received(
        exchange,
        tmp_path,
        {"file_number": HOSTILE, "use_limitation": HOSTILE, "facts": HOSTILE, HOSTILE: {"x": HOSTILE}},
    )
    page = letter_page(letter_of(opened, AROUND, "ar"))
    assert "<script" not in page
    assert "display: none }" not in re.sub(r"@media print.*?\n", "", page).split("<body>")[0]
    assert page.count("</style>") == 1
    assert "\u202e" not in page


def test_a_page_fetches_nothing(tmp_path: Path) -> None:
    picture = tmp_path / "red.svg"
    picture.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>outside</text></svg>')
    pages = _read_pages(_pdf_or_skip(f'<img src="{picture.as_uri()}" alt="refused"><p>inside'))
    assert "inside" in pages[0]
    assert "outside" not in pages[0]


def test_where_no_pdf_can_be_made_the_sentence_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(PrintingUnusable, match="weasyprint"):
        pdf_of("<p>")


def test_what_is_missing_and_what_no_form_knows_stands_on_the_paper(
    exchange: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.composition.check_content", lambda *_: None)  # a client that does not look
    opened = received(
        exchange, tmp_path, {"weather": ["rain", {"wind": True}], "persons": [{"name": "A.", "x": "y"}], "purpose": ""}
    )
    text = unescape(letter_page(letter_of(opened, Surroundings(), "en")))
    assert "rain\nwind: yes" in text
    for wanted in ("(purpose) is missing", "(persons.1.x) is no field", "not in the ledger yet"):
        assert wanted in text


def test_every_member_of_an_act_has_its_name_on_paper() -> None:
    members = {name for profile in PROFILES.values() for kind in profile.kinds.values() for name in kind.act}
    assert members == ACT_LABELS.keys()


def _pdf_or_skip(page: str) -> bytes:
    try:
        return pdf_of(page)
    except PrintingUnusable as missing:
        pytest.skip(f"{missing.sentence()} `make pdf` brings it")


def _read_pages(pdf: bytes) -> list[str]:
    """As another program reads it."""
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip("pdftotext, which reads the pages back, is not here; Debian's poppler-utils has it")
    done = subprocess.run([program, "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return [one for one in _MARKS.sub("", done.stdout.decode()).split("\f") if one.strip()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_owed_because_of_a_letter_is_printed_with_its_day_and_the_calendar_that_was_counted_by(
    exchange: PaperExchange, tmp_path: Path, language: str
) -> None:
    opened = received(exchange, tmp_path, {})
    legs, spring = list(exchange.legs.values()), date(2027, 3, 1)
    france = a_calendar(country="FR", version="fr.9")
    [first, *_] = dues = dues_of(legs, opened.header.id, {"FR": france})
    assert all(due.calendar == "fr.9" and due.day < spring for due in dues)
    page = unescape(letter_page(letter_of(opened, replace(AROUND, dues=dues), language)))
    assert "fr.9" in page
    assert format_date(first.day, "long", language) in page


def test_what_was_settled_since_is_not_printed_as_owed(exchange: PaperExchange, tmp_path: Path) -> None:
    opened = received(exchange, tmp_path, {})
    settled = [replace(leg, obligations=()) for leg in exchange.legs.values()]
    assert dues_of(settled, opened.header.id, {}) == ()


def test_a_rule_on_an_arabic_page_is_set_apart_and_no_line_is_broken_within_it() -> None:
    words = Words("ar", {MA: "رئاسة النيابة العامة"})
    assert words.with_code("eio:11(1)(a)").endswith(" (\u200f\u200eeio:\u206011(1)\u2060(a)\u200e\u200f)")
    assert words.party(MA).endswith(" (\u200f\u200eMA.PGR\u200e\u200f)")
    said = [text for text in translations("ar").single.values() if re.search(r"(UNTOC|UNCAC) [0-9]", text)]
    assert said == [], "a rule would be broken at its space"
