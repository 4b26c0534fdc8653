"""How a line of status is said: in English as it is written, or as whoever knows a reader's language says it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, Protocol

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Speech(Protocol):
    """How a line is said: a sentence with its gaps filled, a day, its year where that is not the present one, and
    clauses in one line. The name by which it is called, `_`, is the one by which the catalogues' sentences are
    collected."""

    def __call__(self, sentence: str, /, **gaps: str) -> str: ...

    def day(self, moment: datetime, now: datetime) -> str: ...

    def listed(self, clauses: Iterable[str]) -> str: ...


class English:
    """As it is written here; days are UTC."""

    def __call__(self, sentence: str, /, **gaps: str) -> str:
        return sentence.format(**gaps) if gaps else sentence

    def day(self, moment: datetime, now: datetime) -> str:
        day, today = moment.astimezone(UTC), now.astimezone(UTC)
        text = f"{day.day} {_MONTHS[day.month - 1]}"
        return text if day.year == today.year else f"{text} {day.year}"

    def listed(self, clauses: Iterable[str]) -> str:
        return "; ".join(clauses)


ENGLISH: Final = English()
