"""`--help` and wrong use, in the reader's language."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from comity.main import app

HEADINGS = {
    "fr": ("Usage :", "Options", "Commandes"),
    "es": ("Uso:", "Opciones", "Órdenes"),
    "ar": ("الاستعمال:", "الخيارات", "الأوامر"),
    "en": ("Usage:", "Options", "Commands"),
}


def _said(language: str, *arguments: str) -> str:
    ran = CliRunner().invoke(app, list(arguments), env={"COMITY_LANGUAGE": language, "COLUMNS": "200"})
    return ran.output


@pytest.mark.parametrize("language", HEADINGS)
def test_headings_are_told_in_the_readers_language(language: str) -> None:
    said = _said(language, "--help")
    assert all(heading in said for heading in HEADINGS[language])


def test_a_command_and_its_options_are_explained_in_the_readers_language() -> None:
    said = _said("fr", "operator", "enrol", "--help")
    assert "La demande d'inscription que la partie a remise." in said
    assert "Show this message" not in said
    assert "[required]" not in said


def test_a_group_lists_its_commands_in_the_readers_language() -> None:
    assert "Suspender una parte" in _said("es", "operator", "--help")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("operatr",), "Il n'y a pas de commande 'operatr'. Vouliez-vous dire 'operator' ?"),
        (("operator", "enrol"), "L'argument 'request' manque."),
        (("audit", "verify", "x", "--nope"), "Il n'y a pas d'option --nope"),
        (("witness", "serve", "--port", "many"), "La valeur doit être un entier"),
        (("--nope",), "Il n'y a pas d'option --nope"),
    ],
)
def test_wrong_use_is_told_in_the_readers_language(arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in " ".join(_said("fr", *arguments).split())


def test_whoever_reads_english_next_is_told_in_english() -> None:
    _said("ar", "operator", "enrol")
    assert "Missing argument 'request'." in _said("en", "operator", "enrol")
