"""`comity audit keys`: every change of a key in words, and those that nobody but a person can explain."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from comity.advice import UNVERIFIED
from comity.audit_options import show_difference, show_size
from comity.home import find_home, now
from comity.ledger_sources import open_source, progress_bar
from comity.options import HomeDir, Json, TrustFile
from comity.output import local_time, reporting, say
from comity.words import _, _n, retold
from shared.texts.catalogue import mark

if TYPE_CHECKING:
    from client.audit_keys import FalseStatement, ShownEvent
    from client.audit_report import AuditReport, KeyChange
    from client.explained_events import ExplainedEvents

_FLAGS: Final = {
    "enrolled": mark("the operators say that it is this party: ask it in person, and compare (comity keys compare)"),
    "recovered": mark("ask the party in person whether these keys are its own"),
    "dated-elsewhere": mark("it was logged more than a day from its date"),
    "signed-when-compromised": mark("whoever signed it need not be the party: its keys were in other hands by then"),
}


def keys(
    source: Annotated[str, typer.Argument(help="Address of an exchange, or directory of an exported ledger.")],
    explained: Annotated[
        list[int] | None, typer.Option(help="Number of a flagged event that was explained to you. Repeat it.")
    ] = None,
    because: Annotated[
        str | None, typer.Option(help="How those of --explained were: kept for every later audit with this home.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="What somebody was shown or told: unexplained-directory.json, withheld-key-events.json of its home."
        ),
    ] = None,
    trust: TrustFile = None,
    workers: Annotated[int, typer.Option(help="Processes that check signatures.")] = 2,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Verify the whole ledger, and list every key event in words. Exit code 4 if one is flagged and not explained.

    Flagged is what verifies and may still be wrong: an enrolment and a recovery, for which operators alone vouch, a
    date far from its place, a signature by keys that were in other hands, and with --against an event that is not in
    the ledger at all, or a signed statement about the newest event that the ledger contradicts. --explained counts for
    this audit; with --because it is kept (explained-key-events.json).
    """
    with reporting(json) as output:
        from client.audit_keys import unexplained, words_of
        from client.auditor import verify_ledger
        from client.explained_events import EXPLAINED_FILE, ExplainedEvents

        place = find_home(home)
        believed = place.trust(trust)
        ledger = open_source(source, place, believed)  # may ask for a passphrase, which no bar is to write over
        with progress_bar(output) as progress:
            report = verify_ledger(ledger, believed, progress, workers=workers)
        kept = ExplainedEvents(place.path / EXPLAINED_FILE)
        if because is not None:
            _keep(kept, report, explained or [], because)
        open_flags = unexplained(report.key_changes, explained or [], kept.read())
        foreign, false = ([], []) if against is None else _held_against(against, report, believed)
        events = [{**_document(one), "words": words_of(one)} for one in report.key_changes]
        verified = report.as_json()
        document = {
            "ok": report.ok and not open_flags and not foreign and not false,
            "ledger_ok": report.ok,
            "origin": report.origin,
            "size": report.size,
            "root": report.root,
            "events": events,
            "unexplained": [one.seq for one in open_flags],
            "not_in_the_ledger": [_shown(one) for one in foreign],
            "false_statements": [_false(one) for one in false],
            "doubts": verified["doubts"],
            "differences": verified["differences"],
        }
        output.show(document, lambda console: _render(console, document))
        if not document["ok"]:
            raise typer.Exit(UNVERIFIED)


def _keep(kept: ExplainedEvents, report: AuditReport, numbers: list[int], because: str) -> None:
    """Raises RequestFileInvalid, where nothing can be kept: the ledger does not verify, or has no such flag."""
    from client.explained_events import MAX_WHY, Explanation
    from shared.domain.ids import encode_time
    from shared.errors import RequestFileInvalid

    flagged = {one.seq: one for one in report.key_changes if one.flags}
    strange = [number for number in numbers if number not in flagged]
    why = None
    if not report.ok:
        why = "nothing is explained of a ledger that does not verify"
    elif strange or not numbers:
        why = f"no flagged event has the number {strange[0]}" if strange else "--because goes with --explained NUMBER"
    elif not because.strip() or len(because) > MAX_WHY:
        why = f"a reason has 1 to {MAX_WHY} characters"
    if why is not None:
        raise RequestFileInvalid(file=kept.path, why=why)
    at = encode_time(now())
    found = [flagged[number] for number in numbers]
    kept.add(*(Explanation(digest=one.digest, seq=one.seq, party=one.party, at=at, why=because) for one in found))


def _held_against(file: Path, report: Any, trust: Any) -> tuple[list[ShownEvent], list[FalseStatement]]:
    """What somebody kept of what the exchange showed and stated. Raises RequestFileInvalid."""
    from client.audit_keys import events_not_in_the_ledger, false_statements
    from shared.errors import RequestFileInvalid

    try:
        kept = jsonlib.loads(file.read_text(encoding="utf-8"))
        events, statements = ([str(one) for one in kept.get(name, [])] for name in ("events", "statements"))
        if not events and not statements:
            raise ValueError
        return events_not_in_the_ledger(events, report, trust), false_statements(statements, report, trust)
    except OSError as broken:
        raise RequestFileInvalid(file=file, why=broken.strerror) from None
    except (ValueError, TypeError, AttributeError):
        why = "it holds no signed key events and no signed statements of this exchange"
        raise RequestFileInvalid(file=file, why=why) from None


def _document(change: KeyChange) -> dict[str, Any]:
    from shared.domain.ids import encode_time

    return {
        "seq": change.seq,
        "type": change.type,
        "party": change.party,
        "at": encode_time(change.at),
        "index": change.index,
        "logged_at": encode_time(change.logged_at),
        "kids": list(change.kids),
        "signers": list(change.signers),
        "flags": list(change.flags),
    }


def _shown(one: ShownEvent) -> dict[str, Any]:
    return {
        "seq": one.seq,
        "type": one.type,
        "party": one.party,
        "signers": list(one.signers),
        "proves_two_stories": one.is_proof,
    }


def _false(one: FalseStatement) -> dict[str, Any]:
    from shared.domain.ids import encode_time

    return {"at": encode_time(one.at), "what": one.what, "index": one.index, "why": one.why}


def _render(console: Any, document: dict[str, Any]) -> None:
    from comity.fingerprints import fingerprint

    show_size(console, document)
    for one in document["events"]:
        is_open = one["seq"] in document["unexplained"]
        say(
            console,
            "  "
            + _(
                "{seq:>4}  {logged_at}, entry {index}: {words}",
                seq=one["seq"],
                logged_at=local_time(one["logged_at"]),
                index=one["index"],
                words=retold(one["words"]),
            ),
        )
        for kid in one["kids"]:
            say(console, f"          {fingerprint(kid)}")
        for flag in one["flags"]:
            told = f"        {flag.upper()}: {_(_FLAGS[flag])}"
            if not is_open:
                told = _("{flag} (explained)", flag=told)
            say(console, told, style="bold red" if is_open else None)
    for one in document["not_in_the_ledger"]:
        told = _(
            "{type} of {party}, shown as key event {seq}, signed by {signers}",
            type=one["type"],
            party=one["party"],
            seq=one["seq"],
            signers=", ".join(one["signers"]),
        )
        say(console, _("NOT IN THE LEDGER") + f"  {told}", style="bold red")
        if one["proves_two_stories"]:
            say(
                console,
                "  " + _("A quorum of the operators signed it: this document proves it. Keep it."),
                style="bold red",
            )
    for one in document["false_statements"]:
        told = _(
            "the exchange signed at {at} that {what} {index} was its newest, and {why}.",
            at=local_time(one["at"]),
            what=retold(one["what"]),
            index=one["index"],
            why=retold(one["why"]),
        )
        say(console, _("FALSE STATEMENT") + f"  {told}", style="bold red")
        say(
            console, "  " + _("Its own signature proves it, together with the ledger. Keep the file."), style="bold red"
        )
    for one in document["doubts"]:
        say(
            console,
            _(
                "DOUBTED  entry {index}: message {message}, signed by {kid} in other hands",
                index=one["index"],
                message=one["message"],
                kid=one["kid"],
            ),
        )
    for one in document["differences"]:
        show_difference(console, one)
    open_flags = len(document["unexplained"]) + len(document["not_in_the_ledger"])
    if document["ok"]:
        say(console, _("Every key event is explained by its signatures, or was explained to you."), style="green")
        return
    if open_flags:
        told = _n(
            "{count} key event wants an explanation: ask its party by a road that you know from before.",
            "{count} key events want an explanation: ask their party by a road that you know from before.",
            open_flags,
        )
        say(console, told, style="bold red")
        say(console, _("Then name each that was explained: --explained NUMBER --because REASON"))
