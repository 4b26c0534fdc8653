"""`comity demo`: a letter rogatory goes from Rabat to three capitals, is answered, and is audited; data is preserved at
night until its request comes; and Rabat is asked by Madrid.

Everything through the `comity` command and the HTTP API, on an embedded exchange of its own or on one that runs
already. It leaves the ledger, its verifier keys and a transcript in its folder, and exits with 1 if any step is not
what it should be.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from comity.demo_acts import BRUSSELS, MADRID, PARIS, RABAT
from comity.demo_audit import AUDITOR, play_audit
from comity.demo_exchange import OPERATOR
from comity.demo_preserved import play_preserved
from comity.demo_quadripartite import play_quadripartite
from comity.demo_received import play_received
from comity.demo_stage import Stage, stage_at
from comity.demo_step import StepFailed
from comity.output import say
from comity.words import _
from shared.errors import KeyEventRefused

NAMES: Final = {
    RABAT: ("fr=Présidence du ministère public, Rabat", "ar=رئاسة النيابة العامة"),
    PARIS: ("fr=Bureau de l'entraide pénale internationale, Paris",),
    BRUSSELS: ("fr=Parquet fédéral, Bruxelles", "nl=Federaal parket, Brussel"),
    MADRID: ("es=Subdirección General de Cooperación Jurídica Internacional, Madrid",),
    AUDITOR: ("fr=Magistrat auditeur, Rabat",),
}


def demo(
    directory: Annotated[Path, typer.Option(help="Where it plays and what it leaves.")] = Path("var/demo"),
    exchange: Annotated[
        Path | None, typer.Option(help="Play on the exchange that runs there (make up: var/up), not on one of its own.")
    ] = None,
) -> None:
    """Play the scenario of four countries step by step, verify its ledger, and look for plaintexts in the exchange."""
    console = Console()
    began = time.monotonic()
    try:
        with stage_at(directory, console, exchange) as stage:
            _play(stage)
    except StepFailed as failed:
        say(console, "")
        say(console, _("The demonstration stops: {why}", why=str(failed)), style="bold red")
        raise typer.Exit(1) from None
    took = time.monotonic() - began
    say(console, "")
    figures = {"commands": len(stage.steps), "seconds": f"{took:.0f}", "directory": directory}
    say(
        console,
        _("Every step was as it should be (commands: {commands}; {seconds} s). Left in {directory}:", **figures),
    )
    ledger, key, transcript = (directory / name for name in ("ledger", "ledger.vkey", "transcript.json"))
    say(console, f"  {ledger}  {_('a tlog-tiles directory')};  {key}  {_('its key')}")
    say(console, f"  {transcript}  {_('every step')}")


def _play(stage: Stage) -> None:
    _open_exchange(stage)
    play_quadripartite(stage)
    play_preserved(stage)
    play_received(stage)
    play_audit(stage)


def _open_exchange(stage: Stage) -> None:
    stage.scene(_("1. An exchange is set up, and four authorities and an auditor are enrolled"))
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
        stage.tell(party, _("enrolled: {name}", name=names[0][3:]))
    registry = Path(__file__).resolve().parents[1] / "deploy" / "samples" / "instruments.json"
    stage.act(OPERATOR, "publishes the instruments", "operator", "instruments", "load", registry, *trust, *keys)
    stage.tell(OPERATOR, _("published the sample registry of instruments"))
    told = {
        party: stage.act(party, "reads its number", "keys", "show")["number"]
        for party in (RABAT, PARIS, BRUSSELS, MADRID)
    }
    for one in (PARIS, BRUSSELS, MADRID):
        stage.act(RABAT, f"compares the keys of {one}", "keys", "compare", one, "--against", told[one])
        stage.act(one, f"compares the keys of {RABAT}", "keys", "compare", RABAT, "--against", told[RABAT])
    stage.tell(RABAT, _("compared key fingerprints with each counterpart by telephone, and they with it"))


def _enrol(stage: Stage, party: str, request: str, *arguments: str | Path) -> None:
    try:
        stage.act(OPERATOR, f"enrols {party}", "operator", "enrol", request, *arguments)
    except StepFailed as failed:
        if failed.code != KeyEventRefused.code:
            raise
        raise StepFailed(stage.exchange.tell_known_party(party)) from failed
