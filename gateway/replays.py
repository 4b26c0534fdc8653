"""Signatures of calls with a body, each good for one reading of a body on this process.

Whoever records the header of such a call (it needs to be inside TLS for that) could otherwise repeat it for a minute
without ever sending a body, and hold the room that its signer has for submissions. A client signs every attempt anew,
so that none of its own is refused.
"""

from __future__ import annotations

from math import inf
from typing import Final

from shared.apisig.profile import LIFE_S, SKEW_S
from shared.errors import CallReplayed
from shared.ports.clock import Clock

COUNTS_FOR_S: Final = LIFE_S + 2 * SKEW_S
"""A signature verifies no longer than this after it first did."""
_KEPT_BYTES: Final = 16
"""Of 64: nobody meets these of another's signature by trying, and they are kept for every call of two minutes."""


class SpentSignatures:
    """Remembers for at least as long as a signature counts, in two generations that are forgotten whole."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()
        self._turns_at = -inf

    def spend(self, signature: bytes) -> None:
        """Raises CallReplayed."""
        now = self._clock.monotonic()
        if now >= self._turns_at:
            is_stale = now >= self._turns_at + COUNTS_FOR_S
            self._old, self._young = set() if is_stale else self._young, set()
            self._turns_at = now + COUNTS_FOR_S
        kept = signature[:_KEPT_BYTES]
        if kept in self._young or kept in self._old:
            raise CallReplayed()
        self._young.add(kept)
