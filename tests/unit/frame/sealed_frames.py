"""One frame from the gateway to intake with the item in it, and the epoch header of any frame by its offsets."""

from __future__ import annotations

from tests.unit.frame.services import NOW, an_item, sealer

ITEM = an_item()
FRAME = sealer("gateway").seal("intake", [ITEM], NOW)


def epoch_header(raw: bytes, destination: str = "intake") -> bytes:
    start = 4 + 1 + len(destination) + 1 + 16 + 8 + 8
    length = int.from_bytes(raw[start : start + 2], "big")
    return raw[start + 2 : start + 2 + length]
