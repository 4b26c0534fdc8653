"""Rows of a question and its answer that profiles have alike: what the one holds up, and the other resumes."""

from __future__ import annotations

from shared.domain.profile_data.fragments import REQUESTED, REQUESTING
from shared.domain.profile_format import BEFORE, ActField, BodyField, FieldType, Kind, Opens, Side


def asking(states: tuple[str, ...], owed: frozenset[str], rule: str) -> tuple[Kind, Kind]:
    """A question to the requesting side and its answer; `owed` is what the question holds up."""
    return _inquiry(
        ("ask-information", "Request for supplementary information", "questions", "The questions"),
        ("supply-information", "Supplementary information", "answers", "The answers"),
        "information-requested",
        states,
        owed,
        rule,
    )


def consulting(states: tuple[str, ...], owed: frozenset[str], rule: str) -> tuple[Kind, Kind]:
    """A consultation and the reply to it."""
    return _inquiry(
        ("consult", "Consultation", "matter", "What is to be considered together"),
        ("consult-reply", "Reply to a consultation", "reply", "The reply"),
        "consulting",
        states,
        owed,
        rule,
    )


def _inquiry(
    question: tuple[str, str, str, str],
    answer: tuple[str, str, str, str],
    state: str,
    states: tuple[str, ...],
    owed: frozenset[str],
    rule: str,
) -> tuple[Kind, Kind]:
    (asks, asks_label, asked, asked_label), (answers, answers_label, said, said_label) = question, answer
    return (
        Kind(
            asks,
            asks_label,
            REQUESTED,
            dict.fromkeys(states, state),
            act={"due": ActField(FieldType.date, True, "by when the answer is asked for")},
            body=(BodyField(asked, asked_label, rule),),
            remembers=True,
            opens=(Opens(Side.requesting, answers, dated_by="due"),),
            closes=frozenset({"acknowledge"}),
            pauses=owed,
        ),
        Kind(
            answers,
            answers_label,
            REQUESTING,
            {state: BEFORE},
            body=(BodyField(said, said_label, rule),),
            needs_in_reply_to=True,
            closes=frozenset({answers}),
            resumes=owed,
        ),
    )
