"""Data that would be gone by morning: preserved at once on an emergency call, until the request for it comes."""

from __future__ import annotations

from pathlib import Path

from comity.demo_acts import (
    FILES,
    PARIS,
    RABAT,
    in_days,
    open_message,
    receive,
    reply,
    require_accepted,
    require_closed,
    show_status,
)
from comity.demo_stage import Stage
from comity.words import _


def play_preserved(stage: Stage) -> None:
    stage.scene(_("7. At night, data is preserved in France, and then asked for"))
    preserved = _rabat_asks_at_once(stage)
    _request_follows(stage, preserved)


def _rabat_asks_at_once(stage: Stage) -> str:
    """The dossier of the preservation."""
    sent = _send(stage, "asks for preservation", FILES / "conservation.json")
    told = _(
        "{number}: emergency; the logs of one mailbox are asked to be kept ({rule})", number=sent, rule="Budapest 29"
    )
    stage.tell(RABAT, told)
    stage.act(PARIS, "opens the call", "open", receive(stage, PARIS, "request"))
    until = in_days(90)
    reply(stage, PARIS, sent, "preserve", "--act", f"until={until}")
    stage.act(RABAT, "opens preserve", "open", receive(stage, RABAT, "preserve"))
    stage.tell(PARIS, _("keeps the data until {until}, or for as long as a request for it is pending", until=until))
    show_status(stage, sent)
    return sent


def _request_follows(stage: Stage, preserved: str) -> None:
    kept = stage.step_of(RABAT, "asks for preservation").ids["dossier"]
    letter = stage.home(RABAT) / "donnees.json"
    letter.write_text((FILES / "donnees.json").read_text().replace("PRESERVATION", kept))
    asked = _send(stage, "sends the request that follows", letter)
    dossier = stage.step_of(RABAT, "sends the request that follows").ids["dossier"]
    reply(stage, RABAT, preserved, "tie-request", "--act", f"dossier={dossier}")
    tied = _("{number} asks for what was preserved; the preservation is tied to it and goes on", number=asked)
    stage.tell(RABAT, tied)
    stage.act(PARIS, "opens the request", "open", receive(stage, PARIS, "request"))
    reply(stage, PARIS, asked, "accept")
    body = FILES / "resultat-donnees.json"
    reply(stage, PARIS, asked, "deliver-result", "--outcome", "executed", "--body", body)
    open_message(stage, RABAT, "deliver-result")
    reply(stage, RABAT, asked, "confirm-receipt")
    for one in (asked, preserved):
        reply(stage, RABAT, one, "close")
        status = stage.act(RABAT, "reads the status", "status", one)["status"]
        require_closed(status, one)
    show_status(stage, preserved)


def _send(stage: Stage, what: str, letter: Path) -> str:
    """The number of the dossier."""
    sent = stage.act(RABAT, what, "send", letter, "--to", PARIS, "--instrument", "budapest")
    require_accepted(sent, sent["kind"], RABAT)
    return str(sent["number"])
