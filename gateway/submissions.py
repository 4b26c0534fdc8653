"""What the edge decides about a submission: only what needs no state, and the answer to a repeat. Pure.

Steps, the same as in `docs/guide/api.md`: (1) the body was read within its bound, (2) the container parses, (3) the
caller is the sender, (4) a message decided before is answered by its decision, (5) it is for this exchange, (6) it
has not expired,
(7) it is not dated ahead. Steps 5 to 7 come after 4, so that a sender can ask for its decision after the message
expired.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from shared.contracts.records import Decision
from shared.domain.header import Header
from shared.domain.ids import encode_time
from shared.envelope.encoding import MAX_SKEW_S
from shared.errors import (
    CallSenderMismatch,
    EnvelopeExpired,
    EnvelopeFutureDated,
    EnvelopeWrongExchange,
    MessageIdReused,
)

MAX_AHEAD: Final = timedelta(seconds=MAX_SKEW_S)


def judge_sender(header: Header, caller: str) -> None:
    """(3) Raises CallSenderMismatch."""
    if header.sender != caller:
        raise CallSenderMismatch(caller=caller, sender=header.sender)


def judge_repeat(decided: Decision, digest: str) -> None:
    """(4) The id is spent: the same bytes ask for their decision, others are refused. Raises MessageIdReused."""
    if decided.digest != digest:
        raise MessageIdReused(message=decided.message)


def judge_at_edge(header: Header, origin: str, now: datetime) -> None:
    """(5) to (7). Raises EnvelopeWrongExchange, EnvelopeExpired, EnvelopeFutureDated."""
    if header.exchange != origin:
        raise EnvelopeWrongExchange(given=header.exchange, expected=origin)
    if header.expires <= now:
        raise EnvelopeExpired(expires_at=header.expires_at)
    if header.sent > now + MAX_AHEAD:
        raise EnvelopeFutureDated(sent_at=header.sent_at, now=encode_time(now))
