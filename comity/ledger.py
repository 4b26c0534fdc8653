"""`comity ledger`: a copy of the ledger that other people's software reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from comity.home import find_home
from comity.ledger_sources import open_source, progress_bar
from comity.options import HomeDir, Json, Url
from comity.output import reporting, say

app = typer.Typer(no_args_is_help=True, help="Keep a copy of the ledger.")


@app.callback()
def ledger() -> None:
    """Keep a copy of the ledger."""


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="Where the copy grows: checkpoint, tile/…")],
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Bring a static tlog-tiles directory up to the exchange's checkpoint. Needs an auditor's key.

    Only what is new is fetched, and a ledger that does not continue the copy is refused.
    """
    with reporting(json) as output:
        from client.ledger_export import export_ledger

        place = find_home(home, url)
        trust = place.trust()
        with progress_bar(output) as progress:
            written = export_ledger(open_source(place.require_url(), place, trust), directory, trust, progress)
        document = {
            "directory": str(directory),
            "old_size": written.old_size,
            "size": written.size,
            "files": written.files,
        }
        text = f"{directory}: {written.old_size} → {written.size} entries, {written.files} files written"
        output.show(document, lambda console: say(console, text))
