"""Notification's effects: entries in feeds, numbered under the lock of each feed's head.

A position is given while the head's row is locked, so "after N" never skips an entry that committed late. A sequence
read by `id > N` has that bug (`docs/adr/0005-feed-order.md`).
"""

from __future__ import annotations

from collections.abc import Sequence

from services.notification.policy import news_of
from shared.contracts.messages import ServiceMessage
from shared.contracts.records import FeedEntry, FeedHead, Key
from shared.domain.ids import parse_time
from shared.ports.handler import Occasion
from shared.ports.unit_of_work import Effects, View


class NotificationHandler:
    """`ports.Handler` of notification."""

    def needs(self, message: ServiceMessage) -> Sequence[Key]:
        return [Key(FeedHead, (news.authority,)) for news in news_of(message)]

    def handle(self, message: ServiceMessage, view: View, occasion: Occasion) -> Effects:
        effects = Effects()
        for news in news_of(message):
            head = view.get(FeedHead, news.authority)
            position = 1 if head is None else head.position + 1
            (effects.inserts if head is None else effects.updates).append(FeedHead(news.authority, position))
            effects.inserts.append(
                FeedEntry(
                    authority=news.authority,
                    position=position,
                    at=parse_time(news.at),
                    type=news.type,
                    message=news.message,
                    dossier=news.dossier,
                    data=news.data,
                )
            )
            effects.wakes.add(news.authority)
        return effects
