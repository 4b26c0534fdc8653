"""From when a recovered key counts: 72 hours after the ledger logged its recovery, unless a person compared it.

A recovery is the operators' word alone. The party whose keys it replaces sees it, and has that time to object, before
anybody can call or sign with the new ones; services, clients and auditors judge by this one rule.

Rules:
1. The time runs from the recovery's place in the ledger (`logged_at`), not from its date, which operators write. Before
   it has a place it does not run.
2. Whoever compared the key with its owner in person needs not wait: its kid is among `compared`. For services and
   auditors those are the pinned keys of their trust file, for a client also those that its user compared.
3. In development nobody waits.

Which keys hang on a recovery, the directory knows; who calls `under` knows the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.domain.ids import encode_time
from shared.keys.trust import Trust

WAIT_FOR_NEW_KEY: Final = timedelta(hours=72)
NOT_LOGGED: Final = datetime.max.replace(tzinfo=UTC)
"""The end of a wait that has not begun."""


@dataclass(frozen=True, slots=True)
class Waits:
    """`logged` is when the ledger logged each recovery, by its number among the key events."""

    is_waived: bool = False
    compared: frozenset[str] = frozenset()
    logged: Mapping[int, datetime] = field(default_factory=dict)

    def end(self, kid: str, recovery: int) -> datetime | None:
        """Until when a key that this recovery registered waits; None where it needs not."""
        if self.is_waived or kid in self.compared:
            return None
        logged_at = self.logged.get(recovery)
        return NOT_LOGGED if logged_at is None else logged_at + WAIT_FOR_NEW_KEY

    def with_logged(self, recovery: int, at: datetime) -> Waits:
        return replace(self, logged={**self.logged, recovery: at})


EVERYBODY_WAITS: Final = Waits()


def waits_by(trust: Trust, compared: Collection[str] = ()) -> Waits:
    """What this trust file, and its owner's own comparisons, spare; nothing is logged yet."""
    return Waits(trust.environment == "development", frozenset((*trust.pinned_keys, *compared)))


def told_end(end: datetime) -> str:
    """For a sentence: `… from {usable_from} on`."""
    return "72 hours after the ledger logs the recovery" if end == NOT_LOGGED else encode_time(end)
