"""`comity new`: write a request step by step. It ends in a file that `comity send` takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.home import Home, find_home, now
from comity.options import HomeDir, Json, Url
from comity.output import reporting, say
from comity.words import _, _n, reader_language, told
from shared.texts.catalogue import SOURCE, mark

if TYPE_CHECKING:
    from client.forms.draft import Draft
    from client.forms.form import FormField
    from comity.asking import Asker


_INSTRUMENT = mark("Instrument or group of the registry, or reciprocity")
_URGENCY = mark("Urgency")
_HANDLING = mark("Handling")


@dataclass(frozen=True, slots=True)
class _Question:
    """A field, what it holds now, and what keeps an answer: it says why not, or None."""

    field: FormField
    known: Any
    keep: Callable[[Any], str | None]
    at_first: bool
    """Asked on the first way through; all others can be chosen after it."""


def new(
    profile: Annotated[str, typer.Argument(help="mla-request, preservation, police-request or spontaneous.")],
    from_: Annotated[
        str | None, typer.Option("--from", help="A dossier of your own that this one is related to.")
    ] = None,
    relation: Annotated[
        str | None, typer.Option(help="How: supplementary, preservation, extradition, joint-team, notice.")
    ] = None,
    draft: Annotated[str | None, typer.Option(help="Name of the draft: go on with it, or begin it.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The request file to write.")] = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Write a request step by step: the draft is kept after each answer and gone on with, and shows what is missing."""
    with reporting(json) as output:
        from client.forms.code_words import CODE_WORDS
        from comity.asking import Asker, Stopped

        place = find_home(home, url)
        asker = Asker(CODE_WORDS)
        written: Path | None = None
        opened: Draft | None = None
        try:
            opened = _draft(asker, place, profile, draft, from_, relation)
            asker.tell(_("A draft is kept after each answer: {file}", file=opened.file))
            asker.tell(_("Enter alone leaves a field as it is, - empties it, ! stops."))
            for position in range(len(list(_questions(opened)))):
                question = list(_questions(opened))[position]
                if question.at_first and question.known in (None, "", [], {}):
                    asker.ask(question.field, question.known, question.keep)
            written = _choose(asker, opened, out)
        except Stopped:
            asker.tell("")
        language = SOURCE if json else reader_language()
        document = {
            "draft": None if opened is None or written is not None else str(opened.file),
            "file": None if written is None else str(written),
            "missing": [] if opened is None else [fault.told(language) for fault in opened.faults()],
        }
        output.show(document, lambda console: _render(console, document, profile))


def _draft(
    asker: Asker, place: Home, profile: str, name: str | None, source: str | None, relation: str | None
) -> Draft:
    """The one that was named, one of those that lie there, or a new one. Raises ProfileUnknown."""
    from client.forms.draft import Draft, drafts_in
    from client.forms.related import related_members
    from shared.domain.profiles import profile_of
    from shared.errors import RequestFileInvalid

    profile_of(profile)
    folder = place.path / "drafts"
    if name is not None:
        if Path(name).name != name or name.startswith("."):
            raise RequestFileInvalid(file=name, why="a draft has a plain name, without a folder")
        file = folder / f"{profile}-{name}.json"
        if file.exists() and source is None:
            return Draft.load(file)
    else:
        file = folder / f"{profile}-{now():%Y%m%d-%H%M%S}.json"
        known = [] if source else drafts_in(folder, profile)
        for number, one in enumerate(known, start=1):
            asker.tell(f"  {number}  {one.stem}")
        if known:
            asker.tell(_("These drafts were not finished. A number goes on with one, Enter begins anew."))
            typed = asker.line()
            if typed.isdigit() and 1 <= int(typed) <= len(known):
                return Draft.load(known[int(typed) - 1])
    if source is None:
        return Draft.begin(file, profile)
    with place.correspondence() as own:
        return Draft.begin(file, profile, **related_members(own, own.find_dossier(source), profile, relation))


def _questions(draft: Draft) -> Iterator[_Question]:
    """All that can be asked, with what is known now."""
    from client.forms.draft import act_field, check_entry
    from client.forms.form import FormField, Shape
    from shared.domain.header import Urgency
    from shared.domain.profile_format import FieldType
    from shared.domain.profiles import mandatory_body_fields, profile_of
    from shared.errors import ComityError

    def kept(change: Callable[[str, Any], None], name: str) -> Callable[[Any], str | None]:
        def keep(value: Any) -> str | None:
            try:
                change(name, value)
            except ComityError as refused:  # a date that is none, a disk that is full: it is asked again
                return told(refused)
            return None

        return keep

    def content(name: str, value: Any) -> None:
        check_entry(draft, name, value)
        draft.set_content(name, value)

    def measures_of(name: str, value: Any) -> None:
        check_entry(draft, name, value)
        draft.set_measures(value or {})

    def setting(name: str, label: str, shape: Shape, codes: tuple[str, ...] = ()) -> _Question:
        field = FormField(name, label, "", shape, False, codes, is_line=True)
        return _Question(field, draft.document.get(name), kept(draft.set, name), True)

    handling = tuple(sorted(profile_of(draft.document["profile"]).handling))
    yield setting("instrument", _INSTRUMENT, Shape.text)
    yield setting("urgency", _URGENCY, Shape.code, tuple(Urgency))
    yield setting("handling", _HANDLING, Shape.codes, handling)
    measures = draft.form.field("measures")
    if measures is not None:
        yield _Question(measures, draft.document["measures"], kept(measures_of, "measures"), True)
    for name, rule in draft.kind.act.items():
        if name != "approvals":  # counted by the desk, when it approves
            field = act_field(name, rule)
            first = rule.required or rule.type in (FieldType.date, FieldType.code)
            yield _Question(field, draft.document["act"].get(name), kept(draft.set_act, name), first)
    rules = {one.name: one.rule for one in mandatory_body_fields(draft.about)}
    for field in draft.questions():
        known, is_needed = draft.document["content"].get(field.name), field.name in rules
        asked = replace(field, required=is_needed, hint=rules.get(field.name, field.hint))
        yield _Question(asked, known, kept(content, field.name), is_needed)


def _choose(asker: Asker, draft: Draft, out: Path | None) -> Path:
    """The overview, until the request is written. Raises Stopped."""
    from comity.asking import short
    from shared.errors import ComityError

    while True:
        questions = list(_questions(draft))
        asker.tell("")
        for number, one in enumerate(questions, start=1):
            value = "" if one.known in (None, "", [], {}) else f"  {short(one.known)}"
            asker.tell(f"  {number:>2}  {_(one.field.label)}{value}", style=None if value else "dim")
        left = draft.faults()
        for fault in left:
            asker.tell("  " + fault.told(reader_language()), style="red")
        asker.tell(_("A number changes a field, w writes the request, ! stops and keeps the draft."))
        typed = asker.line()
        if typed.isascii() and typed.isdigit() and 1 <= int(typed) <= len(questions):
            chosen = questions[int(typed) - 1]
            asker.ask(chosen.field, chosen.known, chosen.keep)
        elif typed == "w" and not left:
            proposed = out or Path(draft.file.name)
            asker.tell(_("Into which file? Enter takes {file}.", file=proposed))
            file = Path(asker.line() or proposed).expanduser()
            try:
                draft.write_request(file)
            except ComityError as refused:
                asker.tell(told(refused), style="red")
            else:
                return file


def _render(console: Any, document: dict[str, Any], profile: str) -> None:
    if document["file"] is not None:
        say(console, _("Written: {file}", file=document["file"]), style="green")
        say(console, f"  comity send {document['file']} --to AUTHORITY")
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
        name = Path(document["draft"]).stem.removeprefix(f"{profile}-")
        say(console, f"  comity new {profile} --draft {name}")
