"""`comity print`: one message as a letter on paper."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comity.home import find_home, now
from comity.options import HomeDir, Json, PageLanguage, Url
from comity.output import reporting, say
from comity.reading import Message, find_message
from comity.words import _, page_language
from comity.written_files import write_new_file

if TYPE_CHECKING:
    from client.correspondence import Correspondence
    from client.opening import OpenedMessage
    from client.printing.dues import PrintedDue
    from client.printing.letter import Surroundings
    from shared.domain.calendars import Calendars
    from shared.domain.header import Header


def print_message(
    message: Message,
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write: FILE.pdf or FILE.html.")],
    language: PageLanguage = None,
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

        chosen = page_language(language)
        if out.suffix.lower() not in (".pdf", ".html"):
            raise PrintingUnusable(why=f"{out.name} ends neither in .pdf nor in .html")
        with find_home(home, url).correspondence() as own:
            opened = own.mailbox.open(find_message(own, message))
            around = surroundings(own, opened, chosen)
        page = letter_page(letter_of(opened, around, chosen))
        write_new_file(out, pdf_of(page) if out.suffix.lower() == ".pdf" else page.encode())
        document = {"message": opened.header.id, "language": chosen, "file": str(out)}
        output.show(document, lambda console: say(console, _("Written: {file}", file=out), style="green"))


def surroundings(own: Correspondence, opened: OpenedMessage, language: str) -> Surroundings:
    """Names in the language of the page where the directory has them, titles of instruments, both
    sides' numbers."""
    from client.printing.letter import Surroundings
    from client.use_notes import bases_of, permissions_for, specialities
    from shared.domain.instruments import calendars_of

    header, read = opened.header, own.register.messages(opened.header.dossier)
    bases = bases_of(header, read)
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
        numbers=_numbers(own, header),
        logged_at=own.register.places.logged_at(header.id),
        permissions=permissions_for(header, read),
        bases=bases,
        specialities=specialities(bases.values(), registry, now().astimezone(UTC).date(), language),
        dues=_dues(own, header, calendars_of(registry)),
    )


def _dues(own: Correspondence, header: Header, calendars: Calendars) -> tuple[PrintedDue, ...]:
    """Nothing for a message that never went over the exchange."""
    from client.printing.dues import dues_of
    from shared.errors import NotThere

    try:
        legs = own.read_legs(own.exchange.dossier(header.dossier))
    except NotThere:
        return ()
    return dues_of(legs, header.id, calendars)


def _numbers(own: Correspondence, header: Header) -> tuple[str | None, str | None]:
    """The file numbers of sender and addressee, as the newest messages of this leg say them."""
    if header.leg is None and len(header.recipients) > 1:
        return None, None  # each leg has its own
    leg = header.leg or header.recipients[0]
    ours, theirs = own.mailbox.casebook.file_numbers(header.dossier, leg)
    return (ours, theirs) if header.sender == own.keys.authority else (theirs, ours)
