"""The greatest and the smallest frame, items that have no encoding, and the time that a frame may take."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from shared.errors import FrameRefused, FrameTooLarge
from shared.frame.epoch import EPOCH_FRAMES, EPOCH_LIFE, parse_epoch
from shared.frame.items import Item, encode_items, parse_items
from shared.frame.seal import MAX_FRAME_BYTES, FrameSealer
from tests.unit.frame.sealed_frames import FRAME, ITEM, epoch_header
from tests.unit.frame.services import CONSUMERS, NOW, SEALING, SIGNERS, opener, sealer


def test_a_frame_of_the_greatest_size_passes_and_one_byte_more_does_not() -> None:
    gate = sealer("gateway")
    overhead = len(gate.seal("intake", [ITEM._replace(data=b"")], NOW))
    largest = ITEM._replace(data=bytes(MAX_FRAME_BYTES - overhead))
    raw = gate.seal("intake", [largest], NOW)
    assert len(raw) == MAX_FRAME_BYTES
    assert opener("intake").open(raw, "intake", NOW).items == (largest,)
    with pytest.raises(FrameTooLarge):
        gate.seal("intake", [ITEM._replace(data=bytes(MAX_FRAME_BYTES - overhead + 1))], NOW)
    with pytest.raises(FrameRefused, match="more than"):
        opener("intake").open(raw + b"\0", "intake", NOW)


@pytest.mark.parametrize(
    "items",
    [
        [],
        [ITEM] * 1001,
        [ITEM._replace(id="not-an-id")],
        [ITEM._replace(id=ITEM.id.upper())],
        [ITEM._replace(type="Type")],
        [ITEM._replace(type="")],
        [ITEM._replace(type="x" * 65)],
        [ITEM._replace(v=0)],
        [ITEM._replace(v=65_536)],
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
    started = time.process_time()
    for _ in range(500):
        reader.open(gate.seal("intake", [ITEM], NOW), "intake", NOW)
    assert (time.process_time() - started) / 500 < 0.0005


def test_the_limits_are_those_of_the_document() -> None:
    assert EPOCH_FRAMES == 2**20
    assert timedelta(hours=1) == EPOCH_LIFE
    assert MAX_FRAME_BYTES == 8 * 1024 * 1024
