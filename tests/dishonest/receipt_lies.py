"""Lies told to a party that sends while the operator lies: what the receipt says, and what comes of the message."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from shared.apisig.receipts import Receipt
from tests.dishonest.own_books import StagedLie, Tell
from tests.dishonest.scene import Scene
from tests.dishonest.story import WRITERS

Change = Callable[[Receipt, random.Random], Receipt]


def all_receipt_lies() -> list[StagedLie]:
    ways: dict[str, Change] = {
        "that says that the message came earlier": _received(-1),
        "that says that the message came later": _received(1),
        "that promises a decision too late": _promised,
        "for other bytes": lambda one, chance: replace(one, envelope_sha256=one.envelope_sha256[::-1]),
        "for another message": lambda one, chance: replace(one, message=one.message[::-1]),
        "for another sender": lambda one, chance: replace(one, sender="IT.MG"),
        "of another exchange": lambda one, chance: replace(one, exchange="other.example/log"),
    }
    found = [StagedLie(f"a receipt {way}", _receipted(change)) for way, change in ways.items()]
    return [*found, StagedLie("a message sent now, receipted and kept", _receipted(lambda one, chance: one))]


def _receipted(change: Change) -> Tell:
    def tell(scene: Scene, chance: random.Random) -> str | None:
        scene.sender = chance.choice(WRITERS)
        scene.receipts = lambda receipt: change(receipt, chance)
        return f"what {scene.sender} sends is taken"

    return tell


def _received(sign: int) -> Change:
    def change(receipt: Receipt, chance: random.Random) -> Receipt:
        moved = sign * timedelta(minutes=chance.choice((3, 40, 300, 4000)))
        return replace(receipt, received_at=receipt.received_at + moved)

    return change


def _promised(receipt: Receipt, chance: random.Random) -> Receipt:
    return replace(receipt, decide_by=receipt.decide_by + timedelta(minutes=chance.choice((5, 90, 100_000))))
