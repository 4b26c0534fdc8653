"""`comity send`: open a dossier."""

from __future__ import annotations

import mimetypes
import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.advice import REFUSED
from comity.home import Home, find_home
from comity.options import HomeDir, Json, Url, authority_id
from comity.output import Output, local_time, reporting, say
from comity.words import _, kind_word, reader_language, told_refusal

if TYPE_CHECKING:
    from client.composition import Composed
    from client.correspondence import Correspondence
    from client.request_file import RequestFile
    from client.sealing import Attachment
    from shared.domain.admissibility import Flag

Attach = Annotated[
    list[Path] | None, typer.Option("--attach", help="A file to seal with the message; may be repeated.")
]
Despite = Annotated[
    str | None,
    typer.Option("--despite", help="Why it goes though something speaks against it; sealed with the message."),
]
DraftBy = Annotated[
    Path | None,
    typer.Option("--draft-by", help="Do not send: keep it for the desk, drafted by the officer with this key file."),
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the exchange's decision.")]
Patience = Annotated[float, typer.Option("--patience", help="Seconds to wait for the decision.")]


Anyway = Annotated[
    bool, typer.Option("--anyway", help="Send it though something came in since the files were written.")
]


def send(
    request: Annotated[
        Path, typer.Argument(help="The request, or the answer that `comity new` wrote; see docs/guide/authority.md.")
    ],
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to", help="A requested authority, or a country (BE): the one that the instrument names. Repeat it."
        ),
    ] = None,
    instrument: Annotated[
        str | None, typer.Option(help="Instrument or group of the registry, or reciprocity; else the file's.")
    ] = None,
    despite: Despite = None,
    anyway: Anyway = False,
    draft_by: DraftBy = None,
    attach: Attach = None,
    wait: Wait = True,
    patience: Patience = 60.0,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Check a request or an answer field by field, seal it to its recipients, sign it and send it. A request opens a
    dossier; an answer goes to the parties of its leg."""
    recipients = [one if re.fullmatch("[A-Z]{2}", one) else authority_id(one) for one in dict.fromkeys(to or ())]
    with reporting(json) as output:
        from client.by_file import is_answer
        from client.request_file import load_json, load_request

        place = find_home(home, url)
        if is_answer(load_json(request)):
            if recipients or instrument is not None:
                raise typer.BadParameter(_("An answer goes to the parties of its leg: no --to, no --instrument."))
            composed_by = partial(_compose_answer, request, despite=despite, anyway=anyway, named=attach or [])
        else:
            if not recipients:
                raise typer.BadParameter(_("Name with --to who is asked: an authority, or a country."))
            written = load_request(request).despite(despite)
            composed_by = partial(_compose_request, written, recipients, instrument, attach or [])
        with place.correspondence() as own:
            composed, files = composed_by(own)
            send_or_draft(own, composed, files, draft_by, place, output, wait, patience)


def _compose_request(
    written: RequestFile, recipients: list[str], instrument: str | None, named: list[Path], own: Correspondence
) -> tuple[Composed, list[Attachment]]:
    return own.compose_request(written, recipients, instrument), attachments(named)


def _compose_answer(
    file: Path, own: Correspondence, *, despite: str | None, anyway: bool, named: list[Path]
) -> tuple[Composed, list[Attachment]]:
    """As `comity reply` composes it. Raises AnswerOutdated, and what `Correspondence.compose_reply` raises."""
    from client.by_file import load_own_answer
    from comity.by_file import check_read
    from comity.new_answer import own_wish
    from shared.domain.profiles import kind_of

    written, beside = load_own_answer(file)
    leg = own.leg(written.dossier, written.leg)
    check_read(own, written, leg, anyway)
    wish = own_wish(own, written.wish(leg, despite))
    composed = own.compose_reply(leg.dossier, wish, leg.requested, written.in_reply_to)
    files = attachments([*beside, *named])
    renews = kind_of(leg.profile, wish.kind).renews
    return composed, files or (own.sent_before(leg)[1] if renews else [])


def attachments(paths: list[Path]) -> list[Attachment]:
    """The files, read whole. Raises RequestFileInvalid."""
    from client.request_file import read_given
    from client.sealing import Attachment

    found = []
    for path in paths:
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        found.append(Attachment(path.name, media_type.lower(), read_given(path)))
    return found


def send_or_draft(
    own: Correspondence,
    composed: Composed,
    files: list[Attachment],
    draft_by: Path | None,
    place: Home,
    output: Output,
    wait: bool,
    patience_s: float,
) -> None:
    """Send, or keep it for the desk."""
    if draft_by is None:
        seal_and_send(own, composed, files, wait, patience_s, output)
        return
    from comity.desk_drafts import keep_draft

    keep_draft(own, composed, files, draft_by, place, output)


def tell_doubts(composed: Composed, output: Output) -> None:
    """What the registry warns of, and what the form does not know."""
    tell_flags(composed.flags, output)
    for member in composed.unknown:
        meant = " " + _("Is {name} meant?", name=member.meant) if member.meant else ""
        told = _("Note: the form has no field {name}; it is sealed and sent as it is.", name=member.name)
        output.note(f"{told}{meant}")


def tell_flags(flags: tuple[Flag, ...], output: Output) -> None:
    """What the registry warns of."""
    from client.flag_words import told_flag

    for flag in flags:
        output.note(_("Note: {text}", text=told_flag(flag, reader_language())))


def shown_flag(flag: Flag) -> dict[str, Any]:
    """As programs read it."""
    return {"code": flag.code, "text": flag.text, "measures": list(flag.measures)}


def _ask_again(own: Correspondence, composed: Composed, files: list[Attachment], output: Output) -> None:
    """Before the same letter opens a second dossier. Raises typer.Exit(1) when a person says no."""
    from client.sent_twice import twin_of
    from shared.domain.reference import encode_number

    twin = twin_of(own.register, composed, files)
    if twin is None:
        return
    gaps = {"number": encode_number(twin.dossier, twin.sender[:2]), "at": local_time(twin.recorded_at)}
    output.note(_("Note: the same letter was sealed here {at} already, as {number}.", **gaps))
    if _is_terminal() and not output.as_json and not typer.confirm(_("Open another dossier with it?"), err=True):
        output.note(
            _("Nothing was sent. What is stored `comity inbox` sends; `comity show {number}` shows it.", **gaps)
        )
        raise typer.Exit(REFUSED)


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def seal_and_send(
    own: Correspondence, composed: Composed, files: list[Attachment], wait: bool, patience_s: float, output: Output
) -> None:
    """Store, send, wait, and tell. Raises typer.Exit(1) when the exchange rejected the message."""
    from shared.domain.reference import encode_number
    from shared.errors import Transient

    header = composed.header
    tell_doubts(composed, output)
    _ask_again(own, composed, files, output)
    message = own.seal_and_store(composed, files)
    requesting = own.register.dossiers().get(header.dossier, header.sender)
    number = encode_number(header.dossier, requesting[:2])
    try:
        decision = own.outbox.send(message)
        if decision is None and wait:
            decision = own.outbox.await_decision(message, patience_s)
    except Transient:
        told = _("Sealed and stored, in {number}: do not write it again, `comity inbox` sends it.", number=number)
        output.note(told)
        raise
    document: dict[str, Any] = {
        "message": message,
        "dossier": header.dossier,
        "number": number,
        "kind": header.kind,
        "recipients": list(header.recipients),
        "measures": header.measures,
        "decision": "pending" if decision is None else decision.decision,
        "code": decision.code if decision else None,
        "sentence": decision.sentence if decision else None,
        "facts": dict(decision.facts) if decision else {},
        "decided_at": decision.decided_at if decision else None,
        "receipt": own.register.receipt(message),
        "flags": [shown_flag(one) for one in composed.flags],
    }
    output.show(document, lambda console: _render(console, document))
    if document["decision"] == "rejected":
        raise typer.Exit(REFUSED)


def _render(console: Any, document: dict[str, Any]) -> None:
    from client.problems import error_by_code
    from comity.advice import advice_for

    whom = ", ".join(document["recipients"])
    say(console, f"{document['number']} · " + _("{kind} to {parties}", kind=kind_word(document["kind"]), parties=whom))
    ids = _("message {message}, dossier {dossier}", message=document["message"], dossier=document["dossier"])
    say(console, f"  {ids}")
    match document["decision"]:
        case "accepted":
            say(console, "  " + _("accepted {at}", at=local_time(document["decided_at"])), style="green")
        case "pending":
            pending = _("sent; the exchange holds it and will decide. `comity inbox` shows the decision.")
            say(console, f"  {pending}")
        case _:
            say(console, "  " + _("rejected: {why}", why=told_refusal(document)), style="bold red")
            advice = advice_for(error_by_code(document["code"], document["sentence"] or "", document["facts"]))
            if advice:
                say(console, f"  {_(advice)}")
