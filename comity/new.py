"""`comity new`: write a request or an answer step by step. It ends in a file that `comity send` takes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.draft_questions import questions
from comity.home import Home, find_home, now
from comity.new_answer import begin_answer, check_draft_name, choose_draft, rehearse
from comity.options import HomeDir, Json, Url
from comity.output import reporting, say
from comity.words import _, _n, reader_language, told
from shared.texts.catalogue import SOURCE

if TYPE_CHECKING:
    from client.forms.draft import Draft
    from comity.asking import Asker


Rehearse = Callable[[], None]


def new(
    what: Annotated[
        str,
        typer.Argument(
            help="A request: mla-request, preservation, police-request or spontaneous. With --dossier the kind of an "
            "answer: accept, refuse, ask-information …"
        ),
    ],
    dossier: Annotated[str | None, typer.Option(help="The dossier in which an answer is written.")] = None,
    leg: Annotated[
        str | None, typer.Option(help="The requested authority, where the dossier has several legs.")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="A dossier of your own that this one is related to.")
    ] = None,
    relation: Annotated[
        str | None, typer.Option(help="How: supplementary, preservation, extradition, joint-team, notice.")
    ] = None,
    draft: Annotated[str | None, typer.Option(help="Name of the draft: go on with it, or begin it.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The file to write.")] = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Write a request or an answer step by step: the draft is kept after each answer, gone on with, and shows what is
    missing."""
    _refuse_mixed(what, dossier, leg, from_, relation)
    with reporting(json) as output, ExitStack() as open_:
        from client.forms.code_words import CODE_WORDS
        from comity.asking import Asker, Stopped

        place = find_home(home, url)
        asker = Asker(CODE_WORDS)
        written: Path | None = None
        opened: Draft | None = None
        rehearsed: Rehearse = lambda: None  # noqa: E731 - nothing to try of a request, whose recipients are not known
        try:
            if dossier is None:
                opened = _draft(asker, place, what, draft, from_, relation)
            else:
                own = open_.enter_context(place.correspondence())
                answer = begin_answer(asker, own, place.path / "drafts", what, dossier, leg, draft)
                opened, rehearsed = answer, partial(rehearse, asker, own, answer)
            asker.tell(_("A draft is kept after each answer: {file}", file=opened.file))
            asker.tell(_("Enter alone leaves a field as it is, - empties it, ! stops."))
            for position in range(len(list(questions(opened)))):
                question = list(questions(opened))[position]
                if question.at_first and question.known in (None, "", [], {}):
                    asker.ask(question.field, question.known, question.keep)
            written = _choose(asker, opened, out, rehearsed)
        except Stopped:
            asker.tell("")
        language = SOURCE if json else reader_language()
        document = {
            "draft": None if opened is None or written is not None else str(opened.file),
            "file": None if written is None else str(written),
            "missing": [] if opened is None else [fault.told(language) for fault in opened.faults()],
        }
        go_on = [what] if dossier is None else [what, "--dossier", dossier]
        output.show(document, lambda console: _render(console, document, go_on))


def _refuse_mixed(what: str, dossier: str | None, leg: str | None, source: str | None, relation: str | None) -> None:
    """Raises typer.BadParameter for an answer without its dossier, or what only a request has."""
    from shared.domain.profiles import PROFILES

    kinds = {name for profile in PROFILES.values() for name, kind in profile.kinds.items() if not kind.opens_dossier}
    if dossier is None and what not in PROFILES and what in kinds:
        raise typer.BadParameter(_("{kind} is an answer: name its dossier with --dossier.", kind=what))
    if dossier is not None and (source or relation):
        raise typer.BadParameter(_("--from and --relation are for requests, not for answers."))
    if dossier is not None and what in PROFILES and what not in kinds:
        raise typer.BadParameter(_("{profile} opens a new dossier: leave --dossier out.", profile=what))
    if dossier is None and leg is not None:
        raise typer.BadParameter(_("--leg is for answers: name the dossier, too."))


def _draft(
    asker: Asker, place: Home, profile: str, name: str | None, source: str | None, relation: str | None
) -> Draft:
    """The one that was named, one of those that lie there, or a new one. Raises ProfileUnknown."""
    from client.forms.draft import Draft, drafts_in
    from client.forms.related import related_members
    from shared.domain.profiles import profile_of

    profile_of(profile)
    folder = place.path / "drafts"
    if name is not None:
        check_draft_name(name)
        file = folder / f"{profile}-{name}.json"
        if file.exists() and source is None:
            return Draft.load(file)
    else:
        file = folder / f"{profile}-{now():%Y%m%d-%H%M%S}.json"
        known = [] if source else drafts_in(folder, f"{profile}-")
        chosen = choose_draft(asker, known)
        if chosen is not None:
            return Draft.load(chosen)
    if source is None:
        return Draft.begin(file, profile)
    with place.correspondence() as own:
        return Draft.begin(file, profile, **related_members(own, own.find_dossier(source), profile, relation))


def _choose(asker: Asker, draft: Draft, out: Path | None, rehearse: Rehearse) -> Path:
    """The overview, until the request is written. Raises Stopped."""
    from comity.asking import short
    from shared.errors import ComityError

    while True:
        asked = list(questions(draft))
        asker.tell("")
        for number, one in enumerate(asked, start=1):
            value = "" if one.known in (None, "", [], {}) else f"  {short(one.known)}"
            asker.tell(f"  {number:>2}  {_(one.field.label)}{value}", style=None if value else "dim")
        left = draft.faults()
        for fault in left:
            asker.tell("  " + fault.told(reader_language()), style="red")
        asker.tell(_("A number changes a field, w writes the file, ! stops and keeps the draft."))
        typed = asker.line()
        if typed.isascii() and typed.isdigit() and 1 <= int(typed) <= len(asked):
            chosen = asked[int(typed) - 1]
            asker.ask(chosen.field, chosen.known, chosen.keep)
        elif typed == "w" and not left:
            proposed = out or Path(draft.file.name)
            asker.tell(_("Into which file? Enter takes {file}.", file=proposed))
            file = Path(asker.line() or proposed).expanduser()
            try:
                rehearse()
                draft.write_file(file)
            except ComityError as refused:
                asker.tell(told(refused), style="red")
            else:
                return file


def _render(console: Any, document: dict[str, Any], go_on: list[str]) -> None:
    if document["file"] is not None:
        say(console, _("Written: {file}", file=document["file"]), style="green")
        if len(go_on) == 1:
            say(console, f"  comity send {document['file']} --to AUTHORITY")
        else:
            say(console, f"  comity send {document['file']}")
        return
    count = len(document["missing"])
    if count:
        say(
            console,
            _n("{count} field is missing or wrong:", "{count} fields are missing or wrong:", count),
            style="bold",
        )
    for one in document["missing"]:
        say(console, f"  {one}")
    if document["draft"] is not None:
        say(console, _("The draft is kept. Go on with it:"))
        name = Path(document["draft"]).stem.removeprefix(go_on[0])[1:]
        say(console, f"  comity new {' '.join(go_on)} --draft {name}")
