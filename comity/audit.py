"""`comity audit`: the whole ledger, verified on the reader's own machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from comity import audit_follow, audit_replay, audit_show, audit_statistics, key_audit
from comity.advice import UNVERIFIED
from comity.audit_options import Desk, Keep, Source, Workers, show_differences, span_of
from comity.ledger_sources import progress_bar
from comity.options import HomeDir, Json, TrustFile
from comity.output import local_time, reporting, say
from comity.stamp_roots import StampRoot, read_roots

app = typer.Typer(no_args_is_help=True, help="Verify a whole ledger from outside.")
app.command()(key_audit.keys)
app.command()(audit_replay.replay)
app.command()(audit_statistics.report)
app.command()(audit_show.show)
app.command()(audit_follow.follow)


@app.callback()
def audit() -> None:
    """Verify a whole ledger from outside."""


@app.command()
def verify(
    source: Source,
    receipt: Annotated[
        list[Path] | None, typer.Option(help="A party's receipt (receipt.jws), or a folder of them. Repeat it.")
    ] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint that somebody else was shown. Repeat it.")
    ] = None,
    afresh: Annotated[bool, typer.Option("--afresh", help="Do not go on where a reading was broken off.")] = False,
    stamp_root: StampRoot = None,
    trust: TrustFile = None,
    keep: Keep = None,
    workers: Workers = 2,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Check every signature, tile, entry, key change and decision. Exit code 4 if anything differs.

    A directory needs the trust file alone; an exchange needs the key of an auditor with the full mandate too. Broken
    off, the same command goes on where it stopped. Time-stamps that a directory holds are judged by the root
    certificates of the trust file and of --stamp-root.
    """
    with reporting(json) as output:
        from client.ledger_stamps import judge_stamps

        given = read_roots(stamp_root)
        desk = Desk(source, home, trust, keep)
        elsewhere = desk.elsewhere(receipt, checkpoint)
        with progress_bar(output) as progress:
            ledger = desk.source()
            report = desk.folder.verify_whole(ledger, progress, workers=workers, elsewhere=elsewhere, afresh=afresh)
            if desk.is_copy:
                judge_stamps(ledger, desk.trust, given, report)
        document = report.as_json()
        output.show(document, lambda console: _render(console, document))
        if report.contradicting:
            output.note(f"The signed checkpoints that contradict each other are kept in {desk.folder.folder}.")
        if not report.ok:
            raise typer.Exit(UNVERIFIED)


def _render(console: Any, document: dict[str, Any]) -> None:
    verdict = "verifies" if document["ok"] else "DOES NOT VERIFY"
    style = "green" if document["ok"] else "bold red"
    say(console, f"{document['origin']}: {document['size']} entries, root {document['root']}")
    say(console, f"  cosigned by {', '.join(document['witnesses']) or 'no witness'}")
    if document["first_logged_at"]:
        say(console, f"  logged {span_of(document)}")
    if document["continued_at"]:
        told = f"the first {document['continued_at']} entries were read before the reading was broken off"
        say(console, f"  {told}; --afresh reads them again")
    if document["earlier_size"] is not None:
        say(console, f"  compared with the {document['earlier_size']} entries that were here when it was read before")
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
    stamps = document["time_stamps"]
    if stamps["found"]:
        newest = f", the newest of {local_time(stamps['newest'])}" if stamps["newest"] else ""
        say(console, f"  {stamps['verified']:>8}  of {stamps['found']} time-stamps verified{newest}")
        if not stamps["newest"]:
            say(console, "  no root certificate vouches for them: --stamp-root, or a trust file that names one")
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
    for one in document["promises"]:
        style_of = "bold red" if one["state"] == "broken" else None
        say(console, f"Promise {one['state']}: {one['why']} ({one['receipt']})", style=style_of)
    show_differences(console, document)
    say(console, f"The ledger {verdict}.", style=style)
