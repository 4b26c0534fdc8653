"""Witnesses of the ledger: how they are asked, and where what they cosigned is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Cosigned:
    """Signature lines, not verified."""

    lines: bytes


@dataclass(frozen=True)
class OtherSize:
    """The witness cosigned a tree of this size last, and wants a proof from there. Nobody signed that it did."""

    size: int


@dataclass(frozen=True)
class Declined:
    """The witness will not cosign this checkpoint; `why` is its word, for people."""

    why: str
    is_fork: bool
    """Whether it says that the tree does not continue the one that it cosigned."""


class WitnessCalls(Protocol):
    """Both calls raise WitnessUnreachable when no answer came in time, or one that is none of the protocol."""

    async def add_checkpoint(self, url: str, request: bytes) -> Cosigned | OtherSize | Declined:
        """Ask the witness whose submission prefix is `url`."""

    async def newest_checkpoint(self, url: str, origin: str) -> bytes | None:
        """What the witness shows of this log, unverified; None where it shows nothing, as not every witness does."""


class Cosignatures(Protocol):
    """What witnesses signed, insert-only. Raises StoreUnavailable."""

    async def newest_signed(self) -> tuple[int, bytes] | None:
        """Size and note of the newest head that the log signed, cosigned or not."""

    async def lines(self, size: int) -> dict[str, bytes]:
        """The signature lines of this size, by the verifier keys' names and ids."""

    async def add(self, size: int, lines: Mapping[str, bytes], is_quorum: bool) -> None:
        """Keep these lines; one that is there stays. With `is_quorum` the checkpoint of this size may be served."""
