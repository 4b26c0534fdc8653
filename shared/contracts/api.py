"""What crosses the HTTP API, both ways; the gateway answers with these, the client reads them back.

Bytes are base64url without padding, digests the same of 32 bytes, times RFC 3339 UTC. Answers may grow new fields in a
minor version, so readers ignore what they do not know; requests are closed.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.keys.signed_document import MAX_SIGNED_DOCUMENT_BYTES

MESSAGE_CONTENT_TYPE = "application/vnd.comity.message+json"
KEY_EVENT_CONTENT_TYPE = "application/vnd.comity.key-event+json"
INSTRUMENTS_CONTENT_TYPE = "application/vnd.comity.instruments+json"
MAX_SUBMISSION_BYTES = 1_572_864  # 1.5 MiB: 1 MiB of sealed parts in base64, the JWS and 200 wraps
MAX_DOCUMENT_BYTES = MAX_SIGNED_DOCUMENT_BYTES  # more would be refused by intake alone, where nobody hears of it
FEED_PAGE = 100
FEED_PAGE_MOST = 500
FEED_WAIT_MOST_S = 25
KEY_EVENT_PAGE = 32
"""Proofs of key events in one answer, at most: the largest entries together stay below 4 MiB."""
STAMP_PAGE = 32
"""Time-stamps in one answer, at most: of the largest, together below 4 MiB."""
LETTER_PAGE = 100
LETTER_PAGE_MOST = 500


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Accepted(_Answer):
    """202: the submission is kept and will be decided. `receipt` is a compact JWS (`docs/spec/api-signatures.md`)."""

    message: str
    digest: str
    receipt: str
    decide_by: str


class Decision(_Answer):
    """What intake decided, once readable: in the answer to a repeated POST and in `GET /v1/messages/{id}/decision`."""

    message: str
    digest: str
    decision: str = Field(pattern=r"^(accepted|rejected)$")
    code: str | None
    sentence: str | None
    facts: dict[str, str]
    decided_at: str
    receipt: str
    leaf_index: int | None


class PartRef(_Answer):
    name: str
    sha256: str
    size: int


class MessageForReader(_Answer):
    """One sealed message for one reader: GET each part under `/v1/messages/{id}/parts/{name}`. `kid` and `wrap` are
    null for a holder that the leg was handed to later: what opens it came in the `forward`."""

    message: str
    dossier: str
    sender: str
    digest: str
    jws: dict[str, Any]
    kid: str | None
    wrap: str | None
    parts: tuple[PartRef, ...]
    delivered_at: str


class EvidenceItem(_Answer):
    """A transport fact; `proof` is a tlog-proof with the entry as its `extra`, null until a checkpoint covers it."""

    kind: str
    recipient: str
    at: str
    leaf_index: int | None
    proof: str | None


class Evidences(_Answer):
    message: str
    items: tuple[EvidenceItem, ...]


class Obligation(_Answer):
    debtor: str
    act: str
    measures: tuple[str, ...]
    due: str | None
    basis: str
    overdue: bool


class MeasureStatus(_Answer):
    id: str
    type: str
    state: str
    since: str
    outcome: str | None = None
    late: bool = False


class LegView(_Answer):
    """`state` is `shared.domain.dossier.encode_leg`: clients derive the status lines by the same functions."""

    requested: str
    status: str
    measures: tuple[MeasureStatus, ...]
    waiting_on: tuple[Obligation, ...]
    transport: str
    head: str
    state: dict[str, Any]


class DossierAnswer(_Answer):
    dossier: str
    number: str
    requesting: str
    profile: str
    status: str
    opened_at: str
    legs: tuple[LegView, ...]


class DossierPage(_Answer):
    items: tuple[DossierAnswer, ...]
    next: str | None


class FeedItem(_Answer):
    """`type` is `message.` and `accepted`, `rejected`, `delivered`, `retrieved`, or a missed limit (to the sender),
    `message.received` (to a recipient), or `clock.` and an event; who hears what: `docs/spec/clocks.md`."""

    cursor: str
    at: str
    type: str
    message: str
    dossier: str
    data: dict[str, Any]


class FeedPage(_Answer):
    items: tuple[FeedItem, ...]
    next: str
    """Cursor to go on from; equals the request's when nothing is new."""


class QueueFigures(_Answer):
    """One service's messages on the bus and in its tables; null is what could not be read."""

    service: str
    waiting: int | None
    """Frames in its queue, without those that it holds."""
    given_up: int | None
    """Frames that the broker set aside and the service has not taken over as dead letters yet."""
    parked: int | None
    next_due: str | None
    outbox: int | None
    outbox_age_s: float | None
    """Seconds since the oldest message was decided that the bus has not confirmed."""
    dead_letters: int | None


class LedgerState(_Answer):
    """`size` entries have their place, `signed_size` of them are under a signed checkpoint. `leaves_waiting` counts
    frames of leaves, one of each transaction, `dead_letters` those that get no place."""

    size: int
    signed_size: int
    newest_at: str | None
    age_s: float | None
    leaves_waiting: int
    dead_letters: int


class Unread(_Answer):
    """A part of the exchange that does not answer: `broker` or `database`."""

    part: str
    why: str


class OperatorQueues(_Answer):
    at: str
    queues: tuple[QueueFigures, ...]
    ledger: LedgerState | None
    unread: tuple[Unread, ...]


class DeadLetterItem(_Answer):
    """One message that a service could not process. `item` is the id in the logs, null where its frame did not open."""

    id: str
    service: str
    type: str | None
    item: str | None
    at: str
    attempts: int
    retries: int
    reason: str


class DeadLetterPage(_Answer):
    items: tuple[DeadLetterItem, ...]
    next: str | None


class DeadLetterAnswer(DeadLetterItem):
    """`earlier` are the reasons of the times before, the newest first."""

    earlier: tuple[str, ...]


class KeyEntry(_Answer):
    use: str
    kid: str
    public: str
    not_before: str
    not_after: str


class PartyEntry(_Answer):
    """A party as the directory shows it; `event_seq` names the key event, `event` is the signed event itself."""

    party: str
    role: str
    names: dict[str, str]
    suspended: bool
    keys: tuple[KeyEntry, ...]
    event_seq: int


class Directory(_Answer):
    """All signed key events in order: whoever holds the trust file replays them and trusts nothing else."""

    events: tuple[str, ...]
    parties: tuple[PartyEntry, ...]


class DirectoryStatementAnswer(_Answer):
    """Which key event and registry of instruments are the newest now, signed: a compact JWS, as in
    `docs/spec/api-signatures.md`."""

    statement: str


class KeyEventItem(_Answer):
    """Where key event `seq` stands in the ledger; `proof` is a tlog-proof with the entry as its `extra`, null until a
    checkpoint covers it."""

    seq: int
    leaf_index: int | None
    proof: str | None


class KeyEventPage(_Answer):
    """In order of their numbers, without a gap."""

    items: tuple[KeyEventItem, ...]


class StampItem(_Answer):
    """`token` is a TimeStampResp of RFC 3161, DER in base64url, over the tree head of `size` entries; `authority` is
    the host that gave it."""

    size: int
    authority: str
    token: str


class StampPage(_Answer):
    """In order of the trees' sizes."""

    items: tuple[StampItem, ...]


class WellKnown(_Answer):
    name: str
    versions: tuple[str, ...]
    origin: str
    receipt_key: str
    log_vkeys: tuple[str, ...]
    time: str


class Problem(_Answer):
    """RFC 9457 problem details; `code` is stable, `facts` are the error's particulars."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    facts: dict[str, str] = {}
