"""Tiles are C2SP tlog-tiles, byte for byte, however the log grew."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.audit.tiles import (
    Bundle,
    Tile,
    TileHashReader,
    build_tiles,
    bundle_at,
    edge_tiles,
    encode_bundle,
    parse_bundle,
    parse_path,
    root_from_tiles,
    tile_at,
    tiles_for_consistency,
    tiles_for_inclusion,
)
from shared.audit.tree import (
    EMPTY_ROOT,
    hash_leaf,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)
from shared.errors import LeafTooLarge, LedgerInvalid
from tests.unit.audit.test_tree import naive_root, numbered

PATHS: dict[str, Tile | Bundle] = {
    "tile/0/000": Tile(0, 0),
    "tile/0/x001/x234/067": Tile(0, 1234067),
    "tile/3/999": Tile(3, 999),
    "tile/0/x001/000.p/1": Tile(0, 1000, 1),
    "tile/63/000.p/255": Tile(63, 0, 255),
    "tile/entries/x273/001.p/112": Bundle(273001, 112),
    "tile/entries/000": Bundle(0),
}
MISSPELT = [
    "tile/00/000",
    "tile/64/000",
    "tile/0/0",
    "tile/0/1000",
    "tile/0/x000/000",
    "tile/0/001/000",
    "tile/0/x001",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/000.p/",
    "tile/0/000\n",
    "/tile/0/000",
    "tile/0/../000",
    "tile/-1/000",
    "tile/0/٠٠٠",
    "tile/data/000",
    "tile/0/" + "x001/" * 100 + "000",
    "",
]


def no_tile(tile: Tile) -> bytes:
    raise LookupError(tile.path)


def all_tiles(size: int) -> set[Tile]:
    found: set[Tile] = set()
    for level in itertools.count():
        hashes = size >> (8 * level)
        if not hashes:
            break
        found |= {tile_at(level, number, size) for number in range(-(-hashes // 256))}
    return found


def leaf_hashes(count: int) -> list[bytes]:
    return [sha256(b"%d" % number).digest() for number in range(count)]


def root_of_hashes(hashes: list[bytes]) -> bytes:
    return build_tiles(0, hashes, no_tile).root


@pytest.mark.parametrize("path", PATHS)
def test_each_tile_has_its_path_and_the_path_names_it(path: str) -> None:
    assert PATHS[path].path == path
    assert parse_path(path) == PATHS[path]


@pytest.mark.parametrize("path", MISSPELT)
def test_a_path_that_no_tile_has_is_refused(path: str) -> None:
    with pytest.raises(LedgerInvalid):
        parse_path(path)


@given(st.integers(0, 63), st.integers(0, 2**55), st.integers(1, 256))
def test_every_tile_is_found_by_its_path(level: int, index: int, width: int) -> None:
    assert parse_path(Tile(level, index, width).path) == Tile(level, index, width)
    assert parse_path(Bundle(index, width).path) == Bundle(index, width)


def test_70000_entries_make_the_tiles_that_the_specification_counts() -> None:
    made = build_tiles(0, leaf_hashes(70_000), no_tile)
    assert set(made.tiles) == all_tiles(70_000)
    assert [tile for tile in sorted(made.tiles) if tile.width < 256] == [
        Tile(0, 273, 112),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert len([tile for tile in made.tiles if tile.level == 0]) == 274
    assert set(edge_tiles(70_000)) == {tile for tile in made.tiles if tile.width < 256}


def test_256_entries_are_a_full_tile_and_one_hash_above_it() -> None:
    assert set(build_tiles(0, leaf_hashes(256), no_tile).tiles) == {Tile(0, 0), Tile(1, 0, 1)}


@pytest.mark.parametrize("size", range(301))
def test_the_root_of_every_size_to_300_is_the_naive_one_grown_by_one_or_at_once(size: int) -> None:
    entries = numbered(size)
    hashes = [hash_leaf(entry) for entry in entries]
    at_once = build_tiles(0, hashes, no_tile)
    assert at_once.root == naive_root(entries)
    assert root_from_tiles(size, at_once.tiles.__getitem__) == at_once.root
    if size:
        before = build_tiles(0, hashes[:-1], no_tile).tiles
        assert build_tiles(size - 1, hashes[-1:], before.__getitem__).root == at_once.root


@settings(max_examples=40)
@given(st.lists(st.integers(0, 700), max_size=8))
def test_a_log_grown_in_any_chunks_has_the_tiles_of_one_made_at_once(chunks: list[int]) -> None:
    hashes = leaf_hashes(sum(chunks))
    stored: dict[Tile, bytes] = {}
    size, root = 0, EMPTY_ROOT
    for chunk in chunks:
        asked: list[Tile] = []

        def read(tile: Tile, asked: list[Tile] = asked) -> bytes:
            asked.append(tile)
            return stored[tile]

        grown = build_tiles(size, hashes[size : size + chunk], read)
        assert set(asked) <= set(edge_tiles(size))
        assert root_from_tiles(size, stored.__getitem__) == root
        assert not grown.tiles.keys() & stored.keys(), "only new and changed tiles"
        stored.update(grown.tiles)
        size, root = grown.size, grown.root
    at_once = build_tiles(0, hashes, no_tile)
    assert root == at_once.root
    assert {tile: stored[tile] for tile in all_tiles(size)} == at_once.tiles


@settings(max_examples=30)
@given(st.integers(1, 70_000), st.data())
def test_proofs_from_tiles_verify_and_read_only_the_tiles_that_were_named(size: int, data: st.DataObject) -> None:
    made = build_tiles(0, LARGE[:size], no_tile)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(0, size))
    named = {tile: made.tiles[tile] for tile in tiles_for_inclusion(index, size)}
    proof = prove_inclusion(index, size, TileHashReader(size, named.__getitem__))
    verify_inclusion(LARGE[index], index, size, proof, made.root)
    named = {tile: made.tiles[tile] for tile in tiles_for_consistency(old, size)}
    path = prove_consistency(old, size, TileHashReader(size, named.__getitem__))
    verify_consistency(old, root_of_hashes(LARGE[:old]), size, made.root, path)


LARGE = leaf_hashes(70_000)


def test_70000_entries_are_appended_in_a_second_and_one_more_in_a_moment() -> None:
    made = build_tiles(0, LARGE, no_tile)
    all_of_them = _best_of_three_s(lambda: build_tiles(0, LARGE, no_tile))
    one_more = _best_of_three_s(lambda: build_tiles(70_000, LARGE[:1], made.tiles.__getitem__))
    assert all_of_them < 1.0
    assert one_more < all_of_them / 20, "an append costs by what is new, not by what is there"


def _best_of_three_s(call: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        started = time.process_time()
        call()
        times.append(time.process_time() - started)
    return min(times)


@pytest.mark.parametrize("cut", [0, 32, 31])
def test_a_tile_of_a_wrong_length_is_refused(cut: int) -> None:
    made = build_tiles(0, LARGE[:3], no_tile)

    def cut_tile(tile: Tile) -> bytes:
        return made.tiles[tile][:cut]

    with pytest.raises(LedgerInvalid, match="bytes"):
        root_from_tiles(3, cut_tile)
    with pytest.raises(LedgerInvalid, match="bytes"):
        build_tiles(3, LARGE[:1], cut_tile)


def test_a_leaf_hash_of_a_wrong_length_is_refused() -> None:
    with pytest.raises(LedgerInvalid, match="31 bytes"):
        build_tiles(0, [LARGE[0], LARGE[1][:31]], no_tile)


def test_a_subtree_outside_the_tree_cannot_be_read() -> None:
    made = build_tiles(0, LARGE[:5], no_tile)
    reader = TileHashReader(5, made.tiles.__getitem__)
    for level, number in ((0, 5), (2, 1), (3, 0), (8, 0), (0, 256)):
        with pytest.raises(LedgerInvalid):
            reader(level, number)


@pytest.mark.parametrize(("level", "index", "size"), [(0, 0, 0), (0, 1, 256), (1, 0, 255)])
def test_an_empty_tile_does_not_exist(level: int, index: int, size: int) -> None:
    with pytest.raises(LedgerInvalid):
        tile_at(level, index, size)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    assert parse_bundle(encode_bundle(entries), len(entries)) == entries


def test_a_bundle_has_lengths_of_16_bits_big_endian() -> None:
    assert encode_bundle([b"ab", b"", b"c" * 258]) == b"\x00\x02ab" + b"\x00\x00" + b"\x01\x02" + b"c" * 258
    assert bundle_at(0, 300) == Bundle(0)
    assert bundle_at(1, 300) == Bundle(1, 44)


def test_an_entry_of_65535_bytes_fits_and_one_more_does_not() -> None:
    largest = b"x" * 65_535
    assert parse_bundle(encode_bundle([largest]), 1) == [largest]
    with pytest.raises(LeafTooLarge, match="65536"):
        encode_bundle([largest + b"x"])


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_bundle_cut_short_is_refused(cut: int) -> None:
    whole = encode_bundle([b"abc", b"de"])
    with pytest.raises(LedgerInvalid):
        parse_bundle(whole[:-cut], 2)


@pytest.mark.parametrize("width", [0, 1, 3])
def test_a_bundle_of_another_number_of_entries_is_refused(width: int) -> None:
    with pytest.raises(LedgerInvalid, match="2 entries"):
        parse_bundle(encode_bundle([b"abc", b"de"]), width)


@pytest.mark.parametrize("count", [0, 257])
def test_a_bundle_holds_1_to_256_entries(count: int) -> None:
    with pytest.raises(LedgerInvalid):
        encode_bundle([b""] * count)
