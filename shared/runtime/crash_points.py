"""Named places between two durable steps, where a test kills the process to prove that nothing is lost or doubled.

DANGER: only a development setting can arm a point; `Settings` refuses it in production.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Final

PUMP_POINTS: Final = (
    "taken",  # frames received, nothing done
    "claimed",  # inbox rows written, not committed
    "handled",  # effects decided
    "written",  # effects written, not committed
    "committed",  # effects durable, nothing published, nothing acknowledged
    "published",  # the next service has it, our bus does not know that we are done
    "acknowledged",  # all done but forgetting the outbox rows
)
RELAY_POINTS: Final = ("relay-taken", "relay-published")
SEQUENCER_POINTS: Final = (
    "round-written",  # leaves, tiles and the intended head are written, not committed
    "round-committed",  # they are durable, and nobody has signed
    "head-kept",  # the head is remembered outside the database, and nobody has signed
    "head-signed",  # both signatures exist in this process alone
    "round-signed",  # the checkpoint is published
)
GATEWAY_POINTS: Final = ("submitted",)  # the bus has it, the caller has no answer

Reach = Callable[[str], None]


def reach_nothing(point: str) -> None:
    """The normal case: no point is armed."""


def crash_at(service: str, armed: str) -> Reach:
    """Dies by SIGKILL, without cleaning up, when `service:point` is what `armed` says."""

    def reach(point: str) -> None:
        if armed == f"{service}:{point}":
            os.kill(os.getpid(), signal.SIGKILL)

    return reach
