"""The same for the hints that wake gateways: no frame but notification's own may wake anybody or stop the listening.

Hints have no inbox: a repeated genuine hint wakes a waiter, who reads and finds nothing new. So repeats are not tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shared.contracts.topology import WAKEUPS
from shared.runtime.feed_wakeups import FeedWakeups
from tests.tamper.arena import PATIENCE_S, Arena
from tests.tamper.cases import Case, Genuine
from tests.tamper.judge import Verdicts
from tests.unit.services.desk import BE, ES, FR, MA

WOKEN = (MA, BE, FR)


class Listening:
    """A gateway at which three authorities wait, and a fourth whose genuine hint ends each batch."""

    def __init__(self, arena: Arena, verdicts: Verdicts) -> None:
        backend = arena.backend
        self._arena = arena
        self._verdicts = verdicts
        self._gateway = FeedWakeups(backend.wakeups, backend.opener(backend.keys("gateway")), backend.clock)
        self._publisher = backend.publisher(backend.keys("notification"))

    async def hints(self, number: int) -> list[Genuine]:
        """Genuine frames that would wake the three."""
        async with self._arena.broker.tapped_wakeups() as tapped:
            for _ in range(number):
                await self._publisher.wake(set(WOKEN))
            return [self._arena.describe(WAKEUPS, await tapped.get()) for _ in range(number)]

    async def try_cases(self, cases: Sequence[Case], control: Genuine) -> None:
        """All cases wake nobody; the control wakes everybody."""
        listening = asyncio.create_task(self._gateway.run())
        try:
            await self._hear_end()
            await self._try_batch(cases)
            waiting = self._waiters()
            await self._arena.broker.fan_out([control.frame])
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.gather(*waiting)
            self._verdicts.genuine += 1
            assert not listening.done(), "the gateway listens no more"
        finally:
            listening.cancel()

    async def _try_batch(self, cases: Sequence[Case]) -> None:
        waiting = self._waiters()
        await self._arena.broker.fan_out([case.frame for case in cases])
        await self._hear_end()
        self._verdicts.attempted.update(case.group for case in cases)
        if any(one.done() for one in waiting):
            self._verdicts.accepted += 1
            self._verdicts.wrong.append(f"wakeups: one of {len(cases)} frames woke somebody")
        for one in waiting:
            one.cancel()

    def _waiters(self) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self._gateway.wait(party, PATIENCE_S)) for party in WOKEN]

    async def _hear_end(self) -> None:
        """Announce until it is heard: the listener may have just begun."""
        heard = asyncio.create_task(self._gateway.wait(ES, PATIENCE_S))
        while not heard.done():
            await self._publisher.wake({ES})
            await asyncio.wait([heard], timeout=0.05)
