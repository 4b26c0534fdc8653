"""A message that moves a leg finds everything said that fell before it, in the same transaction."""

from __future__ import annotations

from datetime import timedelta

from shared.contracts.messages import ClockStruck, EnvelopeDecided
from shared.contracts.records import LegRecord
from tests.unit.envelope.workshop import NOW
from tests.unit.services.desk import BE, Desk, leaves_of, opened_by, reply, request, submit

LATE = NOW + timedelta(days=8)


def leg_of(desk: Desk) -> LegRecord:
    [record] = [row for row in desk.of(LegRecord) if isinstance(row, LegRecord) and row.requested == BE]
    return record


def test_what_fell_is_struck_before_the_decision_that_moves_the_leg() -> None:
    first = request()
    desk = opened_by(first)
    effects = desk.handle(submit(reply(first, "acknowledge", BE), BE), LATE)
    *fell, decision = leaves_of(effects)
    assert [(leaf.type, leaf.fields["event"], leaf.fields["owed"]) for leaf in fell] == [
        ("clock.event", "reminder-2", "acknowledge"),
        ("clock.event", "reminder-0", "acknowledge"),
        ("clock.event", "overdue", "acknowledge"),
    ]
    assert decision.type == "decision.accepted"
    told = [one for one in effects.publishes if isinstance(one, ClockStruck)]
    assert [one.event for one in told] == [leaf.fields["event"] for leaf in fell]
    assert isinstance(effects.publishes[len(told)], EnvelopeDecided)


def test_what_moved_in_time_hears_nothing_and_the_next_event_is_the_leg_s_own() -> None:
    first = request()
    desk = opened_by(first)
    before = leg_of(desk)
    effects = desk.handle(submit(reply(first, "acknowledge", BE), BE), NOW + timedelta(hours=1))
    assert [leaf.type for leaf in leaves_of(effects)] == ["decision.accepted"]
    after = leg_of(desk)
    assert before.next_fall is not None
    assert after.next_fall is not None
    assert before.next_fall < after.next_fall


def test_what_is_refused_strikes_nothing() -> None:
    first = request()
    desk = opened_by(first)
    effects = desk.handle(submit(reply(first, "refuse", BE), BE), LATE)  # without a ground
    assert [leaf.type for leaf in leaves_of(effects)] == ["decision.rejected"]
