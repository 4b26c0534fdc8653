"""Where waiting leaves go (`services/ledger/policy.py`): the tree of RFC 6962 over all entries, whatever the rounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ledger.policy import PlannedRound, check_root, plan_round
from shared.audit.leaves import digest_of_leaf, encode_entry
from shared.audit.tree import hash_leaf
from shared.errors import LeafTooLarge, LedgerForked
from shared.ports.ledger import FullTile, PlacedLeaves, TreeHead
from tests.fakes import by_digest
from tests.merkle import root_of

WIDTH, HASH = 256, 32
NOW = datetime(2026, 11, 22, 9, 0, 0, 123456, tzinfo=UTC)
Edge = dict[tuple[int, int], bytes]


class PaperStore:
    """The storage of a ledger as lists: what `plan_round` made, and the edge that it is given next."""

    def __init__(self) -> None:
        self.head: TreeHead | None = None
        self.entries: list[bytes] = []
        self.hashes: list[bytes] = []
        self.tiles: dict[tuple[int, int], FullTile] = {}

    def edge(self) -> Edge:
        edge: Edge = {}
        level, hashes = 0, self.hashes
        while hashes:
            number, width = divmod(len(hashes), WIDTH)
            if width:
                edge[level, number] = b"".join(hashes[number * WIDTH :])
            hashes = [self.tiles[level, each].root for each in range(number)]
            level += 1
        return edge

    def place(self, *leaves: bytes, now: datetime = NOW) -> PlannedRound:
        planned = plan_round(self.head, self.edge(), by_digest(leaves), now)
        assert (planned.leaves.first, len(planned.leaves)) == (len(self.entries), len(leaves))
        assert not self.tiles.keys() & {(tile.level, tile.number) for tile in planned.tiles}, "a full tile made twice"
        self.head = planned.head
        self.entries += planned.leaves.entries
        self.hashes += planned.leaves.entry_hashes
        self.tiles |= {(tile.level, tile.number): tile for tile in planned.tiles}
        return planned


def numbered(first: int, count: int) -> list[bytes]:
    return [b"leaf %d" % number for number in range(first, first + count)]


@given(rounds=st.lists(st.integers(1, 600), min_size=1, max_size=8))
@settings(max_examples=25)
def test_rounds_of_any_size_make_the_tree_over_all_entries(rounds: list[int]) -> None:
    store = PaperStore()
    for count in rounds:
        store.place(*numbered(len(store.entries), count))
    total = sum(rounds)
    leaves = [encode_entry(NOW, leaf) for leaf in numbered(0, total)]
    assert store.entries == leaves
    hashes = [hash_leaf(leaf) for leaf in leaves]
    assert store.head == TreeHead(total, root_of(hashes), NOW)
    full = [hashes[at : at + WIDTH] for at in range(0, total - WIDTH + 1, WIDTH)]
    assert store.tiles == {
        (0, number): FullTile(0, number, b"".join(some), root_of(some)) for number, some in enumerate(full)
    }


def test_the_tile_of_a_higher_level_appears_when_its_last_hash_does() -> None:
    store = PaperStore()
    for _ in range(WIDTH - 1):
        store.place(*numbered(len(store.entries), WIDTH))
    assert max(level for level, _ in store.tiles) == 0
    assert store.place(*numbered(len(store.entries), WIDTH - 1)).tiles == ()
    last, above = store.place(b"the last").tiles
    assert (last.level, last.number, above.level, above.number) == (0, WIDTH - 1, 1, 0)
    assert above.hashes == b"".join(store.tiles[0, number].root for number in range(WIDTH))
    assert above.root == root_of(store.hashes)
    assert store.head is not None
    assert store.head.root == above.root


def test_an_entry_begins_with_the_time_of_its_round_and_is_found_by_the_digest_of_its_leaf() -> None:
    placed, entry = PaperStore().place(b'{"leaf":1}').leaves, b'2026-11-22T09:00:00.123456Z\n{"leaf":1}'
    assert placed == PlacedLeaves(0, NOW, [entry], [hash_leaf(entry)], [digest_of_leaf(b'{"leaf":1}')])


def test_a_clock_that_goes_backwards_does_not_take_the_log_with_it() -> None:
    store = PaperStore()
    store.place(b"1", now=NOW)
    back = store.place(b"2", now=NOW - timedelta(hours=3))
    assert (back.head.logged_at, back.leaves.logged_at) == (NOW, NOW)
    assert back.leaves.entries[0].startswith(b"2026-11-22T09:00:00.123456Z\n")
    later = NOW + timedelta(microseconds=1)
    assert store.place(b"3", now=later).head.logged_at == later


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700, 66_000])
def test_a_changed_hash_anywhere_on_the_edge_is_a_fork(size: int) -> None:
    store = PaperStore()
    for first in range(0, size, 6000):
        store.place(*numbered(first, min(6000, size - first)))
    assert store.head is not None
    check_root(store.head, store.edge())
    for place, hashes in store.edge().items():
        for at in {0, len(hashes) // HASH // 2 * HASH, len(hashes) - HASH}:
            changed = hashes[:at] + bytes([hashes[at] ^ 1]) + hashes[at + 1 :]
            with pytest.raises(LedgerForked):
                plan_round(store.head, {**store.edge(), place: changed}, by_digest([b"next"]), NOW)


def test_a_head_with_another_root_than_its_tiles_is_a_fork() -> None:
    store = PaperStore()
    store.place(*numbered(0, 300))
    assert store.head is not None
    with pytest.raises(LedgerForked):
        check_root(TreeHead(300, b"r" * HASH, NOW), store.edge())


@pytest.mark.parametrize("cut", [0, HASH, 5])
def test_an_edge_with_missing_hashes_is_a_fork_too(cut: int) -> None:
    """Somebody deleted leaves or tiles: what is left must not be signed under a new root."""
    store = PaperStore()
    store.place(*numbered(0, 300))
    short = {place: hashes[:cut] for place, hashes in store.edge().items()}
    for edge in (short, {}):
        with pytest.raises(LedgerForked):
            plan_round(store.head, edge, by_digest([b"next"]), NOW)


def test_a_leaf_that_no_entry_can_hold_is_refused() -> None:
    with pytest.raises(LeafTooLarge):
        PaperStore().place(b"x" * 65_535)
