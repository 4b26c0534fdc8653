"""A frame written from the page as bytes: ours opens it, and refuses the same frame with one thing changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.domain.ids import parse_time
from shared.errors import FrameRefused
from shared.frame.items import Item
from shared.frame.open import FrameOpener
from shared.keys.base64url import parse_b64u
from shared.keys.private import XWingOpener
from shared.keys.public import parse_ed25519, service_owner
from shared.keys.roster import verify_roster

FILES = Path(__file__).parents[2] / "vectors" / "frames"
FRAME: dict[str, Any] = json.loads((FILES / "frame.json").read_text(encoding="utf-8"))
ROSTER: dict[str, Any] = json.loads((FILES / "roster.json").read_text(encoding="utf-8"))


@pytest.fixture
def reader() -> FrameOpener:
    return a_reader()


def a_reader() -> FrameOpener:
    """The consumer of the frame, who trusts the roster of its operators."""
    operators = [parse_ed25519(parse_b64u(key)) for key in ROSTER["operators"]]
    roster = verify_roster(ROSTER["roster"].encode(), operators, ROSTER["quorum"], ROSTER["exchange"])
    service = FRAME["consumer"]
    own = XWingOpener(parse_b64u(ROSTER["seeds"][service]["seal"]))
    producers = {to: frozenset(names) for to, names in FRAME["producers"].items()}
    return FrameOpener(service, {own.kid(service_owner(service)): own}, roster, producers, FRAME["retention_s"])


def test_the_frame_of_the_page_opens(reader: FrameOpener) -> None:
    opened = reader.open(parse_b64u(FRAME["frame"]), FRAME["destination"], parse_time(FRAME["now"]))
    assert (opened.frame_id, opened.producer) == (FRAME["frame_id"], FRAME["producer"])
    assert opened.sealed_at == parse_time(FRAME["sealed_at"])
    assert opened.items == tuple(Item(one["id"], one["type"], one["v"], one["data"].encode()) for one in FRAME["items"])


@pytest.mark.parametrize("one", FRAME["refused"], ids=lambda one: one["name"])
def test_a_frame_with_one_thing_changed_is_refused(reader: FrameOpener, one: dict[str, str]) -> None:
    with pytest.raises(FrameRefused):
        reader.open(parse_b64u(one["frame"]), FRAME["destination"], parse_time(FRAME["now"]))
