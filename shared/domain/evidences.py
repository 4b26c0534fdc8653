"""Evidences of transport, in the vocabulary of ETSI's registered electronic mail (REM), and what they say together.

Apart from the law: delivery is the mailbox, retrieval is the recipient's signed request; neither is an acknowledgement.
A positive evidence that does not come in time produces its negative by clock. Mapping to the later names of EN 319
532-1 (content consignment, content handover) is (k). This module fixes words, order and limits; routing produces the
evidences.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from shared.domain.header import Urgency


class Evidence(StrEnum):
    """What an evidence attests, after ETSI TS 102 640-1 (k)."""

    submission_acceptance = "submission-acceptance"
    submission_rejection = "submission-rejection"
    relay_acceptance = "relay-acceptance"
    relay_rejection = "relay-rejection"
    relay_failure = "relay-failure"
    delivery = "delivery"
    non_delivery = "non-delivery"
    retrieval = "retrieval"
    non_retrieval = "non-retrieval"


class TransportState(StrEnum):
    """How far a message has come towards one recipient."""

    submitted = "submitted"
    relayed = "relayed"
    not_relayed = "not-relayed"
    delivered = "delivered"
    not_delivered = "not-delivered"
    retrieved = "retrieved"
    not_retrieved = "not-retrieved"


UNDELIVERED = frozenset({TransportState.not_relayed, TransportState.not_delivered})


@dataclass(frozen=True, slots=True)
class EvidenceLimit:
    """After `warn` the parties hear of it; after `fail` the negative evidence is produced."""

    positive: Evidence
    negative: Evidence
    warn: timedelta
    fail: timedelta


def _limits(
    relay: tuple[float, float], delivery: tuple[float, float], retrieval: tuple[float, float]
) -> tuple[EvidenceLimit, ...]:
    pairs = (
        (Evidence.relay_acceptance, Evidence.relay_failure, relay),
        (Evidence.delivery, Evidence.non_delivery, delivery),
        (Evidence.retrieval, Evidence.non_retrieval, retrieval),
    )
    return tuple(
        EvidenceLimit(positive, negative, timedelta(hours=warn), timedelta(hours=fail))
        for positive, negative, (warn, fail) in pairs
    )


LIMITS: Mapping[Urgency, tuple[EvidenceLimit, ...]] = MappingProxyType(
    {  # hours from the submission: warn, fail. All policy
        Urgency.routine: _limits((1, 12), (12, 24), (24, 36)),
        Urgency.urgent: _limits((0.25, 2), (1, 4), (4, 12)),
        Urgency.emergency: _limits((0.05, 0.5), (0.25, 1), (0.5, 2)),
    }
)

_AFTER: tuple[tuple[Evidence, TransportState], ...] = (
    (Evidence.retrieval, TransportState.retrieved),
    (Evidence.non_retrieval, TransportState.not_retrieved),
    (Evidence.delivery, TransportState.delivered),
    (Evidence.non_delivery, TransportState.not_delivered),
    (Evidence.relay_acceptance, TransportState.relayed),
    (Evidence.relay_failure, TransportState.not_relayed),
    (Evidence.relay_rejection, TransportState.not_relayed),
)


def transport_state(evidences: Iterable[Evidence]) -> TransportState:
    """How far a message has come towards one recipient, by the evidences there are, in whatever order they came.

    A positive evidence outweighs its negative: what is in the mailbox is delivered, however late.
    """
    known = set(evidences)
    return next((state for evidence, state in _AFTER if evidence in known), TransportState.submitted)
