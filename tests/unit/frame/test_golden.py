"""A frame may lie parked while the services are upgraded: what was sealed once still opens."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from shared.domain.ids import parse_time
from shared.frame.items import Item
from shared.frame.open import FrameOpener
from shared.keys.private import Ed25519Signer, XWingOpener
from shared.keys.public import service_owner
from shared.keys.roster import verify_roster

GOLDEN = json.loads((Path(__file__).parent / "golden" / "frame.json").read_text())


def seed(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def test_the_kept_frame_still_opens() -> None:
    operators = [Ed25519Signer(seed(text)).public_key() for text in GOLDEN["operator_seeds"]]
    roster = verify_roster(GOLDEN["roster"].encode(), operators, 2, GOLDEN["exchange"])
    consumer = XWingOpener(seed(GOLDEN["consumer_seed"]))
    openers = {consumer.kid(service_owner("intake")): consumer}
    reader = FrameOpener("intake", openers, roster, {"intake": frozenset({"gateway"})}, 60)
    sealed_at = parse_time(GOLDEN["sealed_at"])
    opened = reader.open(base64.b64decode(GOLDEN["frame"]), GOLDEN["destination"], sealed_at)
    assert (opened.producer, opened.sealed_at) == (GOLDEN["producer"], sealed_at)
    assert opened.items == tuple(Item(i["id"], i["type"], i["v"], i["data"].encode()) for i in GOLDEN["items"])
