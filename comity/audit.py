"""`comity audit`: the whole ledger, verified on the reader's own machine."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from comity import key_audit
from comity.advice import UNVERIFIED
from comity.home import find_home, load_trust
from comity.ledger_sources import open_source, progress_bar
from comity.options import HomeDir, Json, TrustFile
from comity.output import local_time, reporting, say

app = typer.Typer(no_args_is_help=True, help="Verify a whole ledger from outside.")
app.command()(key_audit.keys)


@app.callback()
def audit() -> None:
    """Verify a whole ledger from outside."""


@app.command()
def verify(
    source: Annotated[str, typer.Argument(help="Address of an exchange, or directory of an exported ledger.")],
    trust: TrustFile = None,
    workers: Annotated[int, typer.Option(help="Processes that check signatures.")] = 2,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Check every signature, tile, entry, key change and decision. Exit code 4 if anything differs.

    A directory needs the trust file alone; an exchange needs the key of an auditor with the full mandate too.
    """
    with reporting(json) as output:
        from client.auditor import verify_ledger

        place = find_home(home)
        believed = place.trust() if trust is None else load_trust(trust)
        with progress_bar(output) as progress:
            report = verify_ledger(open_source(source, place, believed), believed, progress, workers=workers)
        document = report.as_json()
        output.show(document, lambda console: _render(console, document))
        if not report.ok:
            raise typer.Exit(UNVERIFIED)


def _render(console: Any, document: dict[str, Any]) -> None:
    verdict = "verifies" if document["ok"] else "DOES NOT VERIFY"
    style = "green" if document["ok"] else "bold red"
    say(console, f"{document['origin']}: {document['size']} entries, root {document['root']}")
    say(console, f"  cosigned by {', '.join(document['witnesses']) or 'no witness'}")
    if document["first_logged_at"]:
        span = f"{local_time(document['first_logged_at'])} to {local_time(document['last_logged_at'])}"
        say(console, f"  logged {span}")
    for type_, count in document["leaves"].items():
        say(console, f"  {count:>8}  {type_}")
    for code, count in document["rejections"].items():
        say(console, f"  {count:>8}  rejected as {code}")
    say(console, f"  {document['envelope_signatures_verified']:>8}  envelope signatures verified")
    if document["rejections_taken_on_trust"]:
        say(
            console,
            f"  {document['rejections_taken_on_trust']:>8}  rejections for sealed parts, not checkable from here",
        )
    say(console, "Key changes:")
    for one in document["key_changes"]:
        say(
            console,
            f"  {one['seq']:>4}  {one['type']:<9} {one['party']:<12} {local_time(one['at'])}, entry {one['index']}",
        )
    flagged = [one for one in document["key_changes"] if one["flags"]]
    if flagged or document["doubts"]:
        doubted = f"{len(flagged)} key events and {len(document['doubts'])} messages"
        say(console, f"{doubted} want an explanation that no ledger can give: comity audit keys", style="bold")
    for one in document["differences"]:
        where = "ledger" if one["index"] is None else f"entry {one['index']}"
        say(console, f"DIFFERENCE  {where}, {one['what']}: {one['why']}", style="bold red")
    hidden = document["difference_count"] - len(document["differences"])
    if hidden:
        say(console, f"… and {hidden} more differences", style="bold red")
    say(console, f"The ledger {verdict}.", style=style)
