"""A directory that is young enough to judge calls by.

Rules:
1. The first call that finds the snapshot older than `directory_age_s` refreshes it; the others wait for that one
   refresh, and none repeats one that failed while it waited: a store that is silent would cost each of them its limit.
2. When the store does not answer, the snapshot still serves until it is 10 s old (04), then calls are refused as busy.
3. When stored events do not verify, nobody's keys can be trusted: every call is refused, and readiness says so.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from math import inf
from typing import Final

import structlog

from gateway.config import Limits
from shared.errors import Busy, InstrumentsInvalid, KeyEventRefused, Transient
from shared.keys.directory import Directory
from shared.ports.clock import Clock
from shared.ports.keyring import KeyRing, PublishedInstruments

MOST_STALE_S: Final = 10.0
_LOG = structlog.get_logger("gateway")


class FreshDirectory:
    def __init__(self, keyring: KeyRing, clock: Clock, limits: Limits) -> None:
        self._keyring = keyring
        self._clock = clock
        self._limits = limits
        self._refreshed_at = -inf
        self._failed_at = -inf
        self._looked_at = clock.now()
        self._lock = asyncio.Lock()

    async def get(self) -> Directory:
        """Raises Busy."""
        return await self._at_most(self._limits.directory_age_s)

    async def get_newer(self) -> Directory:
        """For a key that is unknown: it may have been enrolled just now. At most one refresh a second. Raises Busy."""
        return await self._at_most(self._limits.unknown_key_refresh_s)

    async def get_dated(self) -> tuple[Directory, PublishedInstruments, datetime]:
        """`get_newer`, the registry as of then, and when the store was asked, by the wall's clock. Raises Busy."""
        return await self.get_newer(), self._keyring.instruments(), self._looked_at

    async def _at_most(self, age_s: float) -> Directory:
        if self._age_s() > age_s:
            began = self._clock.monotonic()
            async with self._lock:
                if self._failed_at > began:
                    self._bear_failure()
                elif self._age_s() > age_s:  # nobody refreshed it while this call waited
                    await self._refresh()
        return self._keyring.directory()

    async def _refresh(self) -> None:
        began, looked_at = self._clock.monotonic(), self._clock.now()
        try:
            await self._keyring.refresh()
        except Transient:
            self._failed_at = self._clock.monotonic()
            self._bear_failure()
        except (KeyEventRefused, InstrumentsInvalid) as refused:
            _LOG.critical("the stored directory does not verify; no call is served", why=refused.sentence())
            self._refreshed_at = -inf
            raise Busy(retry_after_s=60) from refused
        else:
            self._refreshed_at, self._looked_at = began, looked_at

    def _bear_failure(self) -> None:
        """Raises Busy, unless the snapshot still serves."""
        if self._age_s() > MOST_STALE_S:
            raise Busy(retry_after_s=1)

    def _age_s(self) -> float:
        return self._clock.monotonic() - self._refreshed_at
