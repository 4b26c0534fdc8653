"""The roster of the exchange's services, told to the ledger by the service that works under it.

Rules:
1. Told with the whole signed document, by the first intake that works under it, before it takes any work:
   whoever reads the ledger verifies the operators' signatures and knows the services' keys.
2. Once for as long as the inbox remembers, whichever replicas start however often: the claim and the leaf are one
   transaction.
3. While it cannot be told it is tried again: a database that does not take it takes no work either.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

import structlog

from shared.audit.leaves import NONCE_BYTES, encode_leaf
from shared.domain.strict_json import parse_strict_json
from shared.errors import Transient
from shared.keys.roster import Roster
from shared.ports.clock import Clock
from shared.ports.unit_of_work import Effects, UnitsOfWork

TRY_AGAIN_S: Final = 1.0
_CLAIMED: Final = 29
"""Characters of the digest that fit the id of a claim: 174 bits of it."""

log = structlog.get_logger()


class RosterAnnouncer:
    def __init__(self, roster: Roster, units: UnitsOfWork, clock: Clock) -> None:
        self._roster = roster
        self._units = units
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Until it is told."""
        while not stop.is_set():
            try:
                await self.announce()
                return
            except Transient as down:
                log.warning("roster.untold", code=down.code, why=str(down))
                await self._clock.sleep(TRY_AGAIN_S)

    async def announce(self) -> bool:
        """Whether it had to be told. Raises StoreUnavailable, StoreConflict."""
        digest = self._roster.digest
        async with self._units.begin() as unit:
            if not await unit.claim([f"roster:{digest[:_CLAIMED]}"]):
                return False
            document = parse_strict_json(self._roster.signed)
            nonce = secrets.token_bytes(NONCE_BYTES)
            leaf = encode_leaf("directory.roster", self._clock.now(), nonce, roster_sha256=digest, document=document)
            await unit.write(Effects(leaves=[leaf]))
            await unit.commit()
        log.info("roster.told", roster=digest)
        return True
