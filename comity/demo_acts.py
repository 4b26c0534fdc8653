"""What people of the demonstration do again and again: wait for a message, open it, answer, look how things stand."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from comity.demo_stage import Stage
from comity.demo_step import StepFailed
from comity.words import _, kind_word

RABAT, PARIS, BRUSSELS, MADRID = "MA.PGR", "FR.BEPI", "BE.PF", "ES.SGCJI"
FILES: Final = Path(__file__).parent / "demo_files"
MAIN_FIELDS: Final = ("result", "questions", "answers", "reasons")


def receive(stage: Stage, who: str, kind: str) -> str:
    """Wait until an unopened message of this kind is in the inbox; its id."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        inbox = stage.act(who, "reads the inbox", "inbox")
        for one in inbox["unopened"]:
            if one["kind"] == kind:
                return str(one["message"])
        time.sleep(0.1)
    raise StepFailed(_("{party} waited 30 s for this in vain: {kind}", party=who, kind=kind_word(kind)))


def open_message(stage: Stage, who: str, kind: str) -> None:
    """Receive and open the message of this kind, and show how its sealed content begins."""
    opened = stage.act(who, f"opens {kind}", "open", receive(stage, who, kind))
    text = str(next((opened["content"][name] for name in MAIN_FIELDS if name in opened["content"]), ""))
    gaps = {"kind": kind_word(kind), "sender": opened["sender"], "beginning": text[:70]}
    stage.tell(who, _("opened {kind} from {sender}: “{beginning}…”", **gaps))


def reply(stage: Stage, who: str, dossier: str, kind: str, *arguments: str | Path) -> None:
    sent = stage.act(who, kind, "reply", dossier, kind, *arguments)
    require_accepted(sent, kind, who)
    stage.tell(who, f"{kind_word(kind)} · {_('accepted')}")


def show_status(stage: Stage, dossier: str, who: str = RABAT) -> None:
    stage.console.print(Text(f"  $ comity status {dossier}", "dim"))
    for line in stage.read(who, "reads the status", "status", dossier).rstrip().splitlines():
        stage.console.print(f"    {line}", highlight=False, markup=False, soft_wrap=True)


def in_days(days: int) -> str:
    """A day from today on, as the commands take it."""
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def require_accepted(sent: Mapping[str, Any], kind: str, who: str) -> None:
    """Raises StepFailed."""
    told = _("the exchange did not admit what {party} sent: {kind}", kind=kind_word(kind), party=who)
    require(sent["decision"] == "accepted", told)


def require_closed(status: object, number: str) -> None:
    """Raises StepFailed."""
    require(status == "closed", _("the dossier {number} is not closed", number=number))


def require(holds: bool, otherwise: str) -> None:
    """`otherwise` says in the reader's language what is wrong. Raises StepFailed."""
    if not holds:
        raise StepFailed(otherwise)
