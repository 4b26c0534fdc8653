"""Who hears what, purely: one feed entry per party concerned, each told of its own leg only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from shared.contracts.messages import (
    ClockStruck,
    EnvelopeDecided,
    EnvelopeDelivered,
    LegStatus,
    LimitPassed,
    RetrievalRecorded,
    ServiceMessage,
    Summary,
)
from shared.domain.ids import parse_time


@dataclass(frozen=True)
class News:
    """What one authority shall read in its feed, before it has a position."""

    authority: str
    at: str
    type: str
    message: str
    dossier: str
    data: dict[str, Any]

    def __post_init__(self) -> None:
        parse_time(self.at)


def news_of(message: ServiceMessage) -> list[News]:
    """The entries that this event makes, the sender's first. Raises TypeError for what is no event of notification."""
    if isinstance(message, EnvelopeDecided):
        return [_decision(message)]
    if isinstance(message, EnvelopeDelivered):
        return _delivery(message)
    if isinstance(message, RetrievalRecorded):
        told = {"recipient": message.recipient}
        return [News(message.sender, message.retrieved_at, "message.retrieved", message.message, message.dossier, told)]
    if isinstance(message, ClockStruck):
        return _clock(message)
    if isinstance(message, LimitPassed):
        passed = {"recipient": message.recipient, "falls": message.falls}
        type_ = f"message.{message.said}"
        return [News(one, message.struck_at, type_, message.message, message.dossier, passed) for one in message.tell]
    raise TypeError(f"notification does not handle {message.TYPE}")


def _decision(message: EnvelopeDecided) -> News:
    summary = message.summary
    data = _about(summary) | {"legs": _legs(message.legs)}
    if message.decision == "rejected":
        data |= {"code": message.code, "sentence": message.sentence, "facts": message.facts}
    return News(
        summary.sender, message.decided_at, f"message.{message.decision}", summary.message, summary.dossier, data
    )


def _delivery(message: EnvelopeDelivered) -> list[News]:
    summary, at = message.summary, message.delivered_at
    told = {"recipients": list(summary.recipients)}
    news = [News(summary.sender, at, "message.delivered", summary.message, summary.dossier, told)]
    for recipient in summary.recipients:
        own = [leg for leg in message.legs if recipient == leg.leg or summary.leg is not None]
        data = _about(summary) | {"sender": summary.sender, "legs": _legs(own)}
        news.append(News(recipient, at, "message.received", summary.message, summary.dossier, data))
    return news


_NOT_TOLD: Final = {"event", "dossier", "message", "tell", "struck_at"}
"""Of a clock event: what its entry says by itself."""


def _clock(message: ClockStruck) -> list[News]:
    told = message.model_dump(mode="json", exclude=_NOT_TOLD, exclude_none=True)
    type_ = f"clock.{message.event}"
    return [News(one, message.struck_at, type_, message.message, message.dossier, told) for one in message.tell]


def _about(summary: Summary) -> dict[str, Any]:
    return {
        "profile": summary.profile,
        "kind": summary.kind,
        "leg": summary.leg,
        "measures": summary.measures,
        "urgency": summary.urgency,
        "in_reply_to": summary.in_reply_to,
        "digest": summary.digest,
    }


def _legs(legs: list[LegStatus] | tuple[LegStatus, ...]) -> list[dict[str, Any]]:
    return [leg.model_dump(mode="json") for leg in legs]
