"""One letter rogatory from Rabat to three capitals: France delivers, Belgium asks first, Spain refuses."""

from __future__ import annotations

from typing import Final

from comity.demo_acts import (
    BRUSSELS,
    FILES,
    MADRID,
    PARIS,
    RABAT,
    in_days,
    open_message,
    receive,
    reply,
    require,
    require_accepted,
    require_closed,
    show_status,
)
from comity.demo_stage import Stage
from comity.words import _

EVIDENCE: Final = FILES / "virements.csv"


def play_quadripartite(stage: Stage) -> None:
    dossier = _rabat_asks(stage)
    _france_delivers(stage, dossier)
    _belgium_asks_and_delivers(stage, dossier)
    _spain_refuses(stage, dossier)
    _rabat_closes(stage, dossier)


def _rabat_asks(stage: Stage) -> str:
    stage.scene(_("2. Rabat sends one letter rogatory to three capitals"))
    deadline = in_days(26)
    letter = stage.home(RABAT) / "demande.json"
    letter.write_text((FILES / "demande.json").read_text().replace("DEADLINE", deadline))
    to = [argument for party in (PARIS, BRUSSELS, MADRID) for argument in ("--to", party)]
    sent = stage.act(
        RABAT, "sends the letter", "send", letter, *to, "--instrument", "quadripartite", "--attach", EVIDENCE
    )
    require_accepted(sent, sent["kind"], RABAT)
    asked = _(
        "{number}: bank data (M1) and asset tracing (M2) asked of France, Belgium and Spain,", number=sent["number"]
    )
    stage.tell(RABAT, asked)
    stage.tell("", _("each under its own convention with Morocco, grouped by the quadripartite accord;"))
    sealed = {"file": EVIDENCE.name, "deadline": deadline}
    stage.tell("", _("sealed with {file}; deadline {deadline}; accepted, receipt kept", **sealed))
    for party in (PARIS, BRUSSELS, MADRID):
        message = receive(stage, party, "request")
        stage.act(party, "opens the letter", "open", message, "-o", stage.home(party) / "letter")
        original = (stage.home(party) / "letter" / EVIDENCE.name).read_bytes()
        require(original == EVIDENCE.read_bytes(), _("the attachment that {party} opened is another one", party=party))
        stage.tell(party, _("received, verified and opened it; the attached evidence is byte for byte the same"))
    show_status(stage, sent["number"])
    return str(sent["number"])


def _france_delivers(stage: Stage, dossier: str) -> None:
    stage.scene(_("3. France acknowledges, accepts, executes and delivers"))
    reply(stage, PARIS, dossier, "acknowledge")
    reply(stage, PARIS, dossier, "accept", "--approvals", "2")
    reply(stage, PARIS, dossier, "start-execution")
    body, annex = FILES / "resultat-france.json", FILES / "bordereau-france.csv"
    reply(stage, PARIS, dossier, "deliver-result", "--outcome", "executed", "--body", body, "--attach", annex)
    open_message(stage, RABAT, "deliver-result")


def _belgium_asks_and_delivers(stage: Stage, dossier: str) -> None:
    stage.scene(_("4. Belgium asks for information, gets it, and delivers"))
    due = in_days(10)
    reply(stage, BRUSSELS, dossier, "acknowledge")
    reply(stage, BRUSSELS, dossier, "start-review")
    reply(stage, BRUSSELS, dossier, "ask-information", "--due", due, "--body", FILES / "questions-belgique.json")
    open_message(stage, RABAT, "ask-information")
    show_status(stage, dossier)
    reply(stage, RABAT, dossier, "supply-information", "--leg", BRUSSELS, "--body", FILES / "reponses-rabat.json")
    open_message(stage, BRUSSELS, "supply-information")
    reply(stage, BRUSSELS, dossier, "accept")
    outcomes = ("--outcome", "M1=executed", "--outcome", "M2=executed-in-part")
    reply(stage, BRUSSELS, dossier, "deliver-result", *outcomes, "--body", FILES / "resultat-belgique.json")
    open_message(stage, RABAT, "deliver-result")


def _spain_refuses(stage: Stage, dossier: str) -> None:
    stage.scene(_("5. Spain refuses, with a ground and reasons"))
    reply(stage, MADRID, dossier, "acknowledge")
    ground = ("--ground", "essential-interests")
    reply(stage, MADRID, dossier, "refuse", *ground, "--body", FILES / "refus-espagne.json")
    open_message(stage, RABAT, "refuse")
    show_status(stage, dossier)


def _rabat_closes(stage: Stage, dossier: str) -> None:
    stage.scene(_("6. Rabat confirms and closes"))
    for party in (PARIS, BRUSSELS):
        reply(stage, RABAT, dossier, "confirm-receipt", "--leg", party)
    for party in (PARIS, BRUSSELS, MADRID):
        reply(stage, RABAT, dossier, "close", "--leg", party)
    closed = stage.act(RABAT, "reads the status", "status", dossier)
    require_closed(closed["status"], dossier)
    show_status(stage, dossier)
