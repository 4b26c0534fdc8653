"""The ledger verified from outside, and what of the sealed contents the exchange could read: nothing."""

from __future__ import annotations

import json
from typing import Any, Final

from comity.demo_acts import FILES, RABAT, require
from comity.demo_stage import Stage
from comity.plaintext_scan import scan_directory
from comity.words import _

AUDITOR: Final = "MA.COUR"
SHORTEST_SECRET: Final = 12
"""Characters; what is shorter could stand somewhere by accident."""


def play_audit(stage: Stage) -> None:
    stage.scene(_("9. The auditor verifies the ledger from outside"))
    opening = stage.step_of(RABAT, "sends the letter").ids["message"]
    proof = stage.act(RABAT, "proves the letter", "proof", opening)
    held = len(proof["evidences"])
    stage.tell(
        RABAT, _("evidences of the letter that it holds, each with its proof in the ledger: {count}", count=held)
    )
    report = stage.act(AUDITOR, "verifies the ledger", "audit", "verify", stage.exchange.url)
    figures = {"size": report["size"], "signatures": report["envelope_signatures_verified"]}
    stage.tell(AUDITOR, _("entries: {size}, signatures of envelopes: {signatures}; all verify", **figures))
    _check_witnesses(stage, report)
    replayed = stage.act(AUDITOR, "makes every dossier again", "audit", "replay", stage.exchange.url)
    require(replayed["whole"] and replayed["dossiers"] > 0, _("the auditor was shown no dossier"))
    told = _("legs made again from the ledger: {legs}; the exchange shows what it says", legs=replayed["legs"])
    stage.tell(AUDITOR, told)
    ledger = stage.directory / "ledger"
    stage.act(AUDITOR, "exports the ledger", "ledger", "export", ledger)
    again = stage.act(AUDITOR, "verifies the copy", "audit", "verify", ledger)
    # It may have grown: that the auditor reads, and what was refused meanwhile, are entries themselves. A copy that
    # does not continue what was read before is a difference of its own.
    is_same = again["size"] > report["size"] or again["root"] == report["root"]
    require(again["size"] >= report["size"] and is_same, _("the copy is of another ledger"))
    ed25519, mldsa44 = json.loads((stage.exchange.data / "trust.json").read_text())["log_vkeys"]
    (stage.directory / "ledger.vkey").write_text(ed25519 + "\n")
    (stage.directory / "ledger-mldsa44.vkey").write_text(mldsa44 + "\n")
    stage.exchange.close()
    stage.write_transcript(stage.directory / "transcript.json")

    stage.scene(_("10. What the exchange could read"))
    planted = _planted()
    places = [*stage.exchange.written_to, ledger]
    found = scan_directory(places, planted)
    leaks = [f"{planted[one.number]!r} in {one.where}" for one in found]
    require(not leaks, _("plaintexts were found: {leaks}", leaks="; ".join(leaks[:3])))
    control = stage.step_of(RABAT, "sends the letter").ids["dossier"]
    require(bool(scan_directory(places, [control])), _("the search finds nothing, not even the id of a dossier"))
    told = _(
        "sealed sentences and names searched in its database, queue, log and ledger: {searched}; found: {found}",
        searched=len(planted),
        found=0,
    )
    stage.tell("", told)


def _check_witnesses(stage: Stage, report: dict[str, Any]) -> None:
    """What the auditor was shown is what the witnesses saw."""
    witnesses = stage.exchange.witnesses
    if witnesses is None:
        return
    named = ", ".join(report["witnesses"])
    require(len(report["witnesses"]) == 2, _("cosigned by {witnesses}, not by both witnesses", witnesses=named))
    for known in witnesses.known(stage):
        require(known["size"] >= report["size"], _("a witness saw less than the auditor was shown"))
        same = known["size"] > report["size"] or known["root"] == report["root"]
        require(same and not known["evidence"], _("a witness saw another tree than the auditor"))
    stage.tell(AUDITOR, _("cosigned by {witnesses}, who saw no other tree", witnesses=named))


def _planted() -> list[str]:
    """Every sealed sentence and name of the scenario, account numbers and file names too; codes are no secret."""
    texts: set[str] = set()
    for file in FILES.glob("*.json"):
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
