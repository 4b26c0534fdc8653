"""Sealed parts, by the SHA-256 of their ciphertext. The store never sees a plaintext or a part key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol


class Parts(Protocol):
    async def store(self, digest: str, data: bytes) -> None:
        """Keep these sealed bytes, durable on return; storing the same digest again is no error.

        `digest` is the b64u SHA-256 of `data`; EnvelopePartMismatch when it is not. Raises StoreUnavailable.
        """

    async def holds(self, digest: str) -> bool: ...

    def read(self, digest: str) -> AsyncIterator[bytes]:
        """The part in chunks of at most 256 KiB. Raises NotThere on the first chunk."""
