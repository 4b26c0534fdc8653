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


CATALOGUE: dict[str, Attack] = {}


def attack(
    refused_with: type[ComityError], stage: Stage, *, now: datetime = NOW, golden: bool = True
) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Enter the function in the catalogue. `golden=False` for what is large by nature."""

    def enter(make: Callable[[], bytes]) -> Callable[[], bytes]:
        name = make.__name__.replace("_", "-")
        CATALOGUE[name] = Attack(name, (make.__doc__ or "").strip(), make, refused_with, stage, now, golden)
        return make

    return enter
