"""What an attack is: bytes for a queue, and what may come of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class May(Enum):
    """What a service may do with the frame of a case."""

    be_refused = "set aside, with the reason"
    have_no_effect = "acknowledged without any effect: a repeat"
    have_its_effect = "had its effect, once"


@dataclass(frozen=True)
class Genuine:
    """A frame that a service of the exchange sealed, as the adversary took it off its queue."""

    queue: str
    frame: bytes
    producer: str
    types: tuple[str, ...]
    items: tuple[str, ...]
    """Ids of its items. The adversary cannot see these and the types; the judge must know them."""


@dataclass(frozen=True)
class Case:
    """One frame that the adversary gives to a queue. `group` and `what` name the attack."""

    group: str
    what: str
    frame: bytes
    may: May = May.be_refused
    reason: str = "frame.refused: "
    """How the reason of its dead letter begins."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """What the AMQP message says besides, as aio-pika calls it."""
    items: tuple[str, ...] = ()
    """Items that are to have their effect."""
