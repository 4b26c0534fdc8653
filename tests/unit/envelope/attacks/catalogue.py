"""The catalogue of attacks, and how a function enters it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.errors import ComityError
from tests.unit.envelope.workshop import NOW

Stage = Literal["parse", "verify", "open"]


@dataclass(frozen=True)
class Attack:
    name: str
    claim: str
    make: Callable[[], bytes]
    refused_with: type[ComityError]
    stage: Stage
    now: datetime
    golden: bool
    exchange_code: str | None
    """Where the exchange refuses it earlier than a reader of the envelope alone would: with this code."""


CATALOGUE: dict[str, Attack] = {}


def attack(
    refused_with: type[ComityError],
    stage: Stage,
    *,
    now: datetime = NOW,
    golden: bool = True,
    at_exchange: type[ComityError] | None = None,
) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Enter the function in the catalogue. `golden=False` for what is large by nature: those lie deflated beside the
    others, in `tests/vectors/attacks/`."""

    def enter(make: Callable[[], bytes]) -> Callable[[], bytes]:
        name = make.__name__.replace("_", "-")
        claim = " ".join((make.__doc__ or "").split())
        code = at_exchange.code if at_exchange else None
        CATALOGUE[name] = Attack(name, claim, make, refused_with, stage, now, golden, code)
        return make

    return enter
