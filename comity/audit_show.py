"""`comity audit show`: the entries of a ledger, found by party, time and kind, page by page, and each in words."""

from __future__ import annotations

import json as jsonlib
import sys
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from client.audit_workers import WORKERS
from comity.audit_options import Desk, Keep, Source, Workers, safe
from comity.ledger_sources import progress_bar
from comity.options import HomeDir, Json, TrustFile
from comity.output import console as console_of
from comity.output import local_time, reporting, say
from comity.words import _, _n, reader_language
from shared.errors import ComityError
from shared.texts.catalogue import SOURCE

if TYPE_CHECKING:
    from rich.console import Console

    from client.audit_browse import Browser, ShownEntry
    from client.audit_file import AuditFile
    from client.audit_index import Search
    from comity.output import Output


def show(
    source: Source,
    entry: Annotated[int | None, typer.Argument(min=0, help="Number of one entry, to have it explained.")] = None,
    party: Annotated[str | None, typer.Option(help="Who is named in it, such as FR.BEPI.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="Type of entry or its beginning (evidence), or kind of message (refuse).")
    ] = None,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From this day on.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Up to the end of this day.")] = None,
    about: Annotated[
        str | None, typer.Option(help="A message or dossier: number, id, or the beginning or end of an id.")
    ] = None,
    page: Annotated[int, typer.Option(min=1, help="Which page, the newest entries first.")] = 1,
    per_page: Annotated[int, typer.Option(min=1, max=1000, help="Entries on a page.")] = 25,
    trust: TrustFile = None,
    keep: Keep = None,
    workers: Workers = WORKERS,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Browse the ledger. What is new is read and verified first; each entry that is shown is proved to stand in it.

    In a terminal: Enter for the next page, a number for an entry in words, q to end.
    """
    with reporting(json) as output:
        from client.audit_browse import Browser
        from client.audit_index import Search

        desk = Desk(source, home, trust, keep)
        reading = desk.source()
        with ExitStack() as closing:
            with progress_bar(output) as progress:
                latest = desk.folder.brought_up_to_date(reading, progress, workers=workers)
                report, file = closing.enter_context(latest)
            browser = Browser(reading, file)
            report.require_newest()
            if not report.ok:
                output.note(_("This ledger DOES NOT VERIFY: `comity audit verify` says why."))
            if entry is not None:
                document = _explained(browser, file, entry, _language(output))
                output.show(document, lambda console: _render_one(console, document))
                return
            named = dict([browser.find(about)]) if about is not None else {}
            search = Search(
                party=party,
                kind=kind,
                since=None if since is None else since.astimezone(),
                until=None if until is None else (until + timedelta(days=1)).astimezone(),
                message=named.get("message"),
                dossier=named.get("dossier"),
            )
            _browse(output, browser, file, search, page, per_page)


def _browse(output: Output, browser: Browser, file: AuditFile, search: Search, page: int, per_page: int) -> None:
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty() and not output.as_json
    while True:
        found = browser.page(search, page, per_page)
        pages = max(1, -(-found.total // per_page))
        document = {
            "size": browser.size,
            "found": found.total,
            "page": page,
            "pages": pages,
            "entries": [_line(one, _language(output)) for one in found.entries],
        }
        output.show(document, lambda console, shown=document: _render(console, shown))  # type: ignore[misc]
        if not is_terminal:
            return
        next_page = _ask(output, browser, file, page, pages)
        if next_page is None:
            return
        page = next_page


def _ask(output: Output, browser: Browser, file: AuditFile, page: int, pages: int) -> int | None:
    """The page that the reader wants next; None to end."""
    while True:
        wish = typer.prompt(_("Enter: next page, number: that entry, q: end"), default="", show_default=False).strip()
        if wish.isascii() and wish.isdigit():
            try:
                _render_one(console_of(), _explained(browser, file, int(wish), _language(output)))
            except ComityError as refused:
                output.error(refused)
        elif wish or page >= pages:
            return None
        else:
            return page + 1


def _language(output: Output) -> str:
    """Programs read English, and codes."""
    return SOURCE if output.as_json else reader_language()


def _line(one: ShownEntry, language: str) -> dict[str, Any]:
    from client.audit_words import headline
    from shared.domain.ids import encode_time

    logged = one.logged
    return {
        "index": logged.index,
        "logged_at": encode_time(logged.logged_at),
        "type": logged.leaf.type,
        "words": headline(one, language),
    }


def _explained(browser: Browser, file: AuditFile, place: int, language: str) -> dict[str, Any]:
    from client.audit_words import explain
    from shared.domain.ids import encode_time

    one = browser.entry(place)
    return {
        **_line(one, language),
        "at": encode_time(one.logged.leaf.at),
        "explained": explain(one, file.memory, language),
        "leaf": dict(one.logged.leaf.fields),
    }


def _render(console: Console, document: dict[str, Any]) -> None:
    for one in document["entries"]:
        say(console, f"{one['index']:>8}  {local_time(one['logged_at'])}  {safe(one['words'])}")
    told = _n(
        "{count} entry of {size}, page {page} of {pages}",
        "{count} entries of {size}, page {page} of {pages}",
        document["found"],
        size=document["size"],
        page=document["page"],
        pages=document["pages"],
    )
    more = (
        _("; --page {page} shows older ones", page=document["page"] + 1) if document["page"] < document["pages"] else ""
    )
    say(console, f"{told}{more}", style="bold")


def _render_one(console: Console, document: dict[str, Any]) -> None:
    from client.entry_words import entry_word, field_word

    language = reader_language()
    said = entry_word(document["type"], language)
    say(console, _("Entry {index}, {type}", index=document["index"], type=said), style="bold")
    say(
        console,
        "  "
        + _(
            "logged {logged_at}, dated {at} by its writer",
            logged_at=local_time(document["logged_at"]),
            at=local_time(document["at"]),
        ),
    )
    for sentence in document["explained"]:
        say(console, f"  {safe(sentence)}")
    for name, value in document["leaf"].items():
        if name not in ("jws", "event", "document"):
            told = value if isinstance(value, str) else jsonlib.dumps(value, ensure_ascii=False)
            say(console, f"    {field_word(name, language)}  {safe(told)}", style="dim")
