"""The pictures of the guide are drawn from letters that hold what every page must say, in four languages."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import pytest

from client.opening import OpenedMessage
from client.printing.page import letter_page
from docs.make_pictures import FOLDER, MAX_PICTURE_BYTES
from shared.texts.catalogue import LANGUAGES
from tests.printed_example import FR, MA, NAMES, NUMBERS, example, letter

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "authority.md"
LIMIT = "Les pièces ne serviront qu'à la procédure désignée, sauf autorisation préalable de l'État requis."
SAID = {
    "en": ("Request for mutual legal assistance", "Use limitation", "January 14, 2027", "Bank data"),
    "fr": ("Demande d'entraide judiciaire", "Limitation de l'utilisation", "14 janvier 2027", "Données bancaires"),
    "ar": ("طلب المساعدة القضائية المتبادلة", "حدود الاستعمال", "14 يناير 2027", "معطيات بنكية"),
    "es": ("Solicitud de asistencia judicial recíproca", "Limitación de uso", "14 de enero de 2027", "Datos bancarios"),
}


@pytest.fixture(scope="module")
def opened() -> OpenedMessage:
    return example()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_letter_of_a_picture_holds_its_texts(opened: OpenedMessage, language: str) -> None:
    drawn = letter(opened, language)
    page = unescape(letter_page(drawn))
    for wanted in (*SAID[language], *NUMBERS, NAMES[MA][language], NAMES[FR][language], LIMIT, "virements.csv"):
        assert wanted in page
    assert drawn.foot == (SAID[language][1], LIMIT)  # drawn at the foot of each page


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_picture_is_there_small_and_shown(language: str) -> None:
    picture = (FOLDER / f"request-{language}.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) <= MAX_PICTURE_BYTES
    assert f"(pictures/request-{language}.png)" in GUIDE.read_text("utf-8")
