"""A time-stamp authority that a party asks by itself: `shared.adapters.time_authority`, waited for."""

from __future__ import annotations

import asyncio

import httpx2

from shared.adapters.time_authority import TIMEOUT_S, HttpTimeAuthority
from shared.audit.time_stamps import StampRoots
from shared.audit.tree_head import TreeHead


class TimeAuthority:
    """An authority by its address, believed under these roots. Raises SettingsRefused for an address that is none."""

    def __init__(self, url: str, roots: StampRoots, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._authority = HttpTimeAuthority(url, roots, TIMEOUT_S, transport)

    def stamp(self, head: TreeHead) -> bytes:
        """Its response, verified. Raises StampAuthorityUnreachable, StampInvalid."""
        return asyncio.run(self._authority.stamp(head))
