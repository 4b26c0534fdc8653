"""`comity audit`: the whole ledger, verified on the reader's own machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from client.audit_workers import WORKERS
from comity import audit_follow, audit_replay, audit_show, audit_statistics, key_audit
from comity.advice import UNVERIFIED
from comity.audit_options import Desk, Keep, Source, Workers, show_differences, show_size, span_of, where_of
from comity.ledger_sources import progress_bar
from comity.options import HomeDir, Json, TrustFile
from comity.output import local_time, reporting, say
from comity.stamp_roots import StampRoot, read_roots
from comity.words import _, _n, reader_language, retold

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
        list[Path] | None, typer.Option(help="A checkpoint or proof bundle that somebody else was shown. Repeat it.")
    ] = None,
    afresh: Annotated[bool, typer.Option("--afresh", help="Do not go on where a reading was broken off.")] = False,
    stamp_root: StampRoot = None,
    trust: TrustFile = None,
    keep: Keep = None,
    workers: Workers = WORKERS,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Check every signature, tile, entry, key change and decision. Exit code 4 if anything differs.

    A directory needs the trust file alone; an exchange needs the key of an auditor with the full mandate too. Broken
    off, the same command goes on where it stopped. Time-stamps that the ledger shows are judged by the root
    certificates of the trust file and of --stamp-root.
    """
    with reporting(json) as output:
        from client.ledger_stamps import judge_stamps

        given = read_roots(stamp_root)
        desk = Desk(source, home, trust, keep)
        elsewhere = desk.elsewhere(receipt, checkpoint)
        ledger = desk.source()  # may ask for a passphrase, which no bar is to write over
        with progress_bar(output) as progress:
            report = desk.folder.verify_whole(ledger, progress, workers=workers, elsewhere=elsewhere, afresh=afresh)
            judge_stamps(ledger, desk.trust, given, report)
        document = report.as_json()
        output.show(document, lambda console: _render(console, document))
        if report.contradicting:
            output.note(
                _("The signed checkpoints that contradict each other are kept in {folder}.", folder=desk.folder.folder)
            )
        if not report.ok:
            raise typer.Exit(UNVERIFIED)


def _render(console: Any, document: dict[str, Any]) -> None:
    from client.entry_words import entry_word, error_word, key_event_words

    style = "green" if document["ok"] else "bold red"
    show_size(console, document)
    say(console, "  " + _("cosigned by {witnesses}", witnesses=", ".join(document["witnesses"]) or _("no witness")))
    if document["first_logged_at"]:
        say(console, "  " + _("logged {span}", span=span_of(document)))
    if document["continued_at"]:
        told = _n(
            "the first entry was read before the reading was broken off; --afresh reads it again",
            "the first {count} entries were read before the reading was broken off; --afresh reads them again",
            document["continued_at"],
        )
        say(console, f"  {told}")
    if document["earlier_size"] is not None:
        told = _n(
            "compared with the entry that was here when it was read before",
            "compared with the {count} entries that were here when it was read before",
            document["earlier_size"],
        )
        say(console, f"  {told}")
    for type_, count in document["leaves"].items():
        say(console, f"  {count:>8}  {entry_word(type_, reader_language())}")
    for code, count in document["rejections"].items():
        say(console, f"  {count:>8}  " + _("rejected: {why}", why=error_word(code, reader_language())))
    say(console, f"  {document['envelope_signatures_verified']:>8}  " + _("envelope signatures verified"))
    if document["rejections_taken_on_trust"]:
        told = _("rejections for sealed parts, not checkable from here")
        say(console, f"  {document['rejections_taken_on_trust']:>8}  {told}")
    stamps = document["time_stamps"]
    if stamps["found"]:
        newest = _(", the newest of {newest}", newest=local_time(stamps["newest"])) if stamps["newest"] else ""
        told = _("of {found} time-stamps verified{newest}", found=stamps["found"], newest=newest)
        say(console, f"  {stamps['verified']:>8}  {told}")
        if not stamps["newest"]:
            say(console, "  " + _("no root certificate vouches for them: --stamp-root, or a trust file that names one"))
    say(console, _("Key changes:"))
    for one in document["key_changes"]:
        place = f"{local_time(one['at'])}, {where_of(one['index'])}"
        told = key_event_words(one["type"], one["party"], reader_language())
        say(console, f"  {one['seq']:>4}  {told}, {place}")
    flagged = [one for one in document["key_changes"] if one["flags"]]
    if flagged or document["doubts"]:
        events = _n("{count} key event", "{count} key events", len(flagged))
        messages = _n("{count} message", "{count} messages", len(document["doubts"]))
        whole = _(
            "{events} and {messages} want an explanation that no ledger can give: comity audit keys",
            events=events,
            messages=messages,
        )
        part = _(
            "No ledger can explain it, and somebody has to: {what} (comity audit keys)",
            what=events if flagged else messages,
        )
        say(console, whole if flagged and document["doubts"] else part, style="bold")
    for one in document["promises"]:
        style_of = "bold red" if one["state"] == "broken" else None
        say(
            console,
            _("Promise {state}: {why} ({file})", state=one["state"], why=retold(one["why"]), file=one["receipt"]),
            style=style_of,
        )
    show_differences(console, document)
    if document["older_copy"]:
        told = _(
            "What this copy holds verifies. It is older than what was read here before: whoever handed it over as the"
            " newest withheld what followed. `comity ledger export` brings it up to date."
        )
        say(console, told, style=style)
        return
    say(console, _("The ledger verifies.") if document["ok"] else _("The ledger DOES NOT VERIFY."), style=style)
