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

PRODUCERS: Final[dict[str, frozenset[str]]] = {
    "intake": frozenset({"gateway"}),
    "routing": frozenset({"gateway", "intake"}),
    "notification": frozenset({"gateway", "intake", "routing"}),
    WAKEUPS: frozenset({"notification"}),
}
"""Destination → the services whose frames it accepts."""

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
    messages.RetryIntakeLetter: "intake",
    messages.RetryRoutingLetter: "routing",
    messages.RetryNotificationLetter: "notification",
    messages.EnvelopeAdmitted: "routing",
    messages.EnvelopeRetrieved: "routing",
    messages.EnvelopeDecided: "notification",
    messages.EnvelopeDelivered: "notification",
    messages.RetrievalRecorded: "notification",
    messages.FeedAdvanced: WAKEUPS,
}
"""Each message type has exactly one destination."""

RETRY_LETTER: Final[dict[str, type[RetryLetter]]] = {
    "intake": messages.RetryIntakeLetter,
    "routing": messages.RetryRoutingLetter,
    "notification": messages.RetryNotificationLetter,
}
"""Service → the message that has one of its dead letters tried again."""

QUEUE_LIMIT: Final = 500
"""Frames that a work queue holds before it refuses more (both buses)."""

DELIVERY_LIMIT: Final = 20
"""Deliveries of one frame before the bus sets it aside in the queue's dead letters."""
