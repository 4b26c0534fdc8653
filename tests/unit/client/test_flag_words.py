"""What the registry warns of is told in the reader's language: the sentence, the names of members, and the rule."""

from __future__ import annotations

import pytest

from client.flag_words import Warnings, told_flag
from shared.domain.admissibility import PRACTICE, Flag
from shared.errors import ReasonMissing
from shared.texts.retelling import tell

PAST = (("what", "deadline"), ("day", "2026-01-02"), ("today", "2026-11-22"))
FLAG = Flag("date-in-the-past", "The day of “{what}”, {day}, lies before {today}.", PRACTICE, PAST, ("M1",))


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "fr",
            "Le jour de « Échéance », 2026-01-02, est antérieur au 2026-11-22. (M1)",
        ),
        ("es", "El día de «Plazo», 2026-01-02, es anterior al 2026-11-22. (M1)"),
    ],
)
def test_a_warning_is_told_in_the_readers_language(language: str, told: str) -> None:
    assert told_flag(FLAG, language).startswith(f"{told} [date-in-the-past; ")
    assert "practice" not in told_flag(FLAG, language)
    assert told in tell(ReasonMissing(warnings=Warnings((FLAG,))), language)


def test_a_program_reads_it_in_english() -> None:
    assert FLAG.text == "The day of “deadline”, 2026-01-02, lies before 2026-11-22."
    assert "practice (k)" in str(ReasonMissing(warnings=Warnings((FLAG,))))
