"""`comity audit report`: the figures of one year, made from the ledger that was verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from comity.advice import UNVERIFIED
from comity.audit_options import Desk, Keep, Source, Workers, safe, show_differences
from comity.home import now
from comity.ledger_sources import progress_bar
from comity.options import HomeDir, Json, TrustFile
from comity.output import local_time, reporting, say

if TYPE_CHECKING:
    from rich.console import Console

_TITLES: Final = {
    "by_pair": "Requests, requesting → requested",
    "by_profiles": "Profiles",
    "by_measures": "Measures",
    "by_bases": "Legal bases",
    "by_statuses": "Status now, per leg",
    "by_outcomes": "Outcomes, per measure",
    "closed_by_silence": "Measures closed by silence",
    "overdue_by_debtor": "Legs with something overdue, by who owes it",
    "flags": "Reservations of the law, decisions by code",
    "rejections": "Rejected submissions, by code",
}
_SHOWN: Final = 20


def report(
    source: Source,
    year: Annotated[int | None, typer.Option(min=2000, max=2999, help="The year; else the present one.")] = None,
    trust: TrustFile = None,
    keep: Keep = None,
    workers: Workers = 2,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Requests by counterpart, measure, basis, status and outcome, and how long they took. From the ledger alone.

    What is new is read and verified first. Exit code 4 if the ledger does not verify: then the figures are worth
    nothing.
    """
    with reporting(json) as output:
        from client.audit_statistics import year_report

        desk = Desk(source, home, trust, keep)
        with (
            progress_bar(output) as progress,
            desk.folder.brought_up_to_date(desk.source(), progress, workers=workers) as (done, file),
        ):
            as_of = done.last_logged_at or now()
            figures = year_report(file.memory, year or as_of.year, as_of)
        verified = done.as_json()
        members = ("origin", "size", "root", "differences", "difference_count")
        document = {"ok": done.ok, **{name: verified[name] for name in members}, **figures}
        output.show(document, lambda console: _render(console, document))
        if not done.ok:
            raise typer.Exit(UNVERIFIED)


def _render(console: Console, document: dict[str, Any]) -> None:
    say(console, f"{document['origin']}: {document['size']} entries, root {document['root']}")
    before = document["legs_the_year_before"]
    growth = "" if document["growth_percent"] is None else f" ({document['growth_percent']:+g} %)"
    told = f"{document['legs']} requests (legs), {before} the year before{growth}"
    say(console, f"{document['year']}: {told}; as of {local_time(document['as_of'])}", style="bold")
    for name, title in _TITLES.items():
        counts: dict[str, int] = document[name]
        if counts:
            say(console, f"{title}:")
        for what, count in list(counts.items())[:_SHOWN]:
            say(console, f"  {count:>8}  {safe(what)}")
        if len(counts) > _SHOWN:
            say(console, f"            and {len(counts) - _SHOWN} more: --json has them")
    say(console, "Days from admission to the first:")
    for what, times in document["days_to"].items():
        if times["legs"]:
            say(
                console,
                f"  {what:<9} median {times['median']:g}, 95th percentile {times['p95']:g} ({times['legs']} legs)",
            )
        else:
            say(console, f"  {what:<9} none yet")
    show_differences(console, document)
    if not document["ok"]:
        say(console, "The ledger DOES NOT VERIFY: these figures are worth nothing.", style="bold red")
