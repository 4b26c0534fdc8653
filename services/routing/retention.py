"""Sealed parts go when their dossier has been closed for as long as the policy says; envelopes, wraps and leaves stay.

Rules:
1. Off unless a number of days is set. A dossier counts as closed from the last change of its legs, once each measure of
   each leg is closed and nothing is owed any more (`policy.closed_since`).
2. The parts of a message go in one transaction with a leaf that says so, and with a row by which the gateway tells
   whoever asks for them. Which parts those were, the signed manifest in the ledger says.
3. A part goes with the message that it first came with: whoever repeats another's sealed bytes cannot have them pruned.
4. Batches are small. A process that is killed has pruned some messages, each whole or not at all; the next goes on.
"""

from __future__ import annotations

import asyncio
import secrets
from datetime import datetime, timedelta
from typing import Final

import structlog

from services.routing.policy import closed_since
from shared.audit.leaves import NONCE_BYTES, digest_of_leaf, encode_leaf
from shared.contracts.records import PartsPruned
from shared.domain.ids import encode_time
from shared.ports.clock import Clock
from shared.ports.retention import KeptDossier, Retention
from shared.ports.unit_of_work import Effects, UnitsOfWork
from shared.runtime.periodic import repeat

LOOK_EVERY_S: Final = 3600.0
DOSSIERS_TOGETHER: Final = 100
MESSAGES_TOGETHER: Final = 100

log = structlog.get_logger()


class PartsKeeper:
    """Several processes may keep the same parts."""

    def __init__(self, retention: Retention, units: UnitsOfWork, clock: Clock, kept_days: int) -> None:
        self._retention = retention
        self._units = units
        self._clock = clock
        self._kept_days = kept_days

    async def run(self, stop: asyncio.Event) -> None:
        async def look() -> None:
            await self.prune(stop)

        await repeat(look, LOOK_EVERY_S, self._clock, stop, "parts.wait")

    async def prune(self, stop: asyncio.Event | None = None) -> int:
        """Once through everything that is kept; how many messages lost their parts. Raises StoreUnavailable."""
        now, pruned, after = self._clock.now(), 0, None
        before = now - timedelta(days=self._kept_days)
        while stop is None or not stop.is_set():
            page = await self._retention.kept(after, before, DOSSIERS_TOGETHER)
            for one in page:
                closed_at = closed_since([leg.state for leg in one.legs], [leg.updated_at for leg in one.legs])
                if closed_at is not None and closed_at <= before:
                    pruned += await self._prune_dossier(one, closed_at)
            if len(page) < DOSSIERS_TOGETHER:
                break
            after = page[-1].dossier
        if pruned:
            log.info("parts.pruned", messages=pruned, kept_days=self._kept_days)
        return pruned

    async def _prune_dossier(self, one: KeptDossier, closed_at: datetime) -> int:
        pruned = 0
        for first in range(0, len(one.messages), MESSAGES_TOGETHER):
            async with self._units.begin() as unit:
                gone = await unit.prune_parts(one.messages[first : first + MESSAGES_TOGETHER])
                effects = Effects()
                for message in sorted(gone):
                    self._tell(effects, message, one.dossier, closed_at)
                await unit.write(effects)
                await unit.commit()
            pruned += len(gone)
        return pruned

    def _tell(self, effects: Effects, message: str, dossier: str, closed_at: datetime) -> None:
        now = self._clock.now()
        leaf = encode_leaf(
            "exchange.parts-pruned",
            now,
            secrets.token_bytes(NONCE_BYTES),
            message=message,
            dossier=dossier,
            closed_at=encode_time(closed_at),
            kept_days=self._kept_days,
        )
        effects.leaves.append(leaf)
        digest = digest_of_leaf(leaf)
        effects.inserts.append(PartsPruned(message, dossier, now, closed_at, self._kept_days, digest))
