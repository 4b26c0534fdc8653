"""`comity print`: one message as a letter on paper."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from comity.home import find_home
from comity.options import HomeDir, Json, Url
from comity.output import reporting, say
from comity.reading import Message, find_message
from comity.words import _, reader_language
from comity.written_files import write_new_file

if TYPE_CHECKING:
    from client.correspondence import Correspondence
    from client.opening import OpenedMessage
    from client.printing.letter import Surroundings
    from client.register_rows import Kept

MOST_OPENED: Final = 20
"""Messages of a dossier in which the other side's file number is looked for, the newest first."""


def print_message(
    message: Message,
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write: FILE.pdf or FILE.html.")],
    language: Annotated[
        str | None, typer.Option(help="en, fr, ar or es: the words of the page; else COMITY_LANGUAGE.")
    ] = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Verify and open a message, and write it as a letter. What somebody wrote in it stays in its own language."""
    with reporting(json) as output:
        from client.printing.letter import letter_of
        from client.printing.page import letter_page
        from client.printing.pdf import pdf_of
        from shared.errors import PrintingUnusable
        from shared.texts.catalogue import LANGUAGES

        chosen = language or reader_language()
        if chosen not in LANGUAGES:
            raise PrintingUnusable(why=f"there are no words in {chosen}; there are {', '.join(LANGUAGES)}")
        if out.suffix.lower() not in (".pdf", ".html"):
            raise PrintingUnusable(why=f"{out.name} ends neither in .pdf nor in .html")
        with find_home(home, url).correspondence() as own:
            opened = own.mailbox.open(find_message(own, message))
            around = _surroundings(own, opened, chosen)
        page = letter_page(letter_of(opened, around, chosen))
        write_new_file(out, pdf_of(page) if out.suffix.lower() == ".pdf" else page.encode())
        document = {"message": opened.header.id, "language": chosen, "file": str(out)}
        output.show(document, lambda console: say(console, _("Written: {file}", file=out), style="green"))


def _surroundings(own: Correspondence, opened: OpenedMessage, language: str) -> Surroundings:
    """Names in the language of the page where the directory has them, titles of instruments, the other side's
    number."""
    from client.printing.letter import Surroundings

    header = opened.header
    names = {}
    for party in {header.sender, *header.recipients}:
        known = own.directory().latest.party(party)
        if known is not None:
            names[party] = known.name.languages.get(language, known.name.official)
    registry = own.instruments()
    return Surroundings(
        names=names,
        titles={entry.code: entry.title for entry in registry.instruments} if registry else {},
        dossier_opened_by=own.register.dossiers().get(header.dossier, header.sender),
        their_number=_their_number(own, opened),
        logged_at=own.register.places.logged_at(header.id),
    )


def _their_number(own: Correspondence, opened: OpenedMessage) -> str | None:
    """The file number that the other side gave last on this leg, as far as it was read here."""
    from shared.errors import ComityError

    header = opened.header
    if header.leg is None and len(header.recipients) > 1:
        return None  # each leg has its own

    def is_theirs(one: Kept) -> bool:
        read = one.opened_at is not None or one.sender == own.keys.authority
        return read and one.sender != header.sender and (header.leg is None or one.leg in (None, header.leg))

    theirs = [one for one in own.register.messages(header.dossier) if is_theirs(one)]
    for one in reversed(theirs[-MOST_OPENED:]):
        with suppress(ComityError):  # pruned since, or sealed to a key that was destroyed
            number = own.mailbox.open(one.message).content.get("file_number")
            if isinstance(number, str) and number.strip():
                return number
    return None
