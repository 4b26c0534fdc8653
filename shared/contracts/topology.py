"""Who speaks to whom on the bus, as data. A test holds that the queues form no cycle."""

from __future__ import annotations

from typing import Final

from shared.contracts import messages
from shared.contracts.messages import RetryLetter, ServiceMessage

QUEUES: Final = ("intake", "routing", "notification")
"""Work queues; each is consumed by the service of the same name."""

WAKEUPS: Final = "wakeups"
"""The lossy fanout to every gateway."""

SERVICES: Final = ("gateway", "intake", "routing", "notification", "ledger")

CONSUMER: Final[dict[str, str]] = {
    "intake": "intake",
    "routing": "routing",
    "notification": "notification",
    WAKEUPS: "gateway",
}
"""Destination → the service whose key its frames are sealed to."""

DESTINATION: Final[dict[type[ServiceMessage], str]] = {
    messages.SubmitEnvelope: "intake",
    messages.RecordKeyEvent: "intake",
    messages.RecordInstruments: "intake",
    messages.RecordReading: "routing",
    messages.RecordRefusals: "intake",
    messages.RecordGatewayStart: "intake",
    messages.RecordGatewayStop: "intake",
    messages.RetryIntakeLetter: "intake",
    messages.RetryRoutingLetter: "routing",
    messages.RetryNotificationLetter: "notification",
    messages.EnvelopeAdmitted: "routing",
    messages.EnvelopeRetrieved: "routing",
    messages.EnvelopeDecided: "notification",
    messages.EnvelopeDelivered: "notification",
    messages.RetrievalRecorded: "notification",
    messages.ClockStruck: "notification",
    messages.LimitPassed: "notification",
    messages.FeedAdvanced: WAKEUPS,
}
"""Each message type has exactly one destination."""

SAID_BY: Final[dict[type[ServiceMessage], frozenset[str]]] = {
    messages.SubmitEnvelope: frozenset({"gateway"}),
    messages.RecordKeyEvent: frozenset({"gateway"}),
    messages.RecordInstruments: frozenset({"gateway"}),
    messages.RecordReading: frozenset({"gateway"}),
    messages.RecordRefusals: frozenset({"gateway"}),
    messages.RecordGatewayStart: frozenset({"gateway"}),
    messages.RecordGatewayStop: frozenset({"gateway"}),
    messages.RetryIntakeLetter: frozenset({"gateway"}),
    messages.RetryRoutingLetter: frozenset({"gateway"}),
    messages.RetryNotificationLetter: frozenset({"gateway"}),
    messages.EnvelopeAdmitted: frozenset({"intake"}),
    messages.EnvelopeRetrieved: frozenset({"gateway"}),
    messages.EnvelopeDecided: frozenset({"intake"}),
    messages.EnvelopeDelivered: frozenset({"routing"}),
    messages.RetrievalRecorded: frozenset({"routing"}),
    messages.ClockStruck: frozenset({"intake"}),
    messages.LimitPassed: frozenset({"intake"}),
    messages.FeedAdvanced: frozenset({"notification"}),
}
"""Message type → the services that are believed when they say it: whoever takes the gateway, which strangers reach,
cannot admit an envelope, nor tell of a delivery."""

PRODUCERS: Final[dict[str, frozenset[str]]] = {
    destination: frozenset().union(*(SAID_BY[said] for said, goes_to in DESTINATION.items() if goes_to == destination))
    for destination in CONSUMER
}
"""Destination → the services whose frames it accepts."""

LETTERED: Final = (*QUEUES, "ledger")
"""The services that have dead letters."""

RETRY_LETTER: Final[dict[str, type[RetryLetter]]] = {
    "intake": messages.RetryIntakeLetter,
    "routing": messages.RetryRoutingLetter,
    "notification": messages.RetryNotificationLetter,
}
"""Service → the message that has one of its dead letters tried again."""

QUEUE_LIMIT: Final = 500
"""Frames that a work queue holds before it refuses more (both buses)."""

OUTBOX: Final = "outbox"
"""The destination of what a service leaves for its own relay: sealed to itself, so that nobody else can."""

PARKED: Final = "parked"
LETTER: Final = "dead-letter"
"""The destinations of the seals of what a service put off or set aside, sealed to itself."""

LEDGER: Final = "ledger"
"""The destination of leaves that wait for their place: sealed to the ledger."""

WRITTEN_BY: Final[dict[str, frozenset[str]]] = {
    "decision.accepted": frozenset({"intake"}),
    "decision.rejected": frozenset({"intake"}),
    "evidence.submission-acceptance": frozenset({"intake"}),
    "evidence.submission-rejection": frozenset({"intake"}),
    "evidence.relay-acceptance": frozenset({"routing"}),
    "evidence.relay-rejection": frozenset({"routing"}),
    "evidence.relay-failure": frozenset({"intake"}),
    "evidence.delivery": frozenset({"routing"}),
    "evidence.non-delivery": frozenset({"intake"}),
    "evidence.retrieval": frozenset({"routing"}),
    "evidence.non-retrieval": frozenset({"intake"}),
    "directory.key-event": frozenset({"intake"}),
    "directory.instruments": frozenset({"intake"}),
    "directory.roster": frozenset({"intake"}),
    "audit.reading": frozenset({"routing"}),
    "exchange.calls-refused": frozenset({"intake"}),
    "exchange.started": frozenset({"intake", "routing", "notification", "ledger"}),
    "exchange.stopped": frozenset({"intake", "routing", "notification", "ledger"}),
    "exchange.parts-pruned": frozenset({"routing"}),
    "clock.event": frozenset({"intake"}),
    "clock.transport-late": frozenset({"intake"}),
    "exchange.letter-retried": frozenset({"intake", "routing", "notification"}),
}
"""Leaf type → the services from which the ledger takes it: whoever took one of them writes no other's leaves."""

SPEAKS_FOR: Final[dict[str, str]] = {"intake": "gateway"}
"""Who writes leaves → in whose name besides its own: the gateway writes nothing in the database."""

LEAF_WRITERS: Final = frozenset().union(*WRITTEN_BY.values())

DELIVERY_LIMIT: Final = 20
"""Deliveries of one frame before the bus sets it aside in the queue's dead letters."""
