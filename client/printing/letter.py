"""What stands on the paper: the parts of a message in their order, in the reader's language.

Rules:
1. Labels, codes and dates are translated; what somebody wrote is printed as it was written.
2. Nothing that the content holds is left out, what its form does not know neither; keys that were handed on are.
3. The foot of each page names the use limitation, its head both sides' file numbers: a page that goes astray still says
   whose it is and what it may be used for.
4. What is not complete by its form, and a message that is not in the ledger yet, says so.

Pure: who the parties are and what the other side's number is comes from the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from client.appointments import appointment_lines
from client.forms.code_words import CODE_WORDS
from client.forms.faults import faults_of
from client.forms.form import FormField, Shape, form_of
from client.forwarding import without_keys
from client.opening import OpenedMessage
from client.printing.act_labels import ACT_LABELS
from client.printing.dues import PrintedDue
from client.printing.letter_words import Words, plain
from client.use_notes import permission_notes, protection_notes
from shared.domain.header import Basis, Header
from shared.domain.ids import encode_time
from shared.domain.leg import DueBasis, Permission
from shared.domain.profile_format import FieldType
from shared.domain.profiles import kind_of, profile_of
from shared.domain.reference import encode_number
from shared.envelope.encoding import digest_of
from shared.texts.catalogue import mark as _

LONGEST_FOOT: Final = 400
"""Characters of the use limitation at the foot of each page; the whole stands in its own place."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a letter needs and the message does not hold. `names` are official names by party, `titles` those of
    instruments by code, `numbers` the file numbers of sender and addressee where the message names none."""

    names: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    dossier_opened_by: str = ""
    numbers: tuple[str | None, str | None] = (None, None)
    logged_at: str | None = None
    permissions: tuple[Permission, ...] = ()
    """What the sender permitted besides."""
    bases: Mapping[str, Basis] = field(default_factory=dict)
    """Under which instrument each leg of the message stands."""
    specialities: Mapping[str, str] = field(default_factory=dict)
    """What instruments say of the use, by their codes."""
    dues: tuple[PrintedDue, ...] = ()
    """What is owed because of the message, as it stands on the day of printing."""


@dataclass(frozen=True, slots=True)
class Table:
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    text: str | None = None
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything is text in `language`, or as its writer wrote it; nothing is escaped yet."""

    language: str
    title: str
    subtitle: str
    numbers: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    remarks: tuple[str, ...]
    foot: tuple[str, str]
    page_of: str
    """With the gaps {page} and {pages}."""


def letter_of(opened: OpenedMessage, around: Surroundings, language: str) -> Letter:
    """The letter that this message is."""
    header, content = opened.header, without_keys(opened.content)
    words = Words(language, around.names)
    kind = kind_of(header.profile, header.kind)
    own = plain(content.get("file_number")) or around.numbers[0]
    other = plain(content.get("their_file_number")) or around.numbers[1]
    numbers = (
        (words.say(_("Our file number")), own or "–"),
        (words.say(_("Your file number")), other or "–"),
        (words.say(_("Dossier")), encode_number(header.dossier, (around.dossier_opened_by or header.sender)[:2])),
    )
    return Letter(
        language=language,
        title=words.say(profile_of(header.profile).title),
        subtitle=words.say(kind.label),
        numbers=numbers,
        facts=tuple(_facts(opened, around, words)),
        sections=(*_sections(header, content, words), *_attached(opened, words)),
        remarks=tuple(_remarks(opened, around, words)),
        foot=_foot(content, around.specialities.values(), words),
        page_of=words.say(_("Page {page} of {pages}")),
    )


def told_content(header: Header, content: Mapping[str, Any], language: str) -> Iterator[str]:
    """The act and the content line by line, by the names of their fields, for a terminal."""
    words = Words(language, {})
    for name, value in _act(header, words):
        yield f"{name}: {value}"
    for section in _sections(header, without_keys(content), words):
        if section.table is None:
            yield f"{section.heading}: {section.text}"
            continue
        yield f"{section.heading}:"
        for row in section.table.rows:
            cells = (f"{head} {cell}" for head, cell in zip(section.table.head, row, strict=True) if cell)
            yield "  " + " · ".join(cells)


def _facts(opened: OpenedMessage, around: Surroundings, words: Words) -> Iterator[tuple[str, str]]:
    header = opened.header
    yield words.say(_("From")), words.party(header.sender)
    yield words.say(_("To")), words.several(words.party(one) for one in header.recipients)
    yield words.say(_("Sent")), words.moment(header.sent_at)
    yield (
        words.say(_("In the ledger since")),
        words.moment(around.logged_at) if around.logged_at else words.say(_("not yet")),
    )
    for leg, basis in (around.bases or header.basis or {}).items():
        cited = words.several(around.titles.get(code, code) for code in (basis.primary, *basis.cited))
        if basis.primary in CODE_WORDS:
            cited = words.code(basis.primary)
        yield f"{words.say(_('Legal basis'))} ({leg})", cited
        if basis.primary in around.specialities:
            yield f"{words.say(_('Speciality'))} ({leg})", around.specialities[basis.primary]
    yield words.say(_("Urgency")), words.code(str(header.urgency))
    if header.handling:
        yield words.say(_("Handling")), words.several(words.code(code) for code in header.handling)
    yield from _act(header, words)
    for due in around.dues:
        yield words.say(_("To be done")), _due(due, words)


def _act(header: Header, words: Words) -> Iterator[tuple[str, str]]:
    rules = kind_of(header.profile, header.kind).act
    for name, value in header.act.items():
        rule = rules.get(name)
        yield words.say(ACT_LABELS.get(name, name)), _act_value(rule.type if rule else None, value, words)


def _due(due: PrintedDue, words: Words) -> str:
    day = words.day(due.day.isoformat()) if due.instant is None else words.moment(encode_time(due.instant))
    basis = words.say(str(due.basis))
    why = words.listed((basis, words.rule(due.source))) if due.basis is DueBasis.law else basis
    gaps = {"owed": words.say(due.owed), "party": due.debtor, "day": day, "why": why, "version": due.calendar}
    return words.say(_("{owed} by {party}: {day} ({why}; calendar {version})"), **gaps)


def _act_value(type_: FieldType | None, value: Any, words: Words) -> str:
    match type_, value:
        case FieldType.date, _day:
            return words.day(value)
        case FieldType.duties, dict():
            return words.several(f"{words.code(duty)}: {words.day(day)}" for duty, day in value.items())
        case _, dict():
            return words.several(f"{words.rule(measure)}: {words.code(code)}" for measure, code in value.items())
        case _, list() | tuple():
            return words.several(words.with_code(code) for code in value)
        case FieldType.authority, str():
            return words.party(value)
    return words.code(value)


def _sections(header: Header, content: Mapping[str, Any], words: Words) -> Iterator[Section]:
    form = form_of(header.profile, header.kind)
    fields = {one.name: one for one in form.fields} if form else {}
    if header.measures and "measures" not in content:
        asked = tuple((measure, words.code(code)) for measure, code in header.measures.items())
        yield Section(words.say(_("Measures")), table=Table((words.say(_("Number")), words.say(_("Measure"))), asked))
    known = [name for name in fields if name in content]
    for name in [*known, *(name for name in content if name not in fields)]:
        value = content[name]
        if name in ("file_number", "their_file_number", "form") or value in (None, "", [], {}):
            continue
        shown = fields.get(name)
        heading = words.say(shown.label) if shown else name
        table = _table(shown, value, words) or _group(shown, value, words) if shown else None
        yield Section(heading, table=table) if table else Section(heading, text=words.free(value))


def _attached(opened: OpenedMessage, words: Words) -> Iterator[Section]:
    if opened.attachments:
        head = (_("Document"), _("Name"), _("Type"), _("Bytes"), "SHA-256")
        rows = tuple(
            (one.part, one.name, one.media_type, str(len(one.data)), digest_of(one.data)) for one in opened.attachments
        )
        yield Section(words.say(_("Documents attached")), table=Table(tuple(words.say(one) for one in head), rows))


def _table(shown: FormField, value: Any, words: Words) -> Table | None:
    """Entries as rows; a column for each field that any of them has. None for what is no list of entries."""
    if shown.shape is Shape.numbered and isinstance(value, Mapping):
        entries = list(value.items())
    elif shown.shape is Shape.listed and isinstance(value, list):
        entries = [(str(number), one) for number, one in enumerate(value, start=1)]
    else:
        return None
    if not all(isinstance(one, Mapping) for _number, one in entries):
        return None
    labels = {one.name: words.say(one.label) for one in shown.fields}
    columns = [name for name in labels if any(one.get(name) for _number, one in entries)]
    columns += sorted({name for _number, one in entries for name in one if name not in labels})
    head = (words.say(_("Number")), *(labels.get(name, name) for name in columns))
    codes = {one.name for one in shown.fields if one.shape is Shape.code}
    rows = ((number, *(_cell(one.get(name), name in codes, words) for name in columns)) for number, one in entries)
    return Table(head, tuple(rows))


def _group(shown: FormField, value: Any, words: Words) -> Table | None:
    """The fields of a group by their names, those of a group within it after its name. None for what is no group."""
    if shown.shape is not Shape.group or not isinstance(value, Mapping):
        return None
    return Table((words.say(_("Field")), words.say(_("Value"))), tuple(_members("", shown, value, words)))


def _members(within: str, shown: FormField, value: Mapping[str, Any], words: Words) -> Iterator[tuple[str, str]]:
    known = {one.name: one for one in shown.fields}
    for name in [*(name for name in known if name in value), *(name for name in value if name not in known)]:
        one, said = known.get(name), value[name]
        label = within + (words.say(one.label) if one else name)
        if one is not None and one.shape is Shape.group and isinstance(said, Mapping):
            yield from _members(f"{label} › ", one, said, words)
        elif said not in (None, "", [], {}):
            yield label, _cell(said, one is not None and one.shape is Shape.code, words)


def _cell(value: Any, is_code: bool, words: Words) -> str:
    return words.code(value) if is_code else words.free(value)


def _remarks(opened: OpenedMessage, around: Surroundings, words: Words) -> Iterator[str]:
    found = faults_of(opened)
    if found:
        yield words.say(_("Not as its form asks:")) + " " + words.several(one.told(words.language) for one in found)
    yield from appointment_lines(opened.content, words.language)
    yield from permission_notes(around.permissions, words.language)
    yield from protection_notes(opened.content, words.language)
    if around.logged_at is None:
        yield words.say(_("This message is not in the ledger yet: it was judged by the keys of the day of printing."))
    yield words.say(_PRINTED, message=opened.header.id)


def _foot(content: Mapping[str, Any], specialities: Iterable[str], words: Words) -> tuple[str, str]:
    named = " ".join(plain(content.get("use_limitation")).split())
    limit = named or words.several(dict.fromkeys(specialities)) or words.say(_DEFAULT_LIMIT)
    return words.say(_("Use limitation")), limit if len(limit) <= LONGEST_FOOT else limit[: LONGEST_FOOT - 1] + "…"


_DEFAULT_LIMIT: Final = _(
    "not to be passed on or used for investigations, prosecutions or proceedings other than those named in the request"
    " without the prior consent of the party that provided it (UNTOC 18(19), UNCAC 46(19))"
)
_PRINTED: Final = _(
    "Printed from the sealed message {message}, whose signatures were verified on the machine that printed it. The"
    " message is what was signed; this paper is a copy for reading."
)
