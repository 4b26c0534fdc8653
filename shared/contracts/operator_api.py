"""What the HTTP API answers to operators: queues, the ledger's state, dead letters. By the rules of `contracts.api`."""

from __future__ import annotations

from shared.contracts.api import Answer

LETTER_PAGE = 100
LETTER_PAGE_MOST = 500


class QueueFigures(Answer):
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


class LedgerState(Answer):
    """`size` entries have their place, `signed_size` of them are under a signed checkpoint. `leaves_waiting` counts
    frames of leaves, one of each transaction, `dead_letters` those that get no place."""

    size: int
    signed_size: int
    newest_at: str | None
    age_s: float | None
    leaves_waiting: int
    dead_letters: int


class Unread(Answer):
    """A part of the exchange that does not answer: `broker` or `database`."""

    part: str
    why: str


class OperatorQueues(Answer):
    at: str
    queues: tuple[QueueFigures, ...]
    ledger: LedgerState | None
    unread: tuple[Unread, ...]


class DeadLetterItem(Answer):
    """One message that a service could not process. `item` is the id in the logs, null where its frame did not open."""

    id: str
    service: str
    type: str | None
    item: str | None
    at: str
    attempts: int
    retries: int
    reason: str


class DeadLetterPage(Answer):
    items: tuple[DeadLetterItem, ...]
    next: str | None


class DeadLetterAnswer(DeadLetterItem):
    """`earlier` are the reasons of the times before, the newest first."""

    earlier: tuple[str, ...]
