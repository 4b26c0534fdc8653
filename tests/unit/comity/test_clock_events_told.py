"""A clock event reads as a sentence: what, by whom, by when, and by which right."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from comity.inbox import _render_event
from shared.domain.clock_events import EVENTS

CLOCK = {"leg": "ES.SGCJI", "debtor": "ES.SGCJI", "falls": "2026-12-07T23:00:00.000000Z", "measures": ["M1"]}
OWED = {**CLOCK, "owed": "decide", "basis": "law", "due": "2026-12-07T22:59:59.000000Z"}


def told(event: str, clock: dict[str, Any]) -> str:
    console = Console(width=200, no_color=True)
    shown = {"at": CLOCK["falls"], "type": f"clock.{event}", "number": "MA26-1PA5-8C24-6", "dossier": "d"}
    with console.capture() as captured:
        _render_event(console, {**shown, "clock": clock, "kind": None, "recipient": None, "code": None})
    return captured.get()


def test_what_is_overdue_is_said_with_its_debtor_its_date_and_its_right() -> None:
    line = told("overdue", OWED)
    assert all(part in line for part in ("MA26-1PA5-8C24-6", "OVERDUE", "decide by ES.SGCJI", "(law)"))


def test_a_desk_that_nobody_attends_is_said_without_a_date() -> None:
    assert "use the telephone" in told("desk-unattended", CLOCK)


@pytest.mark.parametrize("event", [one for one in EVENTS if one != "overdue"])
def test_every_event_has_words(event: str) -> None:
    line = told(event, OWED)
    assert "ES.SGCJI" in line
    assert event not in line
