"""What a process tells the ledger of itself, for each service in it: that it began to work, and that it ended in order.

Rules:
1. A start is told once the service has worked for some time (`told_after_s` of the settings): who dies before, and is
   started again and again, tells nothing. So no loop of crashes writes more than one pair of leaves in that time.
2. Nothing waits for it. While it cannot be told it is tried again, and the service works.
3. An end is told if the start was, when the work in hand is done. Who is killed tells none; an end that cannot be told
   at once is not told.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Final, Protocol

import structlog

from shared.adapters.sql.waiting_leaves import SqlWaitingLeaves
from shared.audit.leaves import NONCE_BYTES, encode_leaf
from shared.domain.ids import encode_time, new_uuid7
from shared.errors import ComityError, Transient
from shared.ports.clock import Clock

TRY_AGAIN_S: Final = 5.0
DISTRIBUTION: Final = "comity"
log = structlog.get_logger()


@dataclass(frozen=True)
class Work:
    """One process, as one service. `roster_sha256` is the digest of the roster that it works under."""

    service: str
    process: str
    version: str
    started_at: datetime
    roster_sha256: str


class Teller(Protocol):
    async def started(self, work: Work) -> None:
        """Raises Transient."""

    async def stopped(self, work: Work, at: datetime) -> None:
        """Raises Transient."""


class LeafTeller:
    """Of a service that writes to the database."""

    def __init__(self, waiting: SqlWaitingLeaves, clock: Clock) -> None:
        self._waiting = waiting
        self._clock = clock

    async def started(self, work: Work) -> None:
        await self._write(
            "exchange.started",
            service=work.service,
            version=work.version,
            process=work.process,
            started_at=encode_time(work.started_at),
            roster_sha256=work.roster_sha256,
        )

    async def stopped(self, work: Work, at: datetime) -> None:
        await self._write("exchange.stopped", service=work.service, process=work.process, stopped_at=encode_time(at))

    async def _write(self, type_: str, **fields: str) -> None:
        leaf = encode_leaf(type_, self._clock.now(), secrets.token_bytes(NONCE_BYTES), **fields)
        await self._waiting.add([leaf])


class WorkingLife:
    def __init__(self, service: str, roster_sha256: str, teller: Teller, clock: Clock, told_after_s: float) -> None:
        now = clock.now()
        self._work = Work(service, new_uuid7(now), version(DISTRIBUTION), now, roster_sha256)
        self._teller = teller
        self._clock = clock
        self._told_after_s = told_after_s
        self._is_told = False

    @asynccontextmanager
    async def during(self) -> AsyncIterator[None]:
        """Around the service's work."""
        telling = asyncio.create_task(self._tell_start())
        try:
            yield
        finally:
            telling.cancel()
            await asyncio.wait([telling])
        if self._is_told:
            await self._tell_end()

    async def _tell_start(self) -> None:
        await self._clock.sleep(self._told_after_s)
        while not self._is_told:
            try:
                await self._teller.started(self._work)
                self._is_told = True
            except Transient as down:
                log.warning("start.untold", service=self._work.service, code=down.code, why=str(down))
                await self._clock.sleep(TRY_AGAIN_S)
            except ComityError as refused:  # it has no right to, say: the service works, and tells no end
                log.error("start.untold", service=self._work.service, code=refused.code, why=str(refused))
                return

    async def _tell_end(self) -> None:
        try:
            await self._teller.stopped(self._work, self._clock.now())
        except ComityError as down:
            log.warning("end.untold", service=self._work.service, code=down.code, why=str(down))
