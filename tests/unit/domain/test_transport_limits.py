"""Limits of transport: what is missed follows from the times of acceptance and evidences alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.evidences import LIMITS
from shared.domain.header import Urgency
from shared.domain.transport_limits import FIRST, SAID, missed_limits

ACCEPTED = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
# docs/spec/clocks.md, typed again: hours to the warning and to the failure.
TABLE: dict[Urgency, list[tuple[str, float, float]]] = {
    Urgency.routine: [("relay", 1, 12), ("delivery", 12, 24), ("retrieval", 24, 36)],
    Urgency.urgent: [("relay", 0.25, 2), ("delivery", 1, 4), ("retrieval", 4, 12)],
    Urgency.emergency: [("relay", 0.05, 0.5), ("delivery", 0.25, 1), ("retrieval", 0.5, 2)],
}
FAILS = {"relay": "relay-failure", "delivery": "non-delivery", "retrieval": "non-retrieval"}


def after(hours: float) -> datetime:
    return ACCEPTED + timedelta(hours=hours)


def told(urgency: Urgency, delivered: float | None, retrieved: float | None) -> dict[str, datetime]:
    came = (None if hours is None else after(hours) for hours in (delivered, retrieved))
    return {one.said: one.falls for one in missed_limits(urgency, ACCEPTED, *came)}


@pytest.mark.parametrize("urgency", Urgency)
def test_what_never_came_misses_each_limit_of_relay_and_delivery_and_none_of_the_retrieval(urgency: Urgency) -> None:
    ought = {f"{name}-late": after(warn) for name, warn, _ in TABLE[urgency][:2]}
    assert told(urgency, None, None) == ought | {FAILS[name]: after(fail) for name, _, fail in TABLE[urgency][:2]}


@pytest.mark.parametrize("urgency", Urgency)
def test_what_nobody_fetches_misses_the_limits_of_the_retrieval(urgency: Urgency) -> None:
    _, warn, fail = TABLE[urgency][2]
    assert told(urgency, 0, None) == {"retrieval-late": after(warn), "non-retrieval": after(fail)}


def test_an_evidence_in_the_last_instant_is_in_time_and_one_after_it_is_not() -> None:
    assert told(Urgency.routine, 1, 24) == {}
    second = 1 / 3600
    assert set(told(Urgency.routine, 1 + second, 24)) == {"relay-late"}
    assert set(told(Urgency.routine, 1, 24 + second)) == {"retrieval-late"}


def test_what_is_delivered_late_leaves_the_recipient_the_time_between_the_limits() -> None:
    missed = told(Urgency.routine, 30, None)
    assert set(missed) == set(SAID)
    assert (missed["retrieval-late"], missed["non-retrieval"]) == (after(42), after(42))
    assert set(told(Urgency.routine, 30, 41)) == set(SAID) - {"retrieval-late", "non-retrieval"}


def test_the_first_limit_is_the_shortest() -> None:
    assert all(min(one.warn for one in limits) == FIRST[urgency] for urgency, limits in LIMITS.items())


def test_what_is_missed_comes_in_order() -> None:
    falls = [one.falls for one in missed_limits(Urgency.urgent, ACCEPTED, None, None)]
    assert falls == sorted(falls)
