"""`comity demo`: a letter rogatory goes from Rabat to three capitals, is answered, and is audited.

Everything through the `comity` command and the HTTP API, on an embedded exchange of its own or on one that runs
already. It leaves the ledger, its verifier keys and a transcript in its folder, and exits with 1 if any step is not
what it should be.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from comity.demo_stage import Stage

RABAT, PARIS, BRUSSELS, MADRID = "MA.PGR", "FR.BEPI", "BE.PF", "ES.SGCJI"
AUDITOR = "MA.COUR"
NAMES: Final = {
    RABAT: ("fr=Présidence du ministère public, Rabat", "ar=رئاسة النيابة العامة"),
    PARIS: ("fr=Bureau de l'entraide pénale internationale, Paris",),
    BRUSSELS: ("fr=Parquet fédéral, Bruxelles", "nl=Federaal parket, Brussel"),
    MADRID: ("es=Subdirección General de Cooperación Jurídica Internacional, Madrid",),
    AUDITOR: ("fr=Magistrat auditeur, Rabat",),
}
FILES: Final = Path(__file__).parent / "demo_files"
SHORTEST_SECRET: Final = 12
"""Characters; what is shorter could stand somewhere by accident."""
MAIN_FIELDS: Final = ("result", "questions", "answers", "reasons")
EVIDENCE: Final = FILES / "virements.csv"


def demo(
    directory: Annotated[Path, typer.Option(help="Where it plays and what it leaves.")] = Path("var/demo"),
    exchange: Annotated[
        Path | None, typer.Option(help="Play on the exchange that runs there (make up: var/up), not on one of its own.")
    ] = None,
) -> None:
    """Play the four-country scenario step by step, verify its ledger, and look for plaintexts in the exchange."""
    from rich.console import Console

    from comity.demo_stage import stage_at
    from comity.demo_step import StepFailed

    console = Console()
    began = time.monotonic()
    try:
        with stage_at(directory, console, exchange) as stage:
            _play(stage)
    except StepFailed as failed:
        console.print(f"\n[bold red]The demonstration stops:[/] {failed}", highlight=False)
        raise typer.Exit(1) from None
    took = time.monotonic() - began
    console.print(f"\nEvery step was as it should be ({len(stage.steps)} commands, {took:.0f} s). Left in {directory}:")
    console.print(f"  {directory / 'ledger'}  a tlog-tiles directory;  {directory / 'ledger.vkey'}  its key")
    console.print(f"  {directory / 'transcript.json'}  every step")


def _play(stage: Stage) -> None:
    _open_exchange(stage)
    dossier = _rabat_asks(stage)
    _france_delivers(stage, dossier)
    _belgium_asks_and_delivers(stage, dossier)
    _spain_refuses(stage, dossier)
    _rabat_closes(stage, dossier)
    _audit(stage)


def _open_exchange(stage: Stage) -> None:
    stage.scene("1. An exchange is set up, and four authorities and an auditor are enrolled")
    exchange = stage.exchange
    exchange.open(stage)
    keys = [argument for operator in exchange.operator_keys for argument in ("--operator-key", operator)]
    trust = ("--trust", exchange.data / "trust.json")
    for party, names in NAMES.items():
        role = "--auditor" if party == AUDITOR else "--authority"
        named = [argument for name in names for argument in ("--name", name)]
        request = stage.act(party, "makes its keys", "keys", "new", role, party, *named)["request"]
        stage.act(party, "imports the trust file", "trust", "import", trust[1], "--yes")
        _enrol(stage, party, request, *trust, *keys)
        stage.tell(party, f"enrolled: {names[0][3:]}")
    registry = Path(__file__).resolve().parents[1] / "deploy" / "samples" / "instruments.json"
    stage.act("operator", "publishes the instruments", "operator", "instruments", "load", registry, *trust, *keys)
    stage.tell("operator", "published the sample registry of instruments")
    told = {
        party: stage.act(party, "reads its number", "keys", "show")["number"]
        for party in (RABAT, PARIS, BRUSSELS, MADRID)
    }
    for one in (PARIS, BRUSSELS, MADRID):
        stage.act(RABAT, f"compares the keys of {one}", "keys", "compare", one, "--against", told[one])
        stage.act(one, f"compares the keys of {RABAT}", "keys", "compare", RABAT, "--against", told[RABAT])
    stage.tell(RABAT, "compared key fingerprints with each counterpart by telephone, and they with it")


def _enrol(stage: Stage, party: str, request: str, *arguments: str | Path) -> None:
    from comity.demo_step import StepFailed
    from shared.errors import KeyEventRefused

    try:
        stage.act("operator", f"enrols {party}", "operator", "enrol", request, *arguments)
    except StepFailed as failed:
        if failed.code != KeyEventRefused.code:
            raise
        raise StepFailed(stage.exchange.tell_known_party(party)) from failed


def _rabat_asks(stage: Stage) -> str:
    stage.scene("2. Rabat sends one letter rogatory to three capitals")
    deadline = (datetime.now(UTC) + timedelta(days=26)).date().isoformat()
    letter = stage.home(RABAT) / "demande.json"
    letter.write_text((FILES / "demande.json").read_text().replace("DEADLINE", deadline))
    to = [argument for party in (PARIS, BRUSSELS, MADRID) for argument in ("--to", party)]
    sent = stage.act(
        RABAT, "sends the letter", "send", letter, *to, "--instrument", "quadripartite", "--attach", EVIDENCE
    )
    _require(sent["decision"] == "accepted", "the letter was not accepted")
    stage.tell(RABAT, f"{sent['number']}: bank data (M1) and asset tracing (M2) asked of France, Belgium and Spain,")
    stage.tell("", "each under its own convention with Morocco, grouped by the quadripartite accord;")
    stage.tell("", f"sealed with {EVIDENCE.name}; deadline {deadline}; accepted, receipt kept")
    for party in (PARIS, BRUSSELS, MADRID):
        message = _receive(stage, party, "request")
        stage.act(party, "opens the letter", "open", message, "-o", stage.home(party) / "letter")
        original = (stage.home(party) / "letter" / EVIDENCE.name).read_bytes()
        _require(original == EVIDENCE.read_bytes(), f"the attachment that {party} opened is another")
        stage.tell(party, "received, verified and opened it; the attached evidence is byte for byte the same")
    _show_status(stage, sent["number"])
    return str(sent["number"])


def _france_delivers(stage: Stage, dossier: str) -> None:
    stage.scene("3. France acknowledges, accepts, executes and delivers")
    _reply(stage, PARIS, dossier, "acknowledge")
    _reply(stage, PARIS, dossier, "accept", "--approvals", "2")
    _reply(stage, PARIS, dossier, "start-execution")
    body, annex = FILES / "resultat-france.json", FILES / "bordereau-france.csv"
    _reply(stage, PARIS, dossier, "deliver-result", "--outcome", "executed", "--body", body, "--attach", annex)
    _open(stage, RABAT, "deliver-result")


def _belgium_asks_and_delivers(stage: Stage, dossier: str) -> None:
    stage.scene("4. Belgium asks for information, gets it, and delivers")
    due = (datetime.now(UTC) + timedelta(days=10)).date().isoformat()
    _reply(stage, BRUSSELS, dossier, "acknowledge")
    _reply(stage, BRUSSELS, dossier, "start-review")
    _reply(stage, BRUSSELS, dossier, "ask-information", "--due", due, "--body", FILES / "questions-belgique.json")
    _open(stage, RABAT, "ask-information")
    _show_status(stage, dossier)
    _reply(stage, RABAT, dossier, "supply-information", "--leg", BRUSSELS, "--body", FILES / "reponses-rabat.json")
    _open(stage, BRUSSELS, "supply-information")
    _reply(stage, BRUSSELS, dossier, "accept")
    outcomes = ("--outcome", "M1=executed", "--outcome", "M2=executed-in-part")
    _reply(stage, BRUSSELS, dossier, "deliver-result", *outcomes, "--body", FILES / "resultat-belgique.json")
    _open(stage, RABAT, "deliver-result")


def _spain_refuses(stage: Stage, dossier: str) -> None:
    stage.scene("5. Spain refuses, with a ground and reasons")
    _reply(stage, MADRID, dossier, "acknowledge")
    ground = ("--ground", "essential-interests")
    _reply(stage, MADRID, dossier, "refuse", *ground, "--body", FILES / "refus-espagne.json")
    _open(stage, RABAT, "refuse")
    _show_status(stage, dossier)


def _rabat_closes(stage: Stage, dossier: str) -> None:
    stage.scene("6. Rabat confirms and closes")
    for party in (PARIS, BRUSSELS):
        _reply(stage, RABAT, dossier, "confirm-receipt", "--leg", party)
    for party in (PARIS, BRUSSELS, MADRID):
        _reply(stage, RABAT, dossier, "close", "--leg", party)
    closed = stage.act(RABAT, "reads the status", "status", dossier)
    _require(closed["status"] == "closed", f"the dossier is {closed['status']}, not closed")
    _show_status(stage, dossier)


def _audit(stage: Stage) -> None:
    from comity.plaintext_scan import scan_directory

    stage.scene("7. The auditor verifies the ledger from outside")
    opening = stage.step_of(RABAT, "sends the letter").ids["message"]
    proof = stage.act(RABAT, "proves the letter", "proof", opening)
    stage.tell(RABAT, f"holds {len(proof['evidences'])} evidences of the letter, each with its proof in the ledger")
    report = stage.act(AUDITOR, "verifies the ledger", "audit", "verify", stage.exchange.url)
    stage.tell(
        AUDITOR, f"{report['size']} entries, {report['envelope_signatures_verified']} envelope signatures: all verify"
    )
    _check_witnesses(stage, report)
    replayed = stage.act(AUDITOR, "makes every dossier again", "audit", "replay", stage.exchange.url)
    _require(replayed["whole"] and replayed["dossiers"] > 0, "the auditor was shown no dossier")
    stage.tell(AUDITOR, f"{replayed['legs']} legs made again from the ledger: the exchange shows what it says")
    ledger = stage.directory / "ledger"
    stage.act(AUDITOR, "exports the ledger", "ledger", "export", ledger)
    again = stage.act(AUDITOR, "verifies the copy", "audit", "verify", ledger)
    # It may have grown: that the auditor reads, and what was refused meanwhile, are entries themselves. A copy that
    # does not continue what was read before is a difference of its own.
    is_same = again["size"] > report["size"] or again["root"] == report["root"]
    _require(again["size"] >= report["size"] and is_same, "the copy is of another ledger")
    ed25519, mldsa44 = json.loads((stage.exchange.data / "trust.json").read_text())["log_vkeys"]
    (stage.directory / "ledger.vkey").write_text(ed25519 + "\n")
    (stage.directory / "ledger-mldsa44.vkey").write_text(mldsa44 + "\n")
    stage.exchange.close()
    stage.write_transcript(stage.directory / "transcript.json")

    stage.scene("8. What the exchange could read")
    planted = _planted(stage)
    places = [*stage.exchange.written_to, ledger]
    found = scan_directory(places, planted)
    leaks = [f"{planted[one.number]!r} in {one.where}" for one in found]
    _require(not leaks, f"plaintexts were found: {'; '.join(leaks[:3])}")
    control = stage.step_of(RABAT, "sends the letter").ids["dossier"]
    _require(bool(scan_directory(places, [control])), "the search finds nothing, not even a dossier's id")
    stage.tell(
        "", f"{len(planted)} sealed sentences and names searched in its database, queue, log and ledger: found 0"
    )


def _check_witnesses(stage: Stage, report: dict[str, Any]) -> None:
    """What the auditor was shown is what the witnesses saw."""
    witnesses = stage.exchange.witnesses
    if witnesses is None:
        return
    _require(len(report["witnesses"]) == 2, f"cosigned by {report['witnesses']}, not by both witnesses")
    for known in witnesses.known(stage):
        _require(known["size"] >= report["size"], "a witness saw less than the auditor was shown")
        same = known["size"] > report["size"] or known["root"] == report["root"]
        _require(same and not known["evidence"], "a witness saw another tree than the auditor")
    stage.tell(AUDITOR, f"cosigned by {' and '.join(report['witnesses'])}, who saw no other tree")


def _receive(stage: Stage, who: str, kind: str) -> str:
    """Wait until an unopened message of this kind is in the inbox; its id."""
    from comity.demo_step import StepFailed

    until = time.monotonic() + 30
    while time.monotonic() < until:
        inbox = stage.act(who, "reads the inbox", "inbox")
        for one in inbox["unopened"]:
            if one["kind"] == kind:
                return str(one["message"])
        time.sleep(0.1)
    raise StepFailed(f"{who} waited 30 s for {kind}")


def _open(stage: Stage, who: str, kind: str) -> None:
    """Receive and open the message of this kind, and show how its sealed content begins."""
    opened = stage.act(who, f"opens {kind}", "open", _receive(stage, who, kind))
    text = str(next((opened["content"][name] for name in MAIN_FIELDS if name in opened["content"]), ""))
    stage.tell(who, f"opened {kind} from {opened['sender']}: “{text[:70]}…”")


def _reply(stage: Stage, who: str, dossier: str, kind: str, *arguments: str | Path) -> None:
    sent = stage.act(who, kind, "reply", dossier, kind, *arguments)
    _require(sent["decision"] == "accepted", f"{kind} of {who} was not accepted")
    stage.tell(who, f"{kind} → accepted")


def _show_status(stage: Stage, dossier: str) -> None:
    stage.console.print(f"  [dim]$ comity status {dossier}[/]", highlight=False)
    for line in stage.read(RABAT, "reads the status", "status", dossier).rstrip().splitlines():
        stage.console.print(f"    {line}", highlight=False, markup=False, soft_wrap=True)


def _planted(stage: Stage) -> list[str]:
    """Every sealed sentence and name of the scenario, account numbers and file names too; codes are no secret."""
    texts: set[str] = set()
    for file in [stage.home(RABAT) / "demande.json", *FILES.glob("*.json")]:
        texts |= _strings(json.loads(file.read_text()))
    for file in FILES.glob("*.csv"):
        texts |= {cell for line in file.read_text().splitlines() for cell in line.split(";")}
    names = {file.name for file in FILES.glob("*.csv")}
    return sorted(text for text in texts if " " in text and len(text) >= SHORTEST_SECRET) + sorted(names)


def _strings(node: object) -> set[str]:
    if isinstance(node, str):
        return {node}
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return {text for child in children for text in _strings(child)}


def _require(holds: bool, otherwise: str) -> None:
    from comity.demo_step import StepFailed

    if not holds:
        raise StepFailed(otherwise)
