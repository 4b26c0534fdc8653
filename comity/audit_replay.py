"""`comity audit replay`: every dossier made again from the ledger, and held against what the exchange shows of it."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from client.audit_workers import WORKERS
from comity.advice import UNVERIFIED
from comity.audit_options import Desk, Keep, Source, Workers, counted_legs, show_differences, show_size
from comity.ledger_sources import progress_bar
from comity.options import HomeDir, Json, TrustFile
from comity.output import reporting, say
from comity.words import _, _n, retold

if TYPE_CHECKING:
    from client.audit_file import AuditFile


def replay(
    source: Source,
    url: Annotated[
        str | None,
        typer.Option(help="Exchange to compare with, where a copy is read.", show_default=False),
    ] = None,
    trust: TrustFile = None,
    keep: Keep = None,
    workers: Workers = WORKERS,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Make every dossier again from the ledger, and name what the exchange shows otherwise, also of key events and of
    the registry of instruments. Exit code 4 if anything is.

    An auditor with the full mandate compares all dossiers; a party, with a copy of the ledger, compares its own.
    """
    with reporting(json) as output:
        from client.audit_replay import ShownDossiers
        from client.audit_replay import replay as replay_ledger
        from client.audit_report import AuditReport

        desk = Desk(source, home, trust, keep)
        exchange, caller = desk.exchange(url)
        reading = desk.source()
        with ExitStack() as opened, progress_bar(output) as progress:
            report = AuditReport(desk.trust.origin)

            def read_on() -> AuditFile:
                nonlocal report
                opened.pop_all().close()  # the file of the look before
                latest = desk.folder.brought_up_to_date(reading, progress, workers=workers)
                report, file = opened.enter_context(latest)
                report.require_newest()
                return file

            done = replay_ledger(ShownDossiers(exchange, caller), read_on, time.sleep)
        verified = report.as_json()
        document = {
            "ok": verified["ok"] and not done.differences,
            "ledger_ok": verified["ok"],
            "origin": verified["origin"],
            "size": verified["size"],
            "root": verified["root"],
            "whole": done.whole,
            "dossiers": done.dossiers,
            "legs": done.legs,
            "shown_otherwise": [{"dossier": one.dossier, "leg": one.leg, "why": one.why} for one in done.differences],
            "differences": verified["differences"],
            "difference_count": verified["difference_count"],
        }
        output.show(document, lambda console: _render(console, document))
        if done.differences and desk.is_copy and desk.size_at(exchange) > document["size"]:
            output.note(
                _("The copy is older than what the exchange shows: `comity ledger export` first, then judge again.")
            )
        if not document["ok"]:
            raise typer.Exit(UNVERIFIED)


def _render(console: Any, document: dict[str, Any]) -> None:
    show_size(console, document)
    whose = _("all dossiers") if document["whole"] else _("the dossiers of this party")
    say(
        console,
        "  "
        + _(
            "{dossiers} with {legs} made again; compared: {whose}",
            dossiers=_n("{count} dossier", "{count} dossiers", document["dossiers"]),
            legs=counted_legs(document["legs"]),
            whose=whose,
        ),
    )
    for one in document["shown_otherwise"]:
        places = [
            place for place in (one["dossier"], one["leg"] and _("leg {leg}", leg=one["leg"])) if place is not None
        ]
        about = f"{', '.join(places)}: " if places else ""
        say(console, _("SHOWN OTHERWISE") + f"  {about}{retold(one['why'])}", style="bold red")
    show_differences(console, document)
    if not document["ledger_ok"]:
        say(console, _("The ledger itself DOES NOT VERIFY: comity audit verify"), style="bold red")
    if document["ok"]:
        say(console, _("The exchange shows what the ledger says."), style="green")
