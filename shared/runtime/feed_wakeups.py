"""Hints from notification, opened once per gateway process and handed to whoever waits on a feed."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import structlog

from shared.contracts.messages import FeedAdvanced
from shared.contracts.registry import parse_message
from shared.contracts.topology import WAKEUPS
from shared.errors import ComityError
from shared.frame.open import FrameOpener
from shared.ports.bus import Wakeups
from shared.ports.clock import Clock

log = structlog.get_logger()


class FeedWakeups:
    """Lossy by contract: a waiter reads again after its timeout whatever happens."""

    def __init__(self, wakeups: Wakeups, opener: FrameOpener, clock: Clock) -> None:
        self._wakeups = wakeups
        self._opener = opener
        self._clock = clock
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)

    async def run(self) -> None:
        """Listen until cancelled."""
        async with self._wakeups.listen() as listener:
            while True:
                self._hear(await listener.next())

    async def wait(self, authority: str, timeout_s: float) -> None:
        """Return at a hint for this authority, or after `timeout_s`. It registers before it first suspends."""
        hint = asyncio.Event()
        self._waiting[authority].add(hint)
        try:
            async with asyncio.timeout(timeout_s):
                await hint.wait()
        except TimeoutError:
            return
        finally:
            self._waiting[authority].discard(hint)
            if not self._waiting[authority]:
                del self._waiting[authority]

    def _hear(self, frame: bytes) -> None:
        try:
            opened = self._opener.open(frame, WAKEUPS, self._clock.now())
            messages = [parse_message(item.type, item.v, item.data) for item in opened.items]
        except ComityError as refused:
            log.warning("wakeup.refused", code=refused.code, why=str(refused))
            return
        for message in messages:
            if isinstance(message, FeedAdvanced):
                for authority in message.authorities:
                    for hint in self._waiting.get(authority, ()):
                        hint.set()
