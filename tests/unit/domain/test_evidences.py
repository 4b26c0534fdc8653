"""Evidences of transport: what they say together, and when the missing one is produced."""

from __future__ import annotations

import pytest

from shared.domain.catalogue import COVERT, COVERT_MEASURES, HEADER_MEASURES, OPEN_MEASURES
from shared.domain.evidences import LIMITS, Evidence, TransportState, transport_state
from shared.domain.header import Urgency


@pytest.mark.parametrize(
    ("evidences", "state"),
    [
        ([], TransportState.submitted),
        ([Evidence.submission_acceptance], TransportState.submitted),
        ([Evidence.submission_acceptance, Evidence.relay_acceptance], TransportState.relayed),
        ([Evidence.relay_failure], TransportState.not_relayed),
        ([Evidence.relay_rejection], TransportState.not_relayed),
        ([Evidence.relay_acceptance, Evidence.non_delivery], TransportState.not_delivered),
        ([Evidence.delivery, Evidence.relay_acceptance], TransportState.delivered),
        ([Evidence.non_delivery, Evidence.delivery], TransportState.delivered),
        ([Evidence.delivery, Evidence.non_retrieval], TransportState.not_retrieved),
        ([Evidence.delivery, Evidence.non_retrieval, Evidence.retrieval], TransportState.retrieved),
    ],
)
def test_the_state_follows_from_the_evidences_in_any_order(evidences: list[Evidence], state: TransportState) -> None:
    assert transport_state(evidences) is state
    assert transport_state(reversed(evidences)) is state


def test_routine_transport_has_the_limits_of_the_design() -> None:
    hours = [(one.warn.total_seconds() / 3600, one.fail.total_seconds() / 3600) for one in LIMITS[Urgency.routine]]
    assert hours == [(1, 12), (12, 24), (24, 36)]


def test_the_more_urgent_the_sooner_the_negative_evidence() -> None:
    for routine, urgent, emergency in zip(*(LIMITS[urgency] for urgency in Urgency), strict=True):
        assert routine.fail > urgent.fail > emergency.fail
        assert routine.warn > urgent.warn > emergency.warn


def test_covert_measures_have_no_name_of_their_own_in_a_header() -> None:
    assert frozenset(OPEN_MEASURES) | {COVERT} == HEADER_MEASURES
    assert not HEADER_MEASURES & set(COVERT_MEASURES)
