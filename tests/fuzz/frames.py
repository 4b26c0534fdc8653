"""Targets: a frame between services, and the items inside it, read as the services read them."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from shared.contracts.messages import EnvelopeRetrieved, SubmitEnvelope
from shared.contracts.registry import encode_message, parse_message
from shared.domain.ids import parse_time
from shared.frame.items import Item, encode_items, parse_items
from shared.frame.open import FrameOpener
from shared.keys.private import Ed25519Signer, XWingOpener
from shared.keys.public import service_owner
from shared.keys.roster import verify_roster
from tests.fuzz.target import Target, require_genuine, require_same

_GOLDEN = Path(__file__).parents[1] / "unit" / "frame" / "golden" / "frame.json"
_ID = "019aaa00-0000-7000-8000-000000000001"
_AT = "2026-11-22T09:00:00.000000Z"


@cache
def _golden() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_GOLDEN.read_text(encoding="utf-8"))
    return document


def _seed(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _frame() -> bytes:
    return base64.b64decode(_golden()["frame"])


@cache
def _opener() -> FrameOpener:
    golden = _golden()
    operators = [Ed25519Signer(_seed(text)).public_key() for text in golden["operator_seeds"]]
    roster = verify_roster(golden["roster"].encode(), operators, 2, golden["exchange"])
    consumer = XWingOpener(_seed(golden["consumer_seed"]))
    openers = {consumer.kid(service_owner("intake")): consumer}
    return FrameOpener("intake", openers, roster, {"intake": frozenset({"gateway"})}, 60)


def _judge_frame(data: bytes) -> None:
    golden = _golden()
    _opener().open(data, golden["destination"], parse_time(golden["sealed_at"]))
    require_genuine(data == _frame(), "another frame opens")


def _judge_items(data: bytes) -> None:
    items = parse_items(data)
    require_same(encode_items(items), data, "the items of a frame")
    for item in items:
        message = parse_message(item.type, item.v, item.data)
        require_same(parse_message(item.type, item.v, encode_message(message)), message, "a service message")


def _item_lists() -> list[bytes]:
    submitted = SubmitEnvelope(submission=b"{}", caller="MA.PGR", received_at=_AT, decide_by=_AT, receipt="a.b.c")
    retrieved = EnvelopeRetrieved(message=_ID, recipient="BE.PF", request="text", retrieved_at=_AT)
    messages = (submitted, retrieved)
    items = [Item(_ID, each.TYPE, each.VERSION, encode_message(each)) for each in messages]
    return [encode_items(items), *(encode_items([item]) for item in items)]


FRAME_TARGETS = (
    Target("frame", _judge_frame, lambda: [_frame()]),
    Target("items", _judge_items, _item_lists),
)
