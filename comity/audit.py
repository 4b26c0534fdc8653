"""`comity audit`: the whole ledger, verified on the reader's own machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.advice import UNVERIFIED
from comity.home import Home, exchange_as, find_home, load_trust
from comity.options import HomeDir, Json, TrustFile
from comity.output import Output, local_time, reporting, say

if TYPE_CHECKING:
    from client.auditor import Progress
    from client.ledger_source import LedgerSource
    from shared.keys.trust import Trust

app = typer.Typer(no_args_is_help=True, help="Verify a whole ledger from outside.")


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


def open_source(source: str, place: Home, trust: Trust) -> LedgerSource:
    """A directory if it is no address."""
    from client.ledger_source import DirectoryLedger, ExchangeLedger

    if source.startswith(("https://", "http://")):
        owner, key = place.api_key()
        return ExchangeLedger(exchange_as(key, owner, source, trust))
    return DirectoryLedger(Path(source))


@contextmanager
def progress_bar(output: Output) -> Iterator[Progress | None]:
    """A bar on standard error, for people at a terminal."""
    from comity.output import console

    errors = console(stderr=True)
    if output.as_json or not errors.is_terminal:
        yield None
        return
    from rich.progress import Progress

    with Progress(console=errors, transient=True) as bar:
        task = bar.add_task("entries", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _render(console: Any, document: dict[str, Any]) -> None:
    verdict = "verifies" if document["ok"] else "DOES NOT VERIFY"
    style = "green" if document["ok"] else "bold red"
    say(console, f"{document['origin']}: {document['size']} entries, root {document['root']}")
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
    for one in document["differences"]:
        where = "ledger" if one["index"] is None else f"entry {one['index']}"
        say(console, f"DIFFERENCE  {where}, {one['what']}: {one['why']}", style="bold red")
    hidden = document["difference_count"] - len(document["differences"])
    if hidden:
        say(console, f"… and {hidden} more differences", style="bold red")
    say(console, f"The ledger {verdict}.", style=style)
