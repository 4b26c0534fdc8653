"""What was written in English elsewhere is recognised, and told in the reader's language; anything else stays."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from shared.errors import CallClockSkew, ComityError, SettingsRefused
from shared.texts.retelling import gaps_in, retell, tell


@pytest.mark.parametrize(
    ("text", "pieces", "found"),
    [
        ("entry 7 is no decision", ["entry ", " is no decision"], ["7"]),
        ("a and b and c", ["", " and ", ""], ["a", "b and c"]),
        ("", ["", ""], [""]),
        ("entry 7 is no decision!", ["entry ", " is no decision"], None),
        ("no entry 7 is no decision", ["entry ", " is no decision"], None),
        ("ab", ["ab", "b"], None),
    ],
)
def test_a_sentence_is_recognised_whole(text: str, pieces: Sequence[str], found: list[str] | None) -> None:
    assert gaps_in(text, pieces) == found


@pytest.mark.parametrize(
    "text", ["refuse", "MA.PGR", "", " ", "The lamp looked at it", "Nobody ever wrote this sentence about 17 turnips."]
)
def test_codes_and_what_is_unknown_stay_as_they_are(text: str) -> None:
    assert retell(text, "fr") == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("entry 7 is no decision", "l'entrée 7 n'est pas une décision"),
        (
            "It belongs to the dossier 01a2, on the leg of BE.PF.",
            "Il appartient au dossier 01a2, sur la branche de BE.PF.",
        ),
        ("kept.json cannot be read: Permission denied", "kept.json ne peut être lu : l'accès est refusé"),
        ("retrieval: MA.PGR asked for 01a2", "retrieval: MA.PGR a demandé 01a2"),
        ("Permission denied, admitted", "l'accès est refusé, admis"),
        ("No such file or directory", "ce fichier ou ce répertoire n'existe pas"),
    ],
)
def test_the_sentence_that_was_meant_is_recognised(text: str, told: str) -> None:
    assert retell(text, "fr") == told


def test_english_is_its_own_answer() -> None:
    assert retell("No such option: --x", "en") == "No such option: --x"


def test_what_stands_in_a_gap_is_told_too() -> None:
    told = retell("Invalid value for '--port': 70000 is not one of 1, 2.", "fr")
    assert told == "Valeur invalide pour '--port' : 70000 n'est pas l'un de 1, 2."


def test_an_error_is_told_with_its_reason_in_the_readers_language() -> None:
    error = SettingsRefused(why="Missing option '--data'.")
    assert "L'option '--data' manque." in tell(error, "fr")
    assert tell(error, "en") == error.sentence()


def test_facts_that_are_no_sentences_are_told_as_they_are() -> None:
    error = CallClockSkew(created="2026-11-22T09:30:00Z", now="2026-11-22T09:45:00Z", limit_s=60)
    assert all(fact in tell(error, "ar") for fact in ("2026-11-22T09:30:00Z", "2026-11-22T09:45:00Z", "60"))
    assert tell(ComityError(), "es") != ComityError().sentence()
