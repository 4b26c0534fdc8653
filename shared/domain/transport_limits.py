"""Time limits of transport: until when an accepted message is relayed, delivered, retrieved, and what is said if not.

A pure function of the acceptance and of the evidences that there are. Rules:
1. Limits count from the acceptance by intake, which is the acceptance of the submission, in hours and not in days:
   nobody's desk has to be open. They are all policy.
2. After the first limit a warning, after the second the negative evidence (`evidences.LIMITS`). Either is due when the
   positive evidence was not there by then; what comes later undoes nothing, and outweighs it.
3. This exchange relays to nobody: a delivery shows that the message was relayed.
4. The retrieval is awaited once the message is delivered. What was delivered late leaves the recipient as long as lies
   between the limits of delivery and retrieval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.domain.evidences import LIMITS, Evidence
from shared.domain.header import Urgency
from shared.domain.ids import encode_time

WARNING_LEAF: Final = "clock.transport-late"
TIME_LIMIT: Final = "time-limit"
"""Why a negative evidence was produced: its `code`."""
WARNINGS: Final = {
    Evidence.relay_acceptance: "relay-late",
    Evidence.delivery: "delivery-late",
    Evidence.retrieval: "retrieval-late",
}
FAILURES: Final = tuple(limit.negative.value for limit in LIMITS[Urgency.routine])
SAID: Final = (*WARNINGS.values(), *FAILURES)
"""Everything that is said when a limit passes."""
NOT_DELIVERED: Final = frozenset({Evidence.relay_failure.value, Evidence.non_delivery.value})


def is_denied(said: Iterable[str]) -> bool:
    """Whether one of these words says that a message was not delivered. What came is delivered all the same."""
    return not NOT_DELIVERED.isdisjoint(said)


FIRST: Final = {urgency: limits[0].warn for urgency, limits in LIMITS.items()}
"""The shortest limit of each urgency: what was delivered by then missed none but perhaps those of the retrieval."""
ASKED_BY: Final = {urgency: limits[-1].warn for urgency, limits in LIMITS.items()}
"""The first limit of the retrieval of what was delivered in time."""


@dataclass(frozen=True, slots=True)
class MissedLimit:
    """A limit that passes at `falls` without the evidence that was `awaited`; `said` is a warning, or the negative
    evidence."""

    said: str
    awaited: Evidence
    falls: datetime

    @property
    def is_failure(self) -> bool:
        return self.said in FAILURES

    @property
    def leaf(self) -> str:
        """The type of the leaf that says it."""
        return f"evidence.{self.said}" if self.is_failure else WARNING_LEAF

    def encode(self) -> dict[str, str]:
        """As the ledger has it, beside what the leaf says of the message."""
        fields = {"falls": encode_time(self.falls)}
        if not self.is_failure:
            return {**fields, "awaited": self.awaited.value}
        return fields if self.awaited is Evidence.retrieval else {**fields, "code": TIME_LIMIT}


def missed_limits(
    urgency: Urgency, accepted_at: datetime, delivered_at: datetime | None, retrieved_at: datetime | None
) -> list[MissedLimit]:
    """The limits that were missed, and those to come that will be if no evidence comes; in order."""
    return sorted(_missed(urgency, accepted_at, delivered_at, retrieved_at), key=lambda one: (one.falls, one.said))


def _missed(
    urgency: Urgency, accepted_at: datetime, delivered_at: datetime | None, retrieved_at: datetime | None
) -> Iterator[MissedLimit]:
    _, delivery, _ = LIMITS[urgency]
    for limit in LIMITS[urgency]:
        came, begins = delivered_at, (timedelta(), timedelta())
        if limit.positive is Evidence.retrieval:
            if delivered_at is None:
                continue
            late_by = delivered_at - accepted_at
            came, begins = retrieved_at, (late_by - delivery.warn, late_by - delivery.fail)
        said = (WARNINGS[limit.positive], limit.negative.value)
        for word, after, begin in zip(said, (limit.warn, limit.fail), begins, strict=True):
            falls = accepted_at + after + max(begin, timedelta())
            if came is None or came > falls:
                yield MissedLimit(word, limit.positive, falls)
