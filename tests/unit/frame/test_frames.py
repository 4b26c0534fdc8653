"""A frame brings its items to one service, unaltered and in time, from a producer that may speak there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.ids import is_uuid7
from shared.errors import FrameRefused
from shared.frame.items import Item
from shared.frame.open import FUTURE_S, FrameOpener
from shared.frame.seal import FrameSealer
from shared.keys.private import generate_ed25519, generate_xwing
from shared.keys.public import service_owner
from shared.keys.roster import Roster
from tests.unit.frame.sealed_frames import FRAME, ITEM
from tests.unit.frame.services import (
    CONSUMERS,
    NOW,
    OPENERS,
    PRODUCERS,
    RETENTION_S,
    ROSTER,
    SEALING,
    SECOND,
    SIGNERS,
    an_item,
    opener,
    sealer,
)

NAMES = st.from_regex(r"[a-z][a-z0-9.-]{0,63}", fullmatch=True)
IDS = st.uuids(version=4).map(lambda u: str(u)[:14] + "7" + str(u)[15:])
ITEMS = st.lists(st.builds(Item, IDS, NAMES, st.integers(1, 65_535), st.binary(max_size=300)), min_size=1, max_size=20)
GATE, GATE_READER = sealer("gateway"), opener("intake")


@pytest.mark.parametrize(("producer", "destination"), [(one, to) for to in PRODUCERS for one in sorted(PRODUCERS[to])])
def test_what_a_service_may_say_arrives(producer: str, destination: str) -> None:
    items = (an_item(), an_item(b""))
    raw = sealer(producer).seal(destination, items, NOW)
    opened = opener(CONSUMERS[destination]).open(raw, destination, NOW + SECOND)
    assert (opened.producer, opened.destination, opened.sealed_at, opened.items) == (producer, destination, NOW, items)
    assert is_uuid7(opened.frame_id)


@settings(max_examples=60)
@given(ITEMS)
def test_every_list_of_items_comes_back(items: list[Item]) -> None:
    assert GATE_READER.open(GATE.seal("intake", items, NOW), "intake", NOW).items == tuple(items)


def test_nothing_of_an_item_shows_in_the_frame() -> None:
    item = an_item(b"MA.PGR asks FR.BEPI")
    raw = sealer("gateway").seal("intake", [item], NOW)
    for part in (item.data, b"MA.PGR", item.type.encode(), bytes.fromhex(item.id.replace("-", ""))):
        assert part not in raw


def test_two_frames_of_the_same_items_differ_in_id_and_bytes() -> None:
    one, other = (GATE.seal("intake", [ITEM], NOW) for _ in range(2))
    assert one != other
    assert GATE_READER.open(one, "intake", NOW).frame_id != GATE_READER.open(other, "intake", NOW).frame_id


# --- alteration


@pytest.mark.parametrize("warm", [False, True], ids=["first frame of its epoch", "epoch cached"])
def test_no_byte_of_a_frame_can_change(warm: bool) -> None:
    reader = opener("intake")
    if warm:
        reader.open(FRAME, "intake", NOW)
    for position in range(len(FRAME)):
        broken = bytearray(FRAME)
        broken[position] ^= 0x01
        with pytest.raises(FrameRefused):
            reader.open(bytes(broken), "intake", NOW)
    assert reader.open(FRAME, "intake", NOW).items == (ITEM,)


def test_a_frame_is_neither_cut_nor_lengthened() -> None:
    for length in range(0, len(FRAME), 7):
        with pytest.raises(FrameRefused):
            opener("intake").open(FRAME[:length], "intake", NOW)
    for more in (FRAME + b"\0", b"\0" + FRAME, FRAME + FRAME):
        with pytest.raises(FrameRefused):
            opener("intake").open(more, "intake", NOW)


@given(st.binary(max_size=300))
def test_noise_is_refused(raw: bytes) -> None:
    for start in (b"", FRAME[:4], FRAME[:60]):
        with pytest.raises(FrameRefused):
            GATE_READER.open(start + raw, "intake", NOW)


# --- who opens it


def test_a_frame_keeps_its_destination() -> None:
    """Also towards another destination of the very same consumer, whose key would open it."""
    reader = opener("intake")
    with pytest.raises(FrameRefused, match="sealed for intake, not for intake-too"):
        reader.open(FRAME, "intake-too", NOW)
    renamed = FRAME.replace(b"\x06intake\x01", b"\x0aintake-too\x01", 1)
    with pytest.raises(FrameRefused, match="does not decrypt"):
        reader.open(renamed, "intake-too", NOW)


def test_another_service_cannot_open_a_frame() -> None:
    with pytest.raises(FrameRefused, match="sealed for the service intake"):
        opener("routing").open(FRAME, "intake", NOW)


def test_a_service_whose_key_it_is_not_cannot_open_a_frame() -> None:
    other = generate_xwing()
    reader = FrameOpener("intake", {other.kid(service_owner("intake")): other}, ROSTER, PRODUCERS, RETENTION_S)
    with pytest.raises(FrameRefused, match="not a key of this service"):
        reader.open(FRAME, "intake", NOW)


def test_an_old_sealing_key_still_opens_what_was_parked_under_it() -> None:
    old, new = OPENERS["intake"], generate_xwing()
    keys = {key.kid(service_owner("intake")): key for key in (new, old)}
    reader = FrameOpener("intake", keys, ROSTER, PRODUCERS, RETENTION_S)
    assert reader.open(FRAME, "intake", NOW).items == (ITEM,)


# --- who sealed it


@pytest.mark.parametrize(
    ("producer", "destination"), [("routing", "intake"), ("intake", "intake"), ("gateway", "wakeups")]
)
def test_a_service_that_may_not_speak_there_is_refused(producer: str, destination: str) -> None:
    raw = sealer(producer).seal(destination, [ITEM], NOW)
    with pytest.raises(FrameRefused, match=f"{producer} may not send to {destination}"):
        opener(CONSUMERS[destination]).open(raw, destination, NOW)


def test_a_destination_without_producers_accepts_nobody() -> None:
    reader = FrameOpener("intake", {}, ROSTER, {}, RETENTION_S)
    with pytest.raises(FrameRefused, match="may not send"):
        reader.open(FRAME, "intake", NOW)


def test_whoever_signs_with_another_key_than_the_rosters_is_refused() -> None:
    forger = FrameSealer("gateway", generate_ed25519(), SEALING, CONSUMERS)
    with pytest.raises(FrameRefused, match="signature"):
        opener("intake").open(forger.seal("intake", [ITEM], NOW), "intake", NOW)
    insider = FrameSealer("gateway", SIGNERS["routing"], SEALING, CONSUMERS)
    with pytest.raises(FrameRefused, match="signature"):
        opener("intake").open(insider.seal("intake", [ITEM], NOW), "intake", NOW)


def test_a_producer_that_is_not_on_the_roster_is_refused() -> None:
    roster = Roster(ROSTER.exchange, NOW, {"intake": ROSTER.services["intake"]})
    own = OPENERS["intake"]
    reader = FrameOpener("intake", {own.kid(service_owner("intake")): own}, roster, PRODUCERS, RETENTION_S)
    with pytest.raises(FrameRefused, match="not on the roster"):
        reader.open(FRAME, "intake", NOW)


# --- age


def test_a_frame_older_than_the_inbox_remembers_is_refused_at_first_arrival() -> None:
    limit = timedelta(seconds=RETENTION_S)
    assert opener("intake").open(FRAME, "intake", NOW + limit).items == (ITEM,)
    with pytest.raises(FrameRefused, match="older than the inbox remembers"):
        opener("intake").open(FRAME, "intake", NOW + limit + SECOND)


def test_a_frame_that_this_service_parked_opens_at_any_age() -> None:
    opened = opener("intake").open(FRAME, "intake", NOW + timedelta(days=365), check_age=False)
    assert opened.items == (ITEM,)


def test_a_frame_from_the_future_is_refused() -> None:
    assert opener("intake").open(FRAME, "intake", NOW - timedelta(seconds=FUTURE_S)).items == (ITEM,)
    with pytest.raises(FrameRefused, match="ahead of this clock"):
        opener("intake").open(FRAME, "intake", NOW - timedelta(seconds=FUTURE_S + 1))
