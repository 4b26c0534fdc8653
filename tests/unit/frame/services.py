"""Services of one exchange with their keys, for tests of frames."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.adapters.keyfiles import ServiceKeyPair
from shared.domain.ids import new_uuid7
from shared.frame.items import Item
from shared.frame.open import FrameOpener
from shared.frame.seal import FrameSealer
from shared.keys.private import generate_ed25519, generate_xwing
from shared.keys.public import service_owner
from shared.keys.roster import Roster, ServiceKeys
from shared.ports.clock import Clock
from shared.runtime.sealed_rows import SealedRows, build_leaf_opener, build_row_seal

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RETENTION_S = 14 * 86_400.0
SERVICES = ("gateway", "intake", "routing", "notification", "ledger")
PRODUCERS = {
    "intake": frozenset({"gateway"}),
    "routing": frozenset({"gateway", "intake"}),
    "notification": frozenset({"intake", "routing"}),
    "wakeups": frozenset({"notification"}),
    "intake-too": frozenset({"gateway"}),  # a second destination of the same consumer
}
CONSUMERS = {
    "intake": "intake",
    "routing": "routing",
    "notification": "notification",
    "wakeups": "gateway",
    "intake-too": "intake",
}

SIGNERS = {service: generate_ed25519() for service in SERVICES}
OPENERS = {service: generate_xwing() for service in SERVICES}
SEALING = {service: opener.public_key() for service, opener in OPENERS.items()}
ROSTER = Roster(
    "comity.test/log",
    NOW,
    {service: ServiceKeys(service, SIGNERS[service].public_key(), SEALING[service]) for service in SERVICES},
)


def sealer(producer: str) -> FrameSealer:
    return FrameSealer(producer, SIGNERS[producer], SEALING, CONSUMERS)


def opener(service: str) -> FrameOpener:
    own = OPENERS[service]
    return FrameOpener(service, {own.kid(service_owner(service)): own}, ROSTER, PRODUCERS, RETENTION_S)


def an_item(data: bytes = b'{"message":"hello"}') -> Item:
    return Item(new_uuid7(NOW), "submit-envelope", 1, data)


def row_seal(service: str, clock: Clock) -> SealedRows:
    return build_row_seal(_pair(service), ROSTER, clock)


def leaf_opener() -> FrameOpener:
    return build_leaf_opener(_pair("ledger"), ROSTER)


def _pair(service: str) -> ServiceKeyPair:
    return ServiceKeyPair(service, SIGNERS[service], OPENERS[service])
