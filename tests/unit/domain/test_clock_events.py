"""What clocks say on a leg, and when: by the law where it has a limit, by the debtor's calendar, once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shared.domain.calendars import Calendars
from shared.domain.clock_events import (
    DESK_CALLED,
    DESK_UNATTENDED,
    EVENTS,
    OVERDUE,
    SILENCE,
    ClockEvent,
    Struck,
    due_events,
    moved,
    next_fall,
    parse_struck,
    with_struck,
)
from shared.domain.dossier import Leg, decide_move
from shared.domain.leg import DueBasis
from shared.domain.obligations import is_overdue, waiting_on
from tests.unit.domain.calendars import a_calendar, day, utc
from tests.unit.domain.letters import DAY, ES, MA, a_message, after, digest_of, the_leg

EIO = {"ma-es-2009": "eio.1"}
SPAIN: Calendars = {"ES": a_calendar()}
FOREVER = utc("2999-01-01 00:00")


def told(leg: Leg, owed: str | None, until: datetime = FOREVER, calendars: Calendars = SPAIN) -> dict[str, datetime]:
    """Event → when, for what is owed."""
    events = due_events(leg, Struck(DAY), calendars, until)
    return {one.event: one.falls for one in events if one.owed == owed}


def only(events: list[ClockEvent], event: str, owed: str) -> ClockEvent:
    [found] = [one for one in events if (one.event, one.owed) == (event, owed)]
    return found


def test_a_limit_of_the_law_reminds_on_days_worked_and_is_overdue_after_its_last_second_there() -> None:
    # Received on Tuesday 3 November; 30 days: Thursday 3 December. Reminders: 26 November, 1 and 3 December.
    assert told(the_leg(EIO), "decide") == {
        "reminder-7": utc("2026-11-26 08:00"),
        "reminder-2": utc("2026-12-01 08:00"),
        "reminder-0": utc("2026-12-03 08:00"),
        OVERDUE: utc("2026-12-03 23:00"),
    }


def test_a_limit_that_ends_where_nobody_works_ends_with_the_next_day_worked() -> None:
    # Received on Friday 6 November; 30 days: Sunday 6 December; the 7th and the 8th are holidays.
    leg = decide_move(the_leg(EIO), a_message(the_leg(EIO), "acknowledge"), digest_of("a"), DAY)
    moment = utc("2026-11-06 10:00")
    leg = decide_move(leg, a_message(leg, "forward", {"holder": "ES.JCI3", "original": leg.original}), "d" * 43, moment)
    assert told(leg, "decide") == {
        "reminder-7": utc("2026-12-02 08:00"),
        "reminder-2": utc("2026-12-04 08:00"),
        "reminder-0": utc("2026-12-09 08:00"),
        OVERDUE: utc("2026-12-09 23:00"),
    }
    assert told(leg, "decide", calendars={})[OVERDUE] == utc("2026-12-07 00:00")


def test_a_target_of_policy_ends_on_its_day_whether_it_is_worked_or_not() -> None:
    at = utc("2026-11-28 10:00")
    leg = after(after(the_leg(), "acknowledge"), "accept", "deliver-result", at=at)
    assert told(leg, "confirm-receipt", calendars={"MA": a_calendar(country="MA")})[OVERDUE] == utc("2026-12-08 23:00")


def test_a_day_counts_from_the_debtors_midnight() -> None:
    late = utc("2026-11-03 23:30")  # Wednesday there
    leg = decide_move(the_leg(EIO), a_message(the_leg(EIO), "accept"), digest_of("accept"), late)
    assert told(leg, "execute")[OVERDUE] == utc("2027-02-02 23:00")
    assert told(leg, "execute", calendars={})[OVERDUE] == utc("2027-02-02 00:00")


def test_a_partys_date_ends_that_day_where_the_debtor_is_and_is_never_put_off() -> None:
    leg = the_leg(act={"deadline": "2026-12-06"})
    assert [one.falls for one in due_events(leg, Struck(DAY), SPAIN, FOREVER) if one.basis == "deadline"][-1] == utc(
        "2026-12-06 23:00"
    )


def test_a_limit_in_hours_is_an_instant_everywhere() -> None:
    leg = the_leg(
        {"ma-es-2009": "2023-977.1"},
        profile="police-request",
        urgency="urgent",
        act={"access": "direct"},
        measures={"M1": "information"},
    )
    assert told(leg, "answer") == {OVERDUE: DAY + timedelta(hours=8, seconds=1)}


def test_provisional_measures_have_a_day_where_the_law_says_so() -> None:
    leg = the_leg(EIO, measures={"M1": "freezing"})
    assert told(leg, "decide")[OVERDUE] == DAY + timedelta(hours=24, seconds=1)
    both = the_leg(EIO, measures={"M1": "freezing", "M2": "testimony"})
    assert told(both, "decide")[OVERDUE] == utc("2026-12-03 23:00")


def test_what_was_done_is_not_reminded_of() -> None:
    leg = after(the_leg(EIO), "accept", at=DAY + timedelta(days=1))
    assert told(leg, "decide") == {}
    assert told(leg, "acknowledge") == {}
    assert set(told(leg, "execute")) == {"reminder-7", "reminder-2", "reminder-0", OVERDUE}


def test_a_pause_has_no_clock_and_what_it_resumes_has_a_new_one() -> None:
    asked = after(the_leg(), "acknowledge", "ask-information")
    assert told(asked, "decide", calendars={}) == {}
    answered = decide_move(asked, a_message(asked, "supply-information"), digest_of("answer"), DAY + timedelta(days=10))
    assert told(answered, "decide", calendars={})[OVERDUE] == utc("2026-12-14 00:00")


def test_the_laws_limit_runs_on_through_a_question_and_stops_for_a_postponement() -> None:
    assert OVERDUE in told(after(the_leg(EIO), "acknowledge", "ask-information"), "decide")
    assert told(after(the_leg(EIO), "acknowledge", "postpone"), "decide") == {}


def an_extension(leg: Leg, until: str, at: datetime = DAY, *measures: str) -> Leg:
    message = a_message(leg, "report-delay", {"estimate": until}, *measures)
    return decide_move(leg, message, digest_of(f"{leg.version} {until}"), at)


def test_the_limit_for_a_decision_is_extended_once_to_the_estimate() -> None:
    leg = an_extension(after(the_leg(EIO), "acknowledge"), "2026-12-20")
    [law] = [one for one in waiting_on(leg) if one.act == "decide" and one.basis is DueBasis.law]
    assert (law.due, law.extended) == (utc("2026-12-20 23:59:59"), True)
    assert "12(5)" in law.source
    again = an_extension(leg, "2026-12-28")
    assert [one.due for one in waiting_on(again) if one.act == "decide" and one.basis is DueBasis.law] == [law.due]


def test_no_extension_reaches_farther_than_the_law_lets_it() -> None:
    leg = an_extension(after(the_leg(EIO), "acknowledge"), "2027-06-30")
    assert OVERDUE in told(leg, "decide", utc("2027-01-07 00:00"))  # 2 January is a Saturday: Monday 4
    law = [one for one in due_events(leg, Struck(DAY), {}, FOREVER) if one.basis == "law" and one.event == OVERDUE]
    assert [one.falls for one in law] == [utc("2027-01-03 00:00")]


def test_an_estimate_before_the_limit_extends_nothing_and_the_right_is_kept() -> None:
    leg = an_extension(after(the_leg(EIO), "acknowledge"), "2026-11-20")
    leg = an_extension(leg, "2026-12-10")
    assert [one.due for one in waiting_on(leg) if one.act == "decide" and one.basis is DueBasis.law] == [
        utc("2026-12-10 23:59:59")
    ]


def test_an_extension_is_the_measures_own() -> None:
    leg = an_extension(after(the_leg(EIO), "acknowledge"), "2026-12-20", DAY, "M1")
    law = {one.measures: one.due for one in waiting_on(leg) if one.act == "decide" and one.basis is DueBasis.law}
    assert law == {("M1",): utc("2026-12-20 23:59:59"), ("M2",): utc("2026-12-03 23:59:59")}


def test_the_limit_of_execution_is_reported_late_and_never_extended() -> None:
    leg = an_extension(after(the_leg(EIO), "accept"), "2027-06-30")
    dues = {one.basis: one.due for one in waiting_on(leg) if one.act == "execute"}
    assert dues == {DueBasis.law: utc("2027-02-01 23:59:59"), DueBasis.policy: utc("2027-06-30 23:59:59")}


def test_silence_closes_instead_of_being_overdue_and_ends_what_the_state_owed() -> None:
    leg = after(the_leg(), "accept", "deliver-result")
    closing = told(leg, "query-or-close", calendars={})
    assert closing[SILENCE] == utc("2027-01-03 00:00")
    assert OVERDUE not in closing
    asked = decide_move(leg, a_message(leg, "ask-status", {"due": "2027-02-01"}), digest_of("status"), DAY)
    assert told(asked, "report-status", calendars={}) == {}


def test_duties_outlive_the_closure_with_their_reminders() -> None:
    leg = the_leg()
    accept = a_message(leg, "accept", {"duties": {"return-detainee": "2027-03-01"}})
    leg = after(decide_move(leg, accept, digest_of("accept"), DAY), "deliver-result")
    assert told(leg, "return-detainee", calendars={})[OVERDUE] == utc("2027-03-02 00:00")


def test_reminders_are_told_to_the_debtor_and_what_is_overdue_to_all() -> None:
    events = due_events(the_leg(EIO), Struck(DAY), SPAIN, FOREVER)
    assert only(events, "reminder-7", "decide").tell == (ES,)
    assert set(only(events, OVERDUE, "decide").tell) == {MA, ES}
    assert {one.calendar for one in events} == {"es.1"}
    assert {one.event for one in events} <= set(EVENTS)


def test_an_emergency_calls_the_desk_and_is_unattended_after_half_an_hour_without_an_act() -> None:
    leg = the_leg(urgency="emergency")  # Tuesday, 10 o'clock there
    assert told(leg, None) == {
        DESK_CALLED: DAY + timedelta(seconds=1),
        DESK_UNATTENDED: DAY + timedelta(minutes=30),
    }
    assert told(after(leg, "acknowledge", at=DAY + timedelta(minutes=29)), None) == {}
    assert told(the_leg(urgency="urgent"), None) == {}


def test_where_nobody_is_there_at_that_hour_the_requesting_party_hears_it_at_once() -> None:
    leg = the_leg(urgency="emergency")
    closed: Calendars = {"ES": a_calendar(opens="11:00")}
    assert told(leg, None, calendars=closed)[DESK_UNATTENDED] == DAY + timedelta(seconds=1)


def test_the_countrys_desk_for_any_hour_is_called_beside_the_party() -> None:
    desk: Calendars = {"ES": a_calendar(opens="11:00", desk="ES.DESK")}
    events = due_events(the_leg(urgency="emergency"), Struck(DAY), desk, DAY + timedelta(minutes=30))
    called, unattended = events
    assert called.tell == (ES, "ES.DESK")
    assert set(unattended.tell) == {MA, ES, "ES.DESK"}
    assert unattended.falls == DAY + timedelta(minutes=30)


def test_a_holder_that_an_emergency_is_handed_to_is_called_anew() -> None:
    leg = after(the_leg(urgency="emergency"), "acknowledge")
    message = a_message(leg, "forward", recipients=(MA, "ES.JCI3"))
    leg = decide_move(leg, message, digest_of("forward"), DAY + timedelta(hours=2))
    assert told(leg, None)[DESK_CALLED] == DAY + timedelta(hours=2, seconds=1)


def test_each_is_struck_once_and_in_order() -> None:
    leg, struck = the_leg(EIO), Struck(DAY)
    seen: list[ClockEvent] = []
    while (falls := next_fall(leg, struck, SPAIN)) is not None:
        now = due_events(leg, struck, SPAIN, falls)
        assert now
        assert all(one.falls == falls for one in now)
        struck = with_struck(struck, now)
        seen += now
    assert seen == due_events(leg, Struck(DAY), SPAIN, FOREVER)
    assert due_events(leg, struck, SPAIN, FOREVER) == []
    assert parse_struck(struck.encode()) == struck


def test_another_calendar_strikes_nothing_twice() -> None:
    leg, until = the_leg(EIO), utc("2026-12-01 12:00")
    struck = with_struck(Struck(DAY), due_events(leg, Struck(DAY), SPAIN, until))
    later: Calendars = {"ES": a_calendar(version="es.2", holidays=["2026-12-03"])}
    assert [one.event for one in due_events(leg, struck, later, FOREVER) if one.owed == "decide"] == [
        "reminder-0",
        OVERDUE,
    ]
    leg = after(leg, "ask-status", at=until)
    struck = moved(leg, struck, later, until)
    assert [one.event for one in due_events(leg, struck, later, FOREVER) if one.owed == "decide"] == [
        "reminder-0",
        OVERDUE,
    ]
    assert struck.keys
    assert not moved(after(leg, "refuse", at=until), struck, later, until).keys


def test_what_would_have_come_before_the_leg_moved_is_not_made_up_for() -> None:
    events = due_events(the_leg(EIO), Struck(utc("2026-12-02 00:00")), SPAIN, FOREVER)
    assert {one.event for one in events if one.owed == "decide"} == {"reminder-0", OVERDUE}


@pytest.mark.parametrize("document", [{}, {"since": "yesterday", "keys": []}, {"since": 3, "keys": []}, None, []])
def test_what_does_not_say_what_was_struck_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_struck(document)


def test_a_limit_of_the_law_is_not_overdue_on_a_day_that_is_not_worked() -> None:
    leg = decide_move(the_leg(EIO), a_message(the_leg(EIO), "accept"), digest_of("x"), utc("2026-11-08 10:00"))
    [execution] = [one for one in waiting_on(leg) if one.act == "execute"]
    assert execution.due == utc("2027-02-06 23:59:59")  # a Saturday
    assert not is_overdue(leg, execution, utc("2027-02-07 12:00"), SPAIN)
    assert is_overdue(leg, execution, utc("2027-02-08 23:00"), SPAIN)
    assert day("2027-02-08").isoweekday() == 1


def test_an_order_for_evidence_is_answered_in_ten_days_and_in_an_emergency_in_eight_hours() -> None:
    """Regulation (EU) 2023/1543 art. 10 (k), as a sample: the tenth day after 3 November."""
    sample = {"ma-es-2009": "2023-1543.1"}
    usual, emergency = the_leg(sample), the_leg(sample, urgency="emergency")
    for leg, due in ((usual, utc("2026-11-13 23:59:59")), (emergency, emergency.opened_at + timedelta(hours=8))):
        assert [one.due for one in leg.obligations if one.basis is DueBasis.law] == [due]
