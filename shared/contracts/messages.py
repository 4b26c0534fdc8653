"""What the services say to each other: commands are imperative, events are in the past tense.

Rules:
1. A message is frozen, closed (`extra=forbid`) and versioned: a change of meaning is a new version beside the old one.
2. It carries sealed contents as opaque bytes and routing data; it never carries a key or a plaintext of an authority.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Base64UrlBytes, BaseModel, ConfigDict, Field

from shared.domain.id_fields import AuthorityId, Digest, DossierId, MeasureId, MessageId, ProcessId, Timestamp

Sealed = Annotated[bytes, Base64UrlBytes]
MOST_KINDS: Final = 100
"""Refusals that one account tells apart, by code and party."""
OTHERS: Final = "others"
"""The code under which it counts the rest."""
LetterNumber = Annotated[int, Field(ge=1, lt=2**53)]


class ServiceMessage(BaseModel):
    """One item of a frame. `TYPE` and `VERSION` name it on the bus."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")
    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1


class Summary(BaseModel):
    """The routing data of one envelope, read from its signed header by whoever verified it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    message: MessageId
    digest: Digest
    dossier: DossierId
    profile: str
    kind: str
    sender: AuthorityId
    recipients: tuple[AuthorityId, ...]
    leg: AuthorityId | None
    measures: dict[str, str]
    urgency: str
    in_reply_to: MessageId | None
    sent_at: Timestamp
    expires_at: Timestamp


class SubmitEnvelope(ServiceMessage):
    """Gateway → intake: decide on this submission. `submission` is the container as it was posted, byte for byte."""

    TYPE = "submit-envelope"
    submission: bytes
    caller: AuthorityId
    received_at: Timestamp
    decide_by: Timestamp
    receipt: str


class RecordKeyEvent(ServiceMessage):
    """Gateway → intake: admit this signed key event to the directory."""

    TYPE = "record-key-event"
    event: bytes
    received_at: Timestamp


class RecordInstruments(ServiceMessage):
    """Gateway → intake: admit this signed registry of instruments."""

    TYPE = "record-instruments"
    document: bytes
    received_at: Timestamp


class RecordReading(ServiceMessage):
    """Gateway → routing: this auditor reads what names all parties; `request` is its signed HTTP request."""

    TYPE = "record-reading"
    auditor: AuthorityId
    request: str
    read_at: Timestamp


class RefusedCalls(BaseModel):
    """How many calls were refused with this code; `party` signed them, null where no signature verified."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    code: str
    party: str | None
    count: int


class RecordRefusals(ServiceMessage):
    """Gateway → intake: what it refused between these times; nothing, where it says that it is at work."""

    TYPE = "record-refusals"
    since: Timestamp
    until: Timestamp
    refused: Annotated[tuple[RefusedCalls, ...], Field(max_length=MOST_KINDS + 1)]


class RecordGatewayStart(ServiceMessage):
    """Gateway → intake: this process of the gateway began to work, under the roster with this digest."""

    TYPE = "record-gateway-start"
    process: ProcessId
    version: str
    started_at: Timestamp
    roster_sha256: Digest


class RecordGatewayStop(ServiceMessage):
    """Gateway → intake: it ended in order."""

    TYPE = "record-gateway-stop"
    process: ProcessId
    stopped_at: Timestamp


class RetryIntakeLetter(ServiceMessage):
    """Gateway → intake: an operator wants this dead letter of intake tried again; `request` is its signed request."""

    TYPE = "retry-intake-letter"
    letter: LetterNumber
    request: str
    requested_at: Timestamp


class RetryRoutingLetter(ServiceMessage):
    """Gateway → routing: the same for a dead letter of routing."""

    TYPE = "retry-routing-letter"
    letter: LetterNumber
    request: str
    requested_at: Timestamp


class RetryNotificationLetter(ServiceMessage):
    """Gateway → notification: the same for a dead letter of notification."""

    TYPE = "retry-notification-letter"
    letter: LetterNumber
    request: str
    requested_at: Timestamp


RetryLetter = RetryIntakeLetter | RetryRoutingLetter | RetryNotificationLetter
"""Handled by the service's runtime, whose rows dead letters are, before its handler is asked."""


class LegStatus(BaseModel):
    """The legal state of one leg after a decision, as the parties' feeds tell it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    leg: AuthorityId
    status: str
    measures: dict[str, str]


class EnvelopeAdmitted(ServiceMessage):
    """Intake → routing: this envelope is accepted; carry it to its recipients.

    `jws` is its signed manifest in canonical form, `wraps` maps a sealing kid to its wrap, `parts` the digest of a
    sealed part to its ciphertext: intake took the submission apart and verified each against the manifest. `routes`
    says of each recipient why it goes there (`shared.domain.routes`).
    """

    TYPE = "envelope-admitted"
    summary: Summary
    jws: str
    wraps: dict[str, bytes]
    parts: dict[Digest, bytes]
    admitted_at: Timestamp
    legs: tuple[LegStatus, ...]
    routes: dict[AuthorityId, str] = {}


class EnvelopeDecided(ServiceMessage):
    """Intake → notification: the sender must hear the decision. `code` and `sentence` are null when it was accepted."""

    TYPE = "envelope-decided"
    summary: Summary
    decision: Literal["accepted", "rejected"]
    code: str | None
    sentence: str | None
    facts: dict[str, str]
    decided_at: Timestamp
    legs: tuple[LegStatus, ...]


class EnvelopeDelivered(ServiceMessage):
    """Routing → notification: the envelope lies in these mailboxes."""

    TYPE = "envelope-delivered"
    summary: Summary
    delivered_at: Timestamp
    legs: tuple[LegStatus, ...]


class EnvelopeRetrieved(ServiceMessage):
    """Gateway → routing: `recipient` fetched the envelope; `request` is the signed HTTP request."""

    TYPE = "envelope-retrieved"
    message: MessageId
    recipient: AuthorityId
    request: str
    retrieved_at: Timestamp


class RetrievalRecorded(ServiceMessage):
    """Routing → notification: the sender must hear that a recipient fetched its envelope."""

    TYPE = "retrieval-recorded"
    message: MessageId
    dossier: DossierId
    sender: AuthorityId
    recipient: AuthorityId
    retrieved_at: Timestamp


class ClockStruck(ServiceMessage):
    """Intake → notification: what the passing of time says on a leg (`domain.clock_events`), and who must hear it."""

    TYPE = "clock-struck"
    event: str
    falls: Timestamp
    dossier: DossierId
    leg: AuthorityId
    message: MessageId
    debtor: AuthorityId
    measures: tuple[MeasureId, ...]
    owed: str | None = None
    basis: str | None = None
    due: Timestamp | None = None
    calendar: str
    struck_at: Timestamp
    tell: tuple[AuthorityId, ...]


class LimitPassed(ServiceMessage):
    """Intake → notification: a limit of transport passed (`domain.transport_limits`), and who must hear it."""

    TYPE = "limit-passed"
    said: str
    falls: Timestamp
    message: MessageId
    dossier: DossierId
    sender: AuthorityId
    recipient: AuthorityId
    struck_at: Timestamp
    tell: tuple[AuthorityId, ...]


class FeedAdvanced(ServiceMessage):
    """Notification → every gateway (lossy): these authorities' feeds have new entries."""

    TYPE = "feed-advanced"
    authorities: tuple[AuthorityId, ...]


def json_facts(facts: dict[str, Any]) -> dict[str, str]:
    """An error's facts as text, so that a decision can be told again in another language."""
    return {name: str(value) for name, value in facts.items()}
