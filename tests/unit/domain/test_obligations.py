"""Who owes what, by when, and by which rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.clocks import due_after
from shared.domain.dossier import Leg, decide_move
from shared.domain.leg import DueBasis, Obligation
from shared.domain.obligations import is_overdue, waiting_on
from tests.unit.domain.letters import DAY, ES, MA, a_message, after, digest_of, the_leg

EIO = {"ma-es-2009": "eio.1"}
DEADLINE = {"deadline": "2026-12-12"}


def end(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 23, 59, 59, tzinfo=UTC)


def owed(leg: Leg, act: str) -> list[Obligation]:
    return [one for one in waiting_on(leg) if one.act == act]


def dates(leg: Leg, act: str) -> dict[DueBasis, datetime | None]:
    return {one.basis: one.due for one in owed(leg, act)}


def test_a_request_without_limit_in_law_leaves_the_requesters_deadline_and_a_target_of_policy() -> None:
    leg = the_leg(act=DEADLINE)
    assert dates(leg, "acknowledge") == {DueBasis.policy: end(2026, 11, 10)}
    assert dates(leg, "decide") == {DueBasis.deadline: end(2026, 12, 12), DueBasis.policy: end(2026, 12, 3)}
    assert {one.debtor for one in waiting_on(leg)} == {ES}


def test_where_the_law_has_a_limit_there_is_no_target_beside_it() -> None:
    leg = the_leg(EIO, act=DEADLINE)
    assert dates(leg, "acknowledge") == {DueBasis.law: end(2026, 11, 10)}
    assert dates(leg, "decide") == {DueBasis.law: end(2026, 12, 3), DueBasis.deadline: end(2026, 12, 12)}
    assert "12(3)" in owed(leg, "decide")[0].source


def test_the_limit_of_execution_counts_from_the_decision() -> None:
    leg = after(the_leg(EIO), "accept", at=DAY + timedelta(days=10))
    assert dates(leg, "execute") == {DueBasis.law: end(2027, 2, 11)}
    assert dates(leg, "decide") == {}


def test_the_day_of_the_event_is_not_counted_and_the_last_day_counts_whole() -> None:
    assert due_after(datetime(2026, 11, 3, 0, 0, tzinfo=UTC), 7) == end(2026, 11, 10)
    assert due_after(datetime(2026, 11, 3, 23, 59, tzinfo=UTC), 7) == end(2026, 11, 10)
    assert due_after(datetime(2026, 12, 31, 12, 0, tzinfo=UTC), 60) == end(2027, 3, 1)


def test_a_question_makes_the_asked_party_the_debtor_and_stops_the_target_but_not_the_deadline() -> None:
    leg = after(the_leg(act=DEADLINE), "acknowledge", "ask-information", at=DAY)
    assert [(one.debtor, one.act, one.basis) for one in waiting_on(leg)] == [
        (MA, "supply-information", DueBasis.deadline),
        (ES, "decide", DueBasis.deadline),
    ]


def test_the_answer_gives_the_target_back_the_days_that_the_question_took() -> None:
    asked = after(the_leg(), "acknowledge", "ask-information")
    answered = after(asked, "supply-information", at=DAY + timedelta(days=12))
    assert dates(answered, "decide") == {DueBasis.policy: end(2026, 12, 15)}
    assert owed(answered, "supply-information") == []


def test_a_question_does_not_stop_the_clock_of_the_investigation_order() -> None:
    asked = after(the_leg(EIO), "acknowledge", "ask-information")
    assert dates(asked, "decide") == {DueBasis.law: end(2026, 12, 3)}


def test_a_question_on_one_measure_stops_the_target_of_that_one_only() -> None:
    leg = after(the_leg(), "acknowledge")
    leg = decide_move(leg, a_message(leg, "ask-information", None, "M1"), digest_of("ask"), DAY)
    assert [one.measures for one in owed(leg, "decide")] == [("M2",)]
    leg = decide_move(leg, a_message(leg, "accept", None, "M2"), digest_of("accept"), DAY)
    leg = decide_move(leg, a_message(leg, "supply-information", None, "M1"), digest_of("s"), DAY + timedelta(days=1))
    assert [(one.measures, one.due) for one in owed(leg, "decide")] == [(("M1",), end(2026, 12, 4))]


def test_two_questions_are_answered_one_by_one() -> None:
    leg = after(the_leg(), "acknowledge", "ask-information")
    leg = decide_move(leg, a_message(leg, "supply-information", None, "M2"), digest_of("s"), DAY)
    assert [one.measures for one in owed(leg, "supply-information")] == [("M1",)]
    assert [one.measures for one in owed(leg, "decide")] == [("M2",)]


def test_a_delay_replaces_the_target_by_the_estimate_and_leaves_the_deadline() -> None:
    leg = after(the_leg(act=DEADLINE), "accept", "report-delay")
    assert dates(leg, "execute") == {DueBasis.deadline: end(2026, 12, 12), DueBasis.policy: end(2027, 3, 1)}


def test_a_delay_leaves_the_limit_of_the_law_where_it_is() -> None:
    leg = after(the_leg(EIO), "accept", "report-delay")
    assert dates(leg, "execute") == {DueBasis.law: end(2027, 2, 1), DueBasis.policy: end(2027, 3, 1)}


def test_a_second_estimate_takes_the_place_of_the_first() -> None:
    leg = after(the_leg(), "accept", "report-delay", "report-delay")
    assert len(owed(leg, "execute")) == 1


def test_a_result_is_confirmed_within_ten_days_and_queried_within_sixty() -> None:
    leg = after(the_leg(), "deliver-result")
    assert dates(leg, "confirm-receipt") == {DueBasis.policy: end(2026, 11, 13)}
    assert dates(leg, "query-or-close") == {DueBasis.policy: end(2027, 1, 2)}
    assert {one.debtor for one in waiting_on(leg)} == {MA}
    assert owed(after(leg, "confirm-receipt"), "confirm-receipt") == []
    assert [one.debtor for one in waiting_on(after(leg, "query-result"))] == [ES]


def test_a_refused_measure_is_closed_within_thirty_days() -> None:
    leg = after(the_leg(), "refuse")
    assert dates(leg, "close") == {DueBasis.policy: end(2026, 12, 3)}
    assert waiting_on(after(leg, "close")) == []


def test_a_status_query_is_owed_an_answer_until_the_answer_the_result_or_the_end() -> None:
    asked = after(the_leg(), "acknowledge", "ask-status")
    assert dates(asked, "report-status") == {DueBasis.policy: end(2026, 11, 17)}
    for answer in ("report-status", "refuse", "deliver-result"):
        assert owed(after(asked, answer), "report-status") == []
    assert owed(after(asked, "accept"), "report-status") != []


def test_a_date_in_the_status_query_takes_the_place_of_the_target() -> None:
    leg = the_leg()
    leg = decide_move(leg, a_message(leg, "ask-status", {"due": "2026-11-05"}), digest_of("q"), DAY)
    assert dates(leg, "report-status") == {DueBasis.deadline: end(2026, 11, 5)}


def test_what_is_due_first_comes_first() -> None:
    leg = after(the_leg(act=DEADLINE), "ask-status")
    assert [one.act for one in waiting_on(leg)] == ["acknowledge", "report-status", "decide", "decide"]


@pytest.mark.parametrize(("seconds", "overdue"), [(0, False), (1, True)])
def test_an_obligation_is_overdue_after_its_last_second(seconds: int, overdue: bool) -> None:
    first = waiting_on(the_leg())[0]
    assert is_overdue(the_leg(), first, end(2026, 11, 10) + timedelta(seconds=seconds)) is overdue


def test_what_is_paused_is_never_overdue() -> None:
    asked = after(the_leg(), "acknowledge", "ask-information")
    paused = [one for one in asked.obligations if one.paused_at is not None]
    assert len(paused) == 1
    assert not is_overdue(the_leg(), paused[0], DAY + timedelta(days=1000))
