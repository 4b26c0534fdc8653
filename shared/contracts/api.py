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


class Answer(BaseModel):
    """Of which all answers are made."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Accepted(Answer):
    """202: the submission is kept and will be decided. `receipt` is a compact JWS (`docs/spec/api-signatures.md`)."""

    message: str
    digest: str
    receipt: str
    decide_by: str


class Decision(Answer):
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


class PartRef(Answer):
    name: str
    sha256: str
    size: int


class MessageForReader(Answer):
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


class EvidenceItem(Answer):
    """A transport fact; `proof` is a tlog-proof with the entry as its `extra`, null until a checkpoint covers it."""

    kind: str
    recipient: str
    at: str
    leaf_index: int | None
    proof: str | None


class Evidences(Answer):
    message: str
    items: tuple[EvidenceItem, ...]


class Obligation(Answer):
    debtor: str
    act: str
    measures: tuple[str, ...]
    due: str | None
    basis: str
    overdue: bool


class MeasureStatus(Answer):
    id: str
    type: str
    state: str
    since: str
    outcome: str | None = None
    late: bool = False


class LegView(Answer):
    """`state` is `shared.domain.dossier.encode_leg`: clients derive the status lines by the same functions."""

    requested: str
    status: str
    measures: tuple[MeasureStatus, ...]
    waiting_on: tuple[Obligation, ...]
    transport: str
    head: str
    state: dict[str, Any]


class DossierAnswer(Answer):
    dossier: str
    number: str
    requesting: str
    profile: str
    status: str
    opened_at: str
    legs: tuple[LegView, ...]


class DossierPage(Answer):
    items: tuple[DossierAnswer, ...]
    next: str | None


class FeedItem(Answer):
    """`type` is `message.` and `accepted`, `rejected`, `delivered`, `retrieved`, or a missed limit (to the sender),
    `message.received` (to a recipient), or `clock.` and an event; who hears what: `docs/spec/clocks.md`."""

    cursor: str
    at: str
    type: str
    message: str
    dossier: str
    data: dict[str, Any]


class FeedPage(Answer):
    items: tuple[FeedItem, ...]
    next: str
    """Cursor to go on from; equals the request's when nothing is new."""


class KeyEntry(Answer):
    use: str
    kid: str
    public: str
    not_before: str
    not_after: str


class PartyEntry(Answer):
    """A party as the directory shows it; `event_seq` names the key event, `event` is the signed event itself."""

    party: str
    role: str
    names: dict[str, str]
    suspended: bool
    keys: tuple[KeyEntry, ...]
    event_seq: int


class Directory(Answer):
    """All signed key events in order: whoever holds the trust file replays them and trusts nothing else."""

    events: tuple[str, ...]
    parties: tuple[PartyEntry, ...]


class DirectoryStatementAnswer(Answer):
    """Which key event and registry of instruments are the newest now, signed: a compact JWS, as in
    `docs/spec/api-signatures.md`."""

    statement: str


class KeyEventItem(Answer):
    """Where key event `seq` stands in the ledger; `proof` is a tlog-proof with the entry as its `extra`, null until a
    checkpoint covers it."""

    seq: int
    leaf_index: int | None
    proof: str | None


class KeyEventPage(Answer):
    """In order of their numbers, without a gap."""

    items: tuple[KeyEventItem, ...]


class StampItem(Answer):
    """`token` is a TimeStampResp of RFC 3161, DER in base64url, over the tree head of `size` entries; `authority` is
    the host that gave it."""

    size: int
    authority: str
    token: str


class StampPage(Answer):
    """In order of the trees' sizes."""

    items: tuple[StampItem, ...]


class WellKnown(Answer):
    name: str
    versions: tuple[str, ...]
    origin: str
    receipt_key: str
    log_vkeys: tuple[str, ...]
    time: str


class Problem(Answer):
    """RFC 9457 problem details; `code` is stable, `facts` are the error's particulars."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    facts: dict[str, str] = {}
