"""Dead letters ↔ rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shared.adapters.sql.prepared import Row
from shared.ports.unit_of_work import DeadLetter


def letter_rows(
    letters: Sequence[DeadLetter], seal: Callable[[DeadLetter], bytes | None] = lambda _: None
) -> list[dict[str, Any]]:
    return [
        {
            "item": letter.id,
            "frame": letter.frame,
            "ordinal": letter.ordinal,
            "reason": letter.reason,
            "at": letter.at,
            "type": letter.type,
            "attempts": letter.attempts,
            "retries": letter.retries,
            "earlier": letter.earlier,
            "seal": seal(letter),
        }
        for letter in letters
    ]


def parse_letter(row: Row) -> DeadLetter:
    return DeadLetter(
        id=row["item"],
        frame=row["frame"],
        ordinal=row["ordinal"],
        reason=row["reason"],
        at=row["at"],
        type=row["type"],
        attempts=row["attempts"],
        retries=row["retries"],
        earlier=row["earlier"],
    )
