from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.ids import is_uuid7
from shared.errors import FrameRefused, FrameTooLarge
from shared.frame import open as opening
from shared.frame import seal as sealing
from shared.frame.epoch import EPOCH_FRAMES, EPOCH_LIFE, make_epoch, parse_epoch
from shared.frame.items import Item, encode_items, parse_items
from shared.frame.layout import encode_time
from shared.frame.open import FUTURE_S, MAX_CACHED_EPOCHS, FrameOpener
from shared.frame.seal import FRAME_DOMAIN, MAX_FRAME_BYTES, FrameSealer
from shared.keys.private import generate_ed25519, generate_xwing
from shared.keys.public import service_owner
from shared.keys.roster import Roster
from tests.unit.frame.services import (
    CONSUMERS,
    NOW,
    OPENERS,
    PRODUCERS,
    RETENTION_S,
    ROSTER,
    SEALING,
    SIGNERS,
    an_item,
    opener,
    sealer,
)

SECOND = timedelta(seconds=1)
NAMES = st.from_regex(r"[a-z][a-z0-9.-]{0,63}", fullmatch=True)
IDS = st.uuids(version=4).map(lambda u: str(u)[:14] + "7" + str(u)[15:])
ITEMS = st.lists(st.builds(Item, IDS, NAMES, st.integers(1, 65_535), st.binary(max_size=300)), min_size=1, max_size=20)


@pytest.mark.parametrize(("producer", "destination"), [(one, to) for to in PRODUCERS for one in sorted(PRODUCERS[to])])
def test_what_a_service_may_say_arrives(producer: str, destination: str) -> None:
    items = (an_item(), an_item(b""))
    raw = sealer(producer).seal(destination, items, NOW)
    opened = opener(CONSUMERS[destination]).open(raw, destination, NOW + SECOND)
    assert (opened.producer, opened.destination, opened.sealed_at, opened.items) == (producer, destination, NOW, items)
    assert is_uuid7(opened.frame_id)


@settings(max_examples=60, deadline=None)
@given(ITEMS)
def test_every_list_of_items_comes_back(items: list[Item]) -> None:
    assert GATE_READER.open(GATE.seal("intake", items, NOW), "intake", NOW).items == tuple(items)


GATE, GATE_READER = sealer("gateway"), opener("intake")


def test_nothing_of_an_item_shows_in_the_frame() -> None:
    item = an_item(b"MA.PGR asks FR.BEPI")
    raw = sealer("gateway").seal("intake", [item], NOW)
    for part in (item.data, b"MA.PGR", item.type.encode(), bytes.fromhex(item.id.replace("-", ""))):
        assert part not in raw


def test_two_frames_of_the_same_items_differ_in_id_and_bytes() -> None:
    one, other = (GATE.seal("intake", [ITEM], NOW) for _ in range(2))
    assert one != other
    assert GATE_READER.open(one, "intake", NOW).frame_id != GATE_READER.open(other, "intake", NOW).frame_id


ITEM = an_item()
FRAME = sealer("gateway").seal("intake", [ITEM], NOW)


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


# --- epochs


def epoch_header(raw: bytes, destination: str = "intake") -> bytes:
    start = 4 + 1 + len(destination) + 1 + 16 + 8 + 8
    length = int.from_bytes(raw[start : start + 2], "big")
    return raw[start + 2 : start + 2 + length]


def test_one_key_serves_many_frames_for_an_hour_and_no_longer() -> None:
    gate = sealer("gateway")
    first = epoch_header(gate.seal("intake", [ITEM], NOW))
    assert epoch_header(gate.seal("intake", [ITEM], NOW + EPOCH_LIFE - SECOND)) == first
    second = epoch_header(gate.seal("intake", [ITEM], NOW + EPOCH_LIFE))
    assert second != first


def test_a_clock_that_was_set_back_begins_a_new_epoch() -> None:
    gate = sealer("gateway")
    first = gate.seal("intake", [ITEM], NOW)
    back = gate.seal("intake", [ITEM], NOW - SECOND)
    assert epoch_header(first) != epoch_header(back)
    assert opener("intake").open(back, "intake", NOW).items == (ITEM,)


def test_an_epoch_ends_after_its_last_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "EPOCH_FRAMES", 3)
    gate = sealer("gateway")
    frames = [gate.seal("intake", [ITEM], NOW) for _ in range(7)]
    assert [len({epoch_header(frame) for frame in frames[:n]}) for n in (3, 4, 6, 7)] == [1, 2, 2, 3]
    monkeypatch.setattr(opening, "EPOCH_FRAMES", 3)
    reader = opener("intake")
    assert all(reader.open(frame, "intake", NOW).items == (ITEM,) for frame in frames)
    monkeypatch.setattr(opening, "EPOCH_FRAMES", 2)
    with pytest.raises(FrameRefused, match="outside its epoch"):
        reader.open(frames[2], "intake", NOW)


def test_no_counter_is_used_twice() -> None:
    gate = sealer("gateway")
    frames = [gate.seal("intake" if n % 2 else "intake-too", [ITEM], NOW) for n in range(50)]
    counters = {frame[4 + 1 + frame[4] + 1 + 16 :][:8] for frame in frames}
    assert len(counters) == 50, "two destinations of one consumer share its epoch and hence its counter"


def test_each_consumer_and_each_sealer_has_a_key_of_its_own() -> None:
    gate, other = sealer("gateway"), sealer("gateway")
    headers = {
        epoch_header(gate.seal("intake", [ITEM], NOW)),
        epoch_header(gate.seal("routing", [ITEM], NOW), "routing"),
        epoch_header(other.seal("intake", [ITEM], NOW)),
    }
    assert len(headers) == 3


def by_hand(sealed_offset: timedelta = timedelta(0), kind: int = 1) -> bytes:
    """A frame that its producer, with all the right keys, writes otherwise than `seal` does."""
    header, cipher = make_epoch("gateway", SIGNERS["gateway"], "intake", SEALING["intake"], NOW)
    clear = FRAME[: 4 + 7] + bytes([kind]) + FRAME[4 + 7 + 1 :][:16] + bytes(8) + encode_time(NOW + sealed_offset)
    clear += len(header).to_bytes(2, "big") + header
    plaintext = encode_items([ITEM])
    clear += (len(plaintext) + 16).to_bytes(4, "big")
    return clear + cipher.encrypt(bytes(12), plaintext, FRAME_DOMAIN + clear)


def test_a_frame_dated_outside_its_epoch_is_refused() -> None:
    """Otherwise an old epoch key, once disclosed, would seal for ever."""
    assert opener("intake").open(by_hand(), "intake", NOW).items == (ITEM,)
    for offset in (-SECOND, EPOCH_LIFE, EPOCH_LIFE + SECOND):
        with pytest.raises(FrameRefused, match="outside its epoch"):
            opener("intake").open(by_hand(offset), "intake", NOW, check_age=False)


def test_a_frame_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(FrameRefused, match="unknown kind"):
        opener("intake").open(by_hand(kind=2), "intake", NOW)


def test_an_epoch_that_grants_itself_more_than_an_hour_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.frame.epoch.EPOCH_LIFE", EPOCH_LIFE + SECOND)
    with pytest.raises(FrameRefused, match="longer than an hour"):
        opener("intake").open(by_hand(), "intake", NOW)


def test_a_cached_epoch_costs_no_second_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, gate = opener("intake"), sealer("gateway")
    reader.open(gate.seal("intake", [ITEM], NOW), "intake", NOW)
    monkeypatch.setattr(opening, "open_epoch", None)
    assert reader.open(gate.seal("intake", [ITEM], NOW), "intake", NOW).items == (ITEM,)


def test_a_cached_epoch_still_has_to_be_of_a_producer_that_may_speak_there() -> None:
    reader, inside = opener("intake"), sealer("gateway")
    reader.open(inside.seal("intake", [ITEM], NOW), "intake", NOW)
    elsewhere = FrameSealer("gateway", SIGNERS["gateway"], SEALING, {"notification": "intake"})
    with pytest.raises(FrameRefused, match="may not send to notification"):
        reader.open(elsewhere.seal("notification", [ITEM], NOW), "notification", NOW)


def test_the_cache_is_bounded_and_forgetting_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_CACHED_EPOCHS == 256
    monkeypatch.setattr(opening, "MAX_CACHED_EPOCHS", 3)
    reader = opener("intake")
    frames = [sealer("gateway").seal("intake", [ITEM], NOW) for _ in range(5)]
    for frame in [*frames, frames[0]]:
        assert reader.open(frame, "intake", NOW).items == (ITEM,)
    assert len(reader._epochs) == 3


# --- bounds


def test_a_frame_of_the_greatest_size_passes_and_one_byte_more_does_not() -> None:
    gate = sealer("gateway")
    overhead = len(gate.seal("intake", [replace(ITEM, data=b"")], NOW))
    largest = replace(ITEM, data=bytes(MAX_FRAME_BYTES - overhead))
    raw = gate.seal("intake", [largest], NOW)
    assert len(raw) == MAX_FRAME_BYTES
    assert opener("intake").open(raw, "intake", NOW).items == (largest,)
    with pytest.raises(FrameTooLarge):
        gate.seal("intake", [replace(ITEM, data=bytes(MAX_FRAME_BYTES - overhead + 1))], NOW)
    with pytest.raises(FrameRefused, match="more than"):
        opener("intake").open(raw + b"\0", "intake", NOW)


@pytest.mark.parametrize(
    "items",
    [
        [],
        [ITEM] * 1001,
        [replace(ITEM, id="not-an-id")],
        [replace(ITEM, id=ITEM.id.upper())],
        [replace(ITEM, type="Type")],
        [replace(ITEM, type="")],
        [replace(ITEM, type="x" * 65)],
        [replace(ITEM, v=0)],
        [replace(ITEM, v=65_536)],
    ],
)
def test_items_without_encoding_are_refused_at_sealing(items: list[Item]) -> None:
    with pytest.raises(FrameRefused):
        sealer("gateway").seal("intake", items, NOW)


def test_nothing_follows_the_last_item_or_the_epochs_signature() -> None:
    for parse, raw in ((parse_items, encode_items([ITEM])), (parse_epoch, epoch_header(FRAME))):
        parse(raw)
        for wrong in (raw + b"\0", raw[:-1], b"", raw + raw):
            with pytest.raises(FrameRefused):
                parse(wrong)


def test_an_item_that_its_sealer_could_not_have_encoded_is_refused() -> None:
    raw = encode_items([ITEM])
    version_at = 2 + 16 + 1 + len(ITEM.type)
    wrongs = {
        "no item": bytes(2),
        "too many": (1001).to_bytes(2, "big") + raw[2:],
        "an id of another version": raw[:8] + b"\x40" + raw[9:],
        "an upper-case type": raw[:19] + b"S" + raw[20:],
        "version 0": raw[:version_at] + bytes(2) + raw[version_at + 2 :],
    }
    for wrong in wrongs.values():
        with pytest.raises(FrameRefused):
            parse_items(wrong)


@pytest.mark.parametrize("destination", ["ledger", "", "MA.PGR", "ghost"])
def test_a_destination_without_key_is_refused_at_sealing(destination: str) -> None:
    with pytest.raises(FrameRefused):
        FrameSealer("gateway", SIGNERS["gateway"], SEALING, {**CONSUMERS, "ghost": "ghost"}).seal(
            destination, [ITEM], NOW
        )


def test_sealing_and_opening_small_frames_takes_far_less_than_a_millisecond() -> None:
    """Ten times the figure measured, so that a busy machine does not fail it and a signature per frame does."""
    gate, reader = sealer("gateway"), opener("intake")
    reader.open(gate.seal("intake", [ITEM], NOW), "intake", NOW)
    started = time.perf_counter()
    for _ in range(500):
        reader.open(gate.seal("intake", [ITEM], NOW), "intake", NOW)
    assert (time.perf_counter() - started) / 500 < 0.0005


def test_the_limits_are_those_of_the_document() -> None:
    assert EPOCH_FRAMES == 2**20
    assert timedelta(hours=1) == EPOCH_LIFE
    assert MAX_FRAME_BYTES == 8 * 1024 * 1024
