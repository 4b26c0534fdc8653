"""Whose keys count, and which instruments bind: from documents that the operators signed, never from a bare row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.contracts.records import InstrumentsRecord, KeyEventRecord
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

    def joined(self, other: KeptDirectory) -> KeptDirectory:
        """Of each the newer; its own where they are equally new."""
        event, registry = self, self
        if other.index > self.index:
            event = other
        if other.registry > self.registry:
            registry = other
        return KeptDirectory(event.index, event.head, registry.registry, registry.registry_digest)


NOTHING_KEPT = KeptDirectory(0, None, 0, None)


class DirectoryMemory(Protocol):
    """The newest directory that a service judged by, kept outside the database: one that was set back cannot deny it.

    It is the memory of one service on one machine, of all its processes there, and never goes backwards.
    """

    def last(self) -> KeptDirectory | None:
        """As it is now, whichever process kept it; None before the first. Raises DirectoryBehind when it cannot be
        read."""

    async def keep(self, directory: KeptDirectory, over: KeptDirectory | None) -> bool:
        """Keep this one, which was found to continue `over`. Durable on return.

        False when another process has kept something else meanwhile: then nothing may be judged by this one before it
        was held against that. Raises StoreUnavailable: then nothing may be judged by it either; DirectoryBehind.
        """


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

    async def remember(self, documents: Sequence[KeyEventRecord | InstrumentsRecord]) -> None:
        """This process committed them: they are known from now on, whether the database still shows them or not.

        Raises StoreUnavailable: then the next refresh tries again, before anything.
        """
