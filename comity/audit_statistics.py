"""`comity audit report`: the figures of one year, made from the ledger that was verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from client.audit_workers import WORKERS
from comity.advice import UNVERIFIED
from comity.audit_options import Desk, Keep, Source, Workers, counted_legs, safe, show_differences, show_size
from comity.home import now
from comity.ledger_sources import progress_bar
from comity.options import HomeDir, Json, TrustFile
from comity.output import local_time, reporting, say
from comity.words import _, _n, code_word, reader_language
from shared.texts.catalogue import mark

if TYPE_CHECKING:
    from rich.console import Console

_FIRST: Final = {"answer": mark("answer"), "decision": mark("decision"), "result": mark("result")}
_OF_WORDS: Final = frozenset({"by_statuses", "by_outcomes"})
"""Figures by states and outcomes, whose names are sentences of the catalogues."""
_TITLES: Final = {
    "by_pair": mark("Requests, requesting → requested"),
    "by_profiles": mark("Profiles"),
    "by_measures": mark("Measures"),
    "by_bases": mark("Legal bases"),
    "by_statuses": mark("Status now, per leg"),
    "by_outcomes": mark("Outcomes, per measure"),
    "closed_by_silence": mark("Measures closed by silence"),
    "overdue_by_debtor": mark("Legs with something overdue, by who owes it"),
    "flags": mark("Reservations of the law, decisions by code"),
    "rejections": mark("Rejected submissions, by code"),
}
_SHOWN: Final = 20


def report(
    source: Source,
    year: Annotated[int | None, typer.Option(min=2000, max=2999, help="The year; else the present one.")] = None,
    trust: TrustFile = None,
    keep: Keep = None,
    workers: Workers = WORKERS,
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
        ledger = desk.source()  # may ask for a passphrase, which no bar is to write over
        with (
            progress_bar(output) as progress,
            desk.folder.brought_up_to_date(ledger, progress, workers=workers) as (done, file),
        ):
            done.require_newest()
            as_of = done.last_logged_at or now()
            figures = year_report(file.memory, year or as_of.year, as_of)
        verified = done.as_json()
        members = ("origin", "size", "root", "differences", "difference_count")
        document = {"ok": done.ok, **{name: verified[name] for name in members}, **figures}
        output.show(document, lambda console: _render(console, document))
        if not done.ok:
            raise typer.Exit(UNVERIFIED)


def _render(console: Console, document: dict[str, Any]) -> None:
    from client.entry_words import error_word, flag_word

    coded = {"flags": flag_word, "rejections": error_word}
    show_size(console, document)
    before = document["legs_the_year_before"]
    growth = "" if document["growth_percent"] is None else f" ({document['growth_percent']:+g} %)"
    told = _n(
        "{count} request (leg), {before} the year before{growth}",
        "{count} requests (legs), {before} the year before{growth}",
        document["legs"],
        before=before,
        growth=growth,
    )
    say(
        console,
        _("{year}: {told}; as of {as_of}", year=document["year"], told=told, as_of=local_time(document["as_of"])),
        style="bold",
    )
    for name, title in _TITLES.items():
        counts: dict[str, int] = document[name]
        if counts:
            say(console, f"{_(title)}:")
        for what, count in list(counts.items())[:_SHOWN]:
            word = coded[name](what, reader_language()) if name in coded else code_word(what)
            said = safe(_(what) if name in _OF_WORDS else word)
            say(console, f"  {count:>8}  {said}")
        if len(counts) > _SHOWN:
            say(console, "            " + _("and {shown} more: --json has them", shown=len(counts) - _SHOWN))
    say(console, _("Days from admission to the first:"))
    for what, times in document["days_to"].items():
        if times["legs"]:
            numbers = {
                "median": f"{times['median']:g}",
                "p95": f"{times['p95']:g}",
                "legs": counted_legs(times["legs"]),
            }
            say(
                console,
                f"  {_(_FIRST[what]):<9} " + _("median {median}, 95th percentile {p95} ({legs})", **numbers),
            )
        else:
            say(console, f"  {_(_FIRST[what]):<9} " + _("none yet"))
    show_differences(console, document)
    if not document["ok"]:
        say(console, _("The ledger DOES NOT VERIFY: these figures are worth nothing."), style="bold red")
