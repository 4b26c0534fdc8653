"""Whose keys count, and which instruments bind: from documents that the operators signed, never from a bare row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shared.domain.instruments import Registry
from shared.keys.directory import Directory


@dataclass(frozen=True)
class PublishedInstruments:
    """The newest registry of instruments, its publication's number and digest; 0 and None before the first."""

    number: int
    registry: Registry | None
    digest: str | None = None


@dataclass(frozen=True)
class KeptDirectory:
    """What was the newest when this service judged last: key event and digest, registry of instruments and digest."""

    index: int
    head: str | None
    registry: int
    registry_digest: str | None


class DirectoryMemory(Protocol):
    """The newest directory that a service judged by, kept outside the database: one that was set back cannot deny it.

    It is the memory of one service on one machine.
    """

    def last(self) -> KeptDirectory | None:
        """None before the first."""

    async def keep(self, directory: KeptDirectory) -> None:
        """Durable on return. Raises StoreUnavailable: then nothing may be judged by it."""


class KeyRing(Protocol):
    def directory(self) -> Directory:
        """The snapshot as of the last refresh; immutable."""

    def instruments(self) -> PublishedInstruments:
        """The newest published registry as of the last refresh."""

    async def refresh(self) -> Directory:
        """Verify and fold what came since.

        Raises StoreUnavailable, KeyEventRefused or InstrumentsInvalid. The last two mean that stored documents do not
        verify against the pinned operator keys, or (DirectoryBehind) are not all there: then nobody's keys can be
        trusted, and the caller stops.
        """
