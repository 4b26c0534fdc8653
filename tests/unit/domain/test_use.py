"""What was given is used for what it was given for; more is asked for, purpose by purpose, and answered for each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.dossier import Leg, decide_move, lapsed, leg_status
from shared.domain.leg import PERMISSIONS_AT_MOST, DueBasis, encode_leg, parse_leg
from shared.domain.obligations import waiting_on
from shared.domain.profiles import mandatory_body_fields
from shared.domain.status import status_lines
from shared.errors import ActMalformed, IllegalMove
from tests.unit.domain.letters import DAY, ES, MA, a_header, a_message, after, digest_of, the_leg

YEARS_LATER = DAY + timedelta(days=1500)
OTHER = {MA: ES, ES: MA}


def say(leg: Leg, kind: str, sender: str, act: dict[str, Any], *measures: str, **more: Any) -> tuple[Leg, str]:
    """The leg after it, and the id of the message."""
    at = more.pop("at", DAY)
    header = a_message(leg, kind, act, *measures, sender=sender, recipients=(OTHER[sender],), sent=at, **more)
    return decide_move(leg, header, digest_of(header.id), at), header.id


def test_a_closed_file_is_asked_about_and_answered_years_later_and_nothing_else_moves() -> None:
    closed = after(the_leg(), "deliver-result", "close")
    asked, question = say(closed, "ask-use-permission", MA, {"purposes": ["civil", "evidence"]}, at=YEARS_LATER)
    assert [(one.debtor, one.act, one.basis) for one in waiting_on(asked)] == [(ES, "answer-use", DueBasis.policy)]
    assert "ES M1–M2 · answer on the use · waiting on ES.SGCJI" in status_lines([asked], MA, YEARS_LATER)[1]
    answer = {"granted": ["evidence"], "declined": ["civil"]}
    answered, message = say(asked, "answer-use-permission", ES, answer, in_reply_to=question, at=YEARS_LATER)
    assert (answered.head, answered.measures, answered.obligations) == (closed.head, closed.measures, ())
    (given,) = answered.permissions
    assert (given.message, given.by, given.purposes, given.to) == (message, ES, ("evidence",), None)
    assert given.measures == ("M1", "M2")
    assert parse_leg(encode_leg(answered)) == answered
    assert lapsed(answered, YEARS_LATER + timedelta(days=5000)).permissions == answered.permissions


def test_only_the_side_that_was_asked_answers_and_only_what_it_was_asked() -> None:
    leg = after(the_leg(), "deliver-result")
    asked, question = say(leg, "ask-use-permission", MA, {"purposes": ["civil"]}, "M1")
    for sender, reply, measure in ((MA, question, "M1"), (ES, leg.request, "M1"), (ES, question, "M2")):
        with pytest.raises(IllegalMove):
            say(asked, "answer-use-permission", sender, {"granted": ["civil"]}, measure, in_reply_to=reply)
    answered, _ = say(asked, "answer-use-permission", ES, {"declined": ["civil"]}, "M1", in_reply_to=question)
    assert answered.permissions == ()
    with pytest.raises(IllegalMove):
        say(answered, "answer-use-permission", ES, {"granted": ["civil"]}, "M1", in_reply_to=question)


def test_two_questions_are_two_debts_also_when_each_side_asks_the_other() -> None:
    leg = after(the_leg(), "deliver-result")
    leg, first = say(leg, "ask-use-permission", MA, {"purposes": ["civil"]})
    leg, second = say(leg, "ask-use-permission", MA, {"purposes": ["evidence"], "to": "FR.BEPI"})
    leg, theirs = say(leg, "ask-use-permission", ES, {"purposes": ["statistics"]})
    leg, _ = say(leg, "answer-use-permission", ES, {"granted": ["evidence"], "to": "FR.BEPI"}, in_reply_to=second)
    owed = [(one.debtor, one.opened_by) for one in waiting_on(leg) if one.act == "answer-use"]
    assert sorted(owed) == sorted([(ES, first), (MA, theirs)])
    assert leg.permissions[0].to == "FR.BEPI"


def test_a_question_that_is_open_survives_silence_and_withdrawal() -> None:
    leg, question = say(after(the_leg(), "deliver-result"), "ask-use-permission", MA, {"purposes": ["civil"]})
    silent = lapsed(leg, YEARS_LATER)
    assert leg_status(silent) == "closed"
    assert [one.act for one in silent.obligations] == ["answer-use"]
    withdrawn = after(after(say(the_leg(), "ask-use-permission", ES, {"purposes": ["civil"]})[0], "withdraw"))
    assert "answer-use" in {one.act for one in withdrawn.obligations}
    answered, _ = say(leg, "answer-use-permission", ES, {"granted": ["civil"]}, in_reply_to=question, at=YEARS_LATER)
    assert answered.permissions


def test_it_crosses_anything_and_makes_nothing_stale() -> None:
    leg = after(the_leg(), "accept")
    late_seen = leg.head
    moved = after(leg, "start-execution")
    asked, _ = say(moved, "ask-use-permission", ES, {"purposes": ["intelligence"]}, seen=late_seen)
    assert leg_status(after(asked, "deliver-result")) == "result-delivered"


def test_a_purpose_outside_the_list_is_no_purpose() -> None:
    wrong: list[dict[str, Any]] = [{"purposes": ["anything"]}, {"purposes": []}, {}, {"purposes": ["civil"], "to": "x"}]
    for act in wrong:
        with pytest.raises(ActMalformed):
            say(the_leg(), "ask-use-permission", MA, act)


def test_a_leg_remembers_the_newest_permissions() -> None:
    leg = the_leg()
    for number in range(PERMISSIONS_AT_MOST + 3):
        leg, question = say(leg, "ask-use-permission", MA, {"purposes": ["civil"]}, at=DAY + timedelta(hours=number))
        leg, _ = say(leg, "answer-use-permission", ES, {"granted": ["civil"]}, in_reply_to=question)
    assert len(leg.permissions) == PERMISSIONS_AT_MOST


def test_restrictions_in_words_are_asked_for_with_h3_on_every_kind() -> None:
    request = a_header(profile="police-request", recipients=(ES,), handling=("h3",))
    assert "restrictions" in {one.name for one in mandatory_body_fields(request)}
    leg = the_leg(profile="police-request")
    for handling, asked in ((("h3",), True), (("h2",), False)):
        message = a_message(leg, "acknowledge", handling=handling)
        assert ("restrictions" in {one.name for one in mandatory_body_fields(message)}) is asked
