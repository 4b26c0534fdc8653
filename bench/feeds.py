"""A recipient that follows its feed by long polls: asks after its cursor, waits on the server, asks again at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Final

from bench.http_wire import Wire
from bench.signed_calls import SignedCalls

PAGE: Final = 500
WAIT_S: Final = 5
_RECEIVED: Final = "message.received"
_BACK_OFF_S: Final = 0.2


class FeedReader:
    """`saw` is called with the id of each message that the feed says was received."""

    def __init__(self, calls: SignedCalls, port: int, saw: Callable[[str], None]) -> None:
        self._calls = calls
        self._wire = Wire(port)
        self._saw = saw
        self._after = ""
        self.pages = 0

    async def go_to_end(self) -> None:
        """Pass over what is there already. Raises RuntimeError when the exchange refuses."""
        while True:
            answer = await self._wire.call(self._calls.get(self._target(0)))
            if answer.status != 200:
                raise RuntimeError(f"the feed answers {answer.status}: {answer.body[:300].decode(errors='replace')}")
            page = json.loads(answer.body)
            if not page["items"]:
                return
            self._after = page["next"]

    async def run(self, pause_s: float) -> None:
        """Until cancelled. Pauses after a page with something in it, so that a busy feed is read in larger pages."""
        while True:
            try:
                answer = await self._wire.call(self._calls.get(self._target(WAIT_S)))
            except (OSError, TimeoutError):
                await asyncio.sleep(_BACK_OFF_S)
                continue
            if answer.status != 200:
                await asyncio.sleep(answer.retry_after_s or _BACK_OFF_S)
                continue
            page = json.loads(answer.body)
            self._after = page["next"]
            self.pages += 1
            for item in page["items"]:
                if item["type"] == _RECEIVED:
                    self._saw(item["message"])
            if page["items"] and pause_s:
                await asyncio.sleep(pause_s)

    def _target(self, wait_s: int) -> str:
        after = f"&after={self._after}" if self._after else ""
        return f"/v1/feed?limit={PAGE}&wait={wait_s}{after}"
