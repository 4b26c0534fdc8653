"""What the gateway is given. It opens nothing itself: no session, no channel, no key file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.contracts.messages import ServiceMessage
from shared.keys.private import Ed25519Signer
from shared.ports.clock import Clock
from shared.ports.keyring import KeyRing
from shared.ports.ledger import Ledger
from shared.ports.operations import Operations
from shared.ports.parts import Parts
from shared.ports.queries import Queries
from shared.ports.time_stamps import TimeStamps
from shared.runtime.meters import Meters
from shared.runtime.readiness import Check

Submit = Callable[[ServiceMessage], Awaitable[None]]
"""Frames one message, publishes it to its destination, and returns once the bus confirmed that it keeps it.

Raises Busy when the bus refuses it or does not answer in time; then the message may or may not be there, and the
caller of the API sends it again under the same id.
"""


Depths = Callable[[str], Awaitable[tuple[int, int]]]
"""Queue → frames that wait in it, and frames that the broker gave up on. Raises BusUnavailable."""


KeyEvents = Callable[[], Awaitable[Sequence[bytes]]]
"""All signed key events as they were received, in order of their number. Raises StoreUnavailable."""


class FeedWakeups(Protocol):
    """Lossy hints that an authority's feed advanced."""

    async def wait(self, authority: str, timeout_s: float) -> None:
        """Return at a hint for this authority, or after `timeout_s`. Never raises.

        It registers before it first suspends: a hint that comes while the caller reads is not lost.
        """


@dataclass(frozen=True)
class GatewayPorts:
    queries: Queries
    ledger: Ledger
    stamps: TimeStamps
    parts: Parts
    keyring: KeyRing
    key_events: KeyEvents
    submit: Submit
    wakeups: FeedWakeups
    clock: Clock
    receipt_signer: Ed25519Signer
    operations: Operations
    depths: Depths
    checks: Sequence[Check]
    """What readiness asks of this process, beside its directory."""
    meters: Meters
