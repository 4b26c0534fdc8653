"""What a draft can be asked, in the order in which it is: settings, members of the act, fields of the content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from comity.words import told
from shared.texts.catalogue import mark

if TYPE_CHECKING:
    from client.forms.answer_draft import AnswerDraft
    from client.forms.draft import Draft
    from client.forms.form import FormField, Shape

_INSTRUMENT = mark("Instrument or group of the registry, or reciprocity")
_URGENCY = mark("Urgency")
_HANDLING = mark("Handling")
_MEASURES = mark("Measures")
_ALL = mark("Enter alone takes all for which it is possible.")
_ANSWERED = mark("The message that this answers")


@dataclass(frozen=True, slots=True)
class Question:
    """A field, what it holds now, and what keeps an answer: it says why not, or None."""

    field: FormField
    known: Any
    keep: Callable[[Any], str | None]
    at_first: bool
    """Asked on the first way through; all others can be chosen after it."""


def questions(draft: Draft) -> Iterator[Question]:
    """All that can be asked, with what is known now."""
    from client.forms.answer_draft import AnswerDraft
    from client.forms.draft import check_entry
    from shared.domain.profile_format import FieldType
    from shared.domain.profiles import mandatory_body_fields

    def content(name: str, value: Any) -> None:
        check_entry(draft, name, value)
        draft.set_content(name, value)

    yield from _of_answer(draft) if isinstance(draft, AnswerDraft) else _of_request(draft)
    for field in draft.act_fields():
        first = field.required or draft.kind.act[field.name].type in (FieldType.date, FieldType.code)
        yield Question(field, draft.document["act"].get(field.name), _kept(draft.set_act, field.name), first)
    rules = {one.name: one.rule for one in mandatory_body_fields(draft.about)}
    for field in draft.questions():
        known, is_needed = draft.document["content"].get(field.name), field.required or field.name in rules
        asked = replace(field, required=is_needed, hint=rules.get(field.name, field.hint))
        yield Question(asked, known, _kept(content, field.name), is_needed)


def _of_request(draft: Draft) -> Iterator[Question]:
    from client.forms.draft import check_entry
    from client.forms.form import Shape

    def measures_of(name: str, value: Any) -> None:
        check_entry(draft, name, value)
        draft.set_measures(value or {})

    yield _setting(draft, "instrument", _INSTRUMENT, Shape.text)
    yield from _of_every_message(draft, at_first=True)
    measures = draft.form.field("measures")
    if measures is not None:
        yield Question(measures, draft.document["measures"], _kept(measures_of, "measures"), True)


def _of_answer(draft: AnswerDraft) -> Iterator[Question]:
    from client.forms.form import FormField, Shape

    several = len(draft.possible) > 1
    measures = FormField("measures", _MEASURES, _ALL, Shape.codes, False, draft.possible, is_line=True)
    yield Question(measures, draft.document["measures"], _kept(draft.choose, "measures"), several)
    if draft.answerable:
        yield _setting(draft, "in_reply_to", _ANSWERED, Shape.code, draft.answerable)
    yield from _of_every_message(draft, at_first=False)


def _of_every_message(draft: Draft, *, at_first: bool) -> Iterator[Question]:
    from client.forms.form import Shape
    from shared.domain.header import Urgency
    from shared.domain.profiles import profile_of

    yield _setting(draft, "urgency", _URGENCY, Shape.code, tuple(Urgency), at_first=at_first)
    handling = tuple(sorted(profile_of(draft.profile).handling))
    yield _setting(draft, "handling", _HANDLING, Shape.codes, handling, at_first=at_first)


def _setting(
    draft: Draft, name: str, label: str, shape: Shape, codes: tuple[str, ...] = (), *, at_first: bool = True
) -> Question:
    from client.forms.form import FormField

    field = FormField(name, label, "", shape, False, codes, is_line=True)
    return Question(field, draft.document.get(name), _kept(draft.set, name), at_first)


def _kept(change: Callable[[str, Any], None], name: str) -> Callable[[Any], str | None]:
    from shared.errors import ComityError

    def keep(value: Any) -> str | None:
        try:
            change(name, value)
        except ComityError as refused:  # a date that is none, a disk that is full: it is asked again
            return told(refused)
        return None

    return keep
