"""One signature and one key serve the frames of an hour, and of no longer, each under a counter of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import FrameRefused
from shared.frame import open as opening
from shared.frame import seal as sealing
from shared.frame.epoch import EPOCH_LIFE, make_epoch
from shared.frame.items import encode_items
from shared.frame.layout import encode_time
from shared.frame.open import MAX_CACHED_EPOCHS
from shared.frame.seal import FRAME_DOMAIN, FrameSealer
from tests.unit.frame.sealed_frames import FRAME, ITEM, epoch_header
from tests.unit.frame.services import NOW, SEALING, SECOND, SIGNERS, opener, sealer


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
