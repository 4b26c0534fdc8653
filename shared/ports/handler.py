"""What a service is to the pump: which rows a message needs, and what it does with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.contracts.messages import ServiceMessage
from shared.contracts.records import Key
from shared.keys.directory import Directory
from shared.ports.keyring import PublishedInstruments
from shared.ports.unit_of_work import Effects, View


@dataclass(frozen=True)
class Occasion:
    """When, with whose keys and under which law a message is handled. `first_at` is its first attempt."""

    now: datetime
    first_at: datetime
    directory: Directory
    instruments: PublishedInstruments


class Handler(Protocol):
    """Synchronous and without connections: it decides, the pump reads and writes.

    Raise RetryLater(why=…, after_s=…) to have the same message again later; any other exception sets this message aside
    with its reason and leaves its neighbours alone.
    """

    def needs(self, message: ServiceMessage) -> Sequence[Key]:
        """Every row that `handle` may look at."""

    def handle(self, message: ServiceMessage, view: View, occasion: Occasion) -> Effects:
        """All effects of one message, or none."""
