"""The other way round: a court in Madrid needs a witness who lives in Casablanca, and Rabat is the requested side."""

from __future__ import annotations

from comity.demo_acts import (
    FILES,
    MADRID,
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


def play_received(stage: Stage) -> None:
    stage.scene(_("8. Rabat receives a letter rogatory from Madrid, and answers it"))
    sent = stage.act(
        MADRID, "sends a letter", "send", FILES / "comision-rogatoria.json", "--to", RABAT, "--instrument", "ma-es-2009"
    )
    require_accepted(sent, sent["kind"], MADRID)
    dossier = str(sent["number"])
    told = _("{number}: a witness is to be heard in Casablanca, under the convention of 2009", number=dossier)
    stage.tell(MADRID, told)
    stage.act(RABAT, "opens the letter from Madrid", "open", receive(stage, RABAT, "request"))
    reply(stage, RABAT, dossier, "acknowledge")
    due = in_days(14)
    reply(stage, RABAT, dossier, "ask-information", "--due", due, "--body", FILES / "questions-rabat.json")
    open_message(stage, MADRID, "ask-information")
    reply(stage, MADRID, dossier, "supply-information", "--body", FILES / "respuestas-madrid.json")
    open_message(stage, RABAT, "supply-information")
    reply(stage, RABAT, dossier, "accept")
    receive(stage, MADRID, "accept")
    show_status(stage, dossier, MADRID)
    body, annex = FILES / "resultat-rabat.json", FILES / "pv-audition.csv"
    reply(stage, RABAT, dossier, "deliver-result", "--outcome", "executed", "--body", body, "--attach", annex)
    open_message(stage, MADRID, "deliver-result")
    reply(stage, MADRID, dossier, "confirm-receipt")
    reply(stage, MADRID, dossier, "close")
    receive(stage, RABAT, "close")
    status = stage.act(RABAT, "reads the status", "status", dossier)["status"]
    require_closed(status, dossier)
    show_status(stage, dossier)
