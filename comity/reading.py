"""`comity open`: one message, verified and shown."""

from __future__ import annotations

import json as jsonlib
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.home import find_home, now
from comity.options import HomeDir, Json, Url
from comity.output import local_time, reporting, say
from comity.words import _, code_word, kind_word, reader_language
from comity.written_files import named_documents, write_new_files
from shared.texts.catalogue import SOURCE

if TYPE_CHECKING:
    from client.correspondence import Correspondence
    from client.opening import OpenedMessage
    from shared.domain.instruments import Registry

Message = Annotated[str, typer.Argument(help="Id, or the beginning or end of one.")]


def open_message(
    message: Message,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write the content and the attachments into this directory.")
    ] = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Fetch a message, verify it in full, open it and show its content. Nothing is shown of what does not verify."""
    with reporting(json) as output:
        from client.appointments import appointment_lines
        from client.forms.faults import faults_of
        from client.forwarding import without_keys
        from client.printing.letter import told_content
        from client.use_notes import bases_of, permissions_for, specialities, use_notes

        language = SOURCE if output.as_json else reader_language()
        with find_home(home, url).correspondence() as own:
            opened = own.mailbox.open(find_message(own, message))
            logged_at = own.register.places.logged_at(opened.header.id)
            read = own.register.messages(opened.header.dossier)
            permitted = permissions_for(opened.header, read)
            bases = bases_of(opened.header, read).values()
            rules = specialities(bases, _registry(own), now().astimezone(UTC).date(), language)
        files = [] if out is None else write_new_files(out, _files(opened))
        header = opened.header
        content = without_keys(opened.content)
        document = {
            "message": header.id,
            "dossier": header.dossier,
            "kind": header.kind,
            "sender": header.sender,
            "recipients": list(header.recipients),
            "sent_at": header.sent_at,
            "logged_at": logged_at,
            "urgency": header.urgency,
            "handling": list(header.handling),
            "measures": header.measures,
            "act": header.act,
            "use": list(use_notes(header, content, permitted, language, rules)),
            "appointments": list(appointment_lines(content, language)),
            "content": content,
            "faults": [
                {"path": one.path, "label": one.label(language), "text": one.told(language)}
                for one in faults_of(opened)
            ],
            "attachments": [
                {"part": one.part, "name": one.name, "media_type": one.media_type, "size": len(one.data)}
                for one in opened.attachments
            ],
            "files": [str(file) for file in files],
        }
        lines = [] if output.as_json else list(told_content(opened.header, opened.content, language))
        output.show(document, lambda console: _render_message(console, document, lines))


def _registry(own: Correspondence) -> Registry | None:
    """None where it is not to be had: who withholds or spoils it keeps nobody from reading his letters."""
    from shared.errors import DirectoryUndated, InstrumentsInvalid

    try:
        return own.instruments()
    except (DirectoryUndated, InstrumentsInvalid):
        return None


def _files(opened: OpenedMessage) -> list[tuple[str, bytes]]:
    from client.forwarding import without_keys

    shown = jsonlib.dumps(without_keys(opened.content), ensure_ascii=False, indent=2)
    content = ("content.json", shown.encode())
    documents = [(one.part, one.name, one.data) for one in opened.attachments]
    return [content, *named_documents(documents, [content[0]])]


def find_message(own: Correspondence, fragment: str) -> str:
    from shared.domain.ids import is_uuid7

    return fragment if is_uuid7(fragment) else own.register.find_message(fragment)


def _render_message(console: Any, document: dict[str, Any], content: list[str]) -> None:
    whom, at = ", ".join(document["recipients"]), local_time(document["sent_at"])
    head = _(
        "{kind} from {sender} to {parties}", kind=kind_word(document["kind"]), sender=document["sender"], parties=whom
    )
    say(console, head, style="bold")
    named = {"urgency": code_word(document["urgency"]), "message": document["message"]}
    say(console, _("sent {at}, {urgency}, message {message}", at=at, **named))
    if document["logged_at"] is None:
        told = _(
            "Not in the ledger yet: judged by the keys of now. `comity inbox` asks again, and says if it was wrong."
        )
        say(console, told, style="bold")
    else:
        say(console, _("in the ledger since {at}", at=local_time(document["logged_at"])))
    for line in document["use"]:
        say(console, line, style="bold")
    for line in document["appointments"]:
        say(console, line, style="bold")
    for line in content:
        say(console, line)
    if document["faults"]:
        say(console, _("Not as its form asks; nothing else is wrong with it:"), style="bold")
        for one in document["faults"]:
            say(console, f"  {one['text']}")
    for one in document["attachments"]:
        about = {"name": one["name"], "type": one["media_type"], "size": one["size"]}
        say(console, _("attached: {name} ({type}, {size} bytes)", **about))
    for file in document["files"]:
        say(console, _("written: {file}", file=file))
