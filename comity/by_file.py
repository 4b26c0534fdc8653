"""`comity export` and `comity import`: a dossier by file, to and from a court that is not connected."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.home import find_home
from comity.options import HomeDir, Json, Url
from comity.output import reporting, say
from comity.printing import surroundings
from comity.send import Anyway, Despite, DraftBy, Patience, Wait, attachments, send_or_draft
from comity.words import _, page_language, refusal, told_refusal
from comity.written_files import named_documents, write_new_files

if TYPE_CHECKING:
    from client.by_file import AnswerFile
    from client.correspondence import Correspondence
    from client.opening import OpenedMessage
    from shared.domain.leg import Leg


def export_dossier(
    dossier: Annotated[str, typer.Argument(help="Number, id, or the beginning or end of an id.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="A new folder.")],
    leg: Annotated[
        str | None, typer.Option(help="The requested authority, where the dossier has several legs.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="en, fr, ar or es: the words of the letters.")] = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Write one leg into a folder: each message as a letter, its content, its attachments; and a file to answer with.

    The folder is in clear. Whoever carries it to the court is answerable for it.
    """
    with reporting(json) as output:
        from client.by_file import ANSWER_FILE
        from shared.errors import RequestFileInvalid

        chosen = page_language(language)
        if out.exists():
            raise RequestFileInvalid(file=out, why="it exists already; name a new folder")
        with find_home(home, url).correspondence() as own:
            found = own.find_dossier(dossier)
            state = own.leg(found, leg)
            answer = _answer(own, state)  # before anything more can come in that is not in the folder
            opened, refused = _opened(own, state)
            write_new_files(out, ())  # closed to others before anything lies in it
            for at, one in enumerate(opened, start=1):
                folder = out / f"{at:02}-{one.header.kind}-{one.header.sender}"
                write_new_files(folder, _files(own, one, chosen))
            about = {**_told(own, state, opened), "not_opened": refused}
            write_new_files(out, [("dossier.json", _text(about)), (ANSWER_FILE, _text(answer))])
        document = {"folder": str(out), "messages": len(opened), "answer": str(out / ANSWER_FILE)}
        for left in refused:
            gaps = {"message": left["message"], "sender": left["sender"], "why": told_refusal(left)}
            output.note(_("{message} of {sender} is not in it: {why}", **gaps))

        def render(console: Any) -> None:
            say(
                console,
                _("{opened} messages are in {out}, in clear: mind who gets the folder.", opened=len(opened), out=out),
            )
            say(
                console, _("The answer goes into {answer_file}; comity import reads it.", answer_file=out / ANSWER_FILE)
            )

        output.show(document, render)


def import_answer(
    answer: Annotated[Path, typer.Argument(help="The answer.json that came back, its attachments beside it.")],
    anyway: Anyway = False,
    despite: Despite = None,
    draft_by: DraftBy = None,
    wait: Wait = True,
    patience: Patience = 60.0,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Check an answer that came by file, seal, sign and send it in your name, naming the court that gave it."""
    with reporting(json) as output:
        from client.by_file import load_answer

        place = find_home(home, url)
        written, files = load_answer(answer)
        with place.correspondence() as own:
            state = own.leg(written.dossier, written.leg)
            check_read(own, written, state, anyway)
            wish = written.wish(state, despite)
            composed = own.compose_reply(state.dossier, wish, state.requested, written.in_reply_to)
            send_or_draft(own, composed, attachments(files), draft_by, place, output, wait, patience)


def check_read(own: Correspondence, written: AnswerFile, leg: Leg, anyway: bool) -> None:
    """Raises AnswerOutdated for an answer to a state that is past, unless its sender says that he knows."""
    from shared.errors import AnswerOutdated

    if own.register.seen(leg.dossier, leg.requested) != written.seen and not anyway:
        raise AnswerOutdated(number=written.number)


def _opened(own: Correspondence, leg: Leg) -> tuple[list[OpenedMessage], list[dict[str, Any]]]:
    """The leg's messages; one that does not open is named, and keeps nobody from reading the others."""
    from shared.errors import Rejection

    opened, refused = [], []
    for one in own.register.messages(leg.dossier):
        if one.leg in (None, leg.requested) and one.state in ("accepted", "received"):
            try:
                opened.append(own.mailbox.open(one.message))
            except Rejection as error:
                named = {"message": one.message, "kind": one.kind, "sender": one.sender}
                refused.append({**named, **refusal(error)})
    return opened, refused


def _answer(own: Correspondence, leg: Leg) -> dict[str, Any]:
    """The file that the court fills in."""
    from shared.domain.dossier import possible_kinds
    from shared.domain.reference import encode_number

    return {
        "v": "comity-answer/1",
        "number": encode_number(leg.dossier, leg.requesting[:2]),
        "dossier": leg.dossier,
        "leg": leg.requested,
        "seen": own.register.seen(leg.dossier, leg.requested),
        "in_reply_to": leg.original,
        "kind": "",
        "possible": sorted(possible_kinds(leg, own.keys.authority)),
        "measures": [],
        "act": {},
        "content": {},
        "answered_by": "",
        "attachments": [],
    }


def _told(own: Correspondence, leg: Leg, opened: list[OpenedMessage]) -> dict[str, Any]:
    ours, theirs = own.mailbox.casebook.file_numbers(leg.dossier, leg.requested)
    return {
        "dossier": leg.dossier,
        "requesting": leg.requesting,
        "requested": leg.requested,
        "our_file": ours,
        "their_file": theirs,
        "basis": leg.basis.model_dump(mode="json"),
        "measures": {one.id: {"type": one.type, "state": one.state} for one in leg.measures},
        "messages": [
            {"message": one.header.id, "kind": one.header.kind, "sender": one.header.sender, "sent": one.header.sent_at}
            for one in opened
        ],
    }


def _files(own: Correspondence, opened: OpenedMessage, language: str) -> list[tuple[str, bytes]]:
    from client.forwarding import without_keys
    from client.printing.letter import letter_of
    from client.printing.page import letter_page

    letter = letter_page(letter_of(opened, surroundings(own, opened, language), language))
    header = opened.header
    said = {"kind": header.kind, "act": header.act, "measures": header.measures, "urgency": header.urgency}
    content = {**said, "handling": list(header.handling), "content": without_keys(opened.content)}
    own_files = [("letter.html", letter.encode()), ("content.json", _text(content))]
    return [
        *own_files,
        *named_documents([(one.part, one.name, one.data) for one in opened.attachments], dict(own_files)),
    ]


def _text(document: dict[str, Any]) -> bytes:
    return (jsonlib.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()
