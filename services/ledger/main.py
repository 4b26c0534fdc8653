"""Wires the ledger: the sequencer's loop."""

from __future__ import annotations

import asyncio

import structlog

from services.ledger.handler import ROUND_EVERY_S, ROUND_LEAVES, LogSigners, Sequencer
from shared.adapters.head_memory import FileHeadMemory
from shared.adapters.keyfiles import load_log_signers
from shared.adapters.sql.ledger import SqlLedger
from shared.errors import Transient
from shared.runtime.backends import Backend

log = structlog.get_logger()


class LedgerService:
    name = "ledger"

    def __init__(self, backend: Backend) -> None:
        signers = LogSigners(*load_log_signers(backend.settings.data, backend.trust))
        ledger = SqlLedger(backend.store)
        self._clock = backend.clock
        origin = backend.trust.origin
        memory = FileHeadMemory(backend.settings.state_directory, origin)
        kept = memory.last()
        log.info("ledger.remembers", size=None if kept is None else kept.size)
        self._sequencer = Sequencer(ledger, memory, origin, signers, backend.clock, backend.reach("ledger"))
        self.is_ready = False

    async def run(self, stop: asyncio.Event) -> None:
        """Rounds until `stop` is set. Raises LedgerForked: the process must stop then."""
        while not stop.is_set():
            try:
                placed = await self._sequencer.run_round()
                self.is_ready = True
            except Transient as down:
                self.is_ready = False
                placed = 0
                log.warning("ledger.waits", code=down.code, why=str(down))
            if placed < ROUND_LEAVES:
                await self._clock.sleep(ROUND_EVERY_S)


def build_ledger(backend: Backend) -> LedgerService:
    return LedgerService(backend)
