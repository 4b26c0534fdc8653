"""Whose keys count. The directory is replayed from signed key events; no row is trusted for being a row."""

from __future__ import annotations

from typing import Protocol

from shared.keys.directory import Directory


class KeyRing(Protocol):
    def directory(self) -> Directory:
        """The snapshot as of the last refresh; immutable."""

    async def refresh(self) -> Directory:
        """Verify and fold key events that came since.

        Raises StoreUnavailable, or KeyEventRefused when the stored events do not verify against the pinned operator
        keys: then nobody's keys can be trusted and the caller stops.
        """
