"""What the ledger's storage promises (`shared/ports/ledger.py`), on SQLite and on PostgreSQL alike."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text

from services.ledger.policy import plan_round
from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.audit.leaves import digest_of_leaf, encode_entry
from shared.audit.tiles import Tile
from shared.audit.tree import hash_leaf
from shared.errors import StoreConflict, StoreUnavailable
from shared.ports.ledger import Ledger, PlacedLeaves, TreeHead
from shared.ports.unit_of_work import Effects
from tests.conformance.rows import NOW
from tests.conformance.stores import OpenStore, leaves_in, row_counts, rows_of, waiting_leaves, write
from tests.fakes import by_digest
from tests.merkle import root_of

WIDTH = 256
MUCH = 1 << 40


async def let_wait(store: Store, *leaves: bytes) -> None:
    await write(store, Effects(leaves=list(leaves)))


async def run_round(ledger: Ledger, most: int = 10_000) -> int:
    """One round as the sequencer makes it; the size of the tree after it."""
    async with ledger.round() as round_:
        assert round_ is not None
        head, waiting = await round_.head(), await round_.waiting(most, MUCH)
        edge = await round_.edge(head.size) if head else {}
        planned = plan_round(head, edge, by_digest(leaves_in(waiting)), NOW)
        await round_.append(planned.leaves, planned.tiles, planned.head, [row.id for row in waiting])
        await round_.commit()
        return planned.head.size


def levels_of(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """All hashes that tiles hold, level by level, computed from all leaves at once."""
    levels = [list(hashes)]
    while len(levels[-1]) >= WIDTH:
        below = levels[-1]
        levels.append([root_of(below[at : at + WIDTH]) for at in range(0, len(below) - WIDTH + 1, WIDTH)])
    return levels


async def assert_holds(ledger: Ledger, entries: Sequence[bytes]) -> None:
    """The storage holds the tree over these entries, and every tile of it."""
    size, levels = len(entries), levels_of([hash_leaf(entry) for entry in entries])
    async with ledger.round() as round_:
        assert round_ is not None
        head = await round_.head()
        assert head == TreeHead(size, root_of(levels[0]), NOW)
        assert await round_.edge(size) == {
            (level, len(hashes) // WIDTH): b"".join(hashes[len(hashes) // WIDTH * WIDTH :])
            for level, hashes in enumerate(levels)
            if len(hashes) % WIDTH
        }
    for level, hashes in enumerate(levels):
        for number in range(-(-len(hashes) // WIDTH)):
            held = hashes[number * WIDTH : (number + 1) * WIDTH]
            for width in {1, len(held) // 2 or 1, len(held)}:
                assert await ledger.tile(level, number, width) == b"".join(held[:width])
            if len(held) < WIDTH:
                assert await ledger.tile(level, number, len(held) + 1) is None
                assert await ledger.tile(level, number, WIDTH) is None
        assert await ledger.tile(level, len(hashes) // WIDTH + 1, 1) is None
    assert await ledger.tile(len(levels), 0, 1) is None


# --- the tree


async def test_what_is_stored_after_random_rounds_is_the_tree_over_all_entries(store: Store) -> None:
    ledger, chance = SqlLedger(store), random.Random(6962)
    entries: list[bytes] = []
    number = 0
    while len(entries) < 1300:
        count = chance.choice([1, 2, 3, 50, 255, 256, 257, 300])
        leaves = [b"leaf %d" % (number + offset) for offset in range(count)]
        number += count
        await let_wait(store, *leaves)
        entries += [encode_entry(NOW, leaf) for leaf in leaves]
        assert await run_round(ledger) == len(entries)
    await assert_holds(ledger, entries)
    assert await ledger.entries(0, 5000) == entries
    assert await ledger.entries(255, 3) == entries[255:258]
    assert await ledger.entries(len(entries) - 1, 10) == entries[-1:]
    assert await ledger.entries(len(entries), 10) == []
    for index in (0, 255, 256, len(entries) - 1):
        assert await ledger.index_of(digest_of_leaf(b"leaf %d" % index)) == index
    assert await ledger.index_of(digest_of_leaf(b"never logged")) is None
    assert "leaf_waiting" not in await row_counts(store)


@pytest.mark.slow
async def test_a_tree_of_three_levels_of_tiles_is_stored_as_it_is_computed(store: Store) -> None:
    ledger, leaves = SqlLedger(store), [b"%d" % number for number in range(WIDTH * WIDTH + 600)]
    for start in range(0, len(leaves), 9000):
        await let_wait(store, *leaves[start : start + 9000])
        await run_round(ledger)
    await assert_holds(ledger, [encode_entry(NOW, leaf) for leaf in leaves])


async def test_tiles_of_all_levels_are_read_at_once_and_those_that_are_not_there_left_out(store: Store) -> None:
    ledger, size = SqlLedger(store), 2 * WIDTH + 7
    for start in range(0, size, 100):
        await let_wait(store, *(b"leaf %d" % number for number in range(start, min(size, start + 100))))
        await run_round(ledger)
    leaves, tiles = levels_of([hash_leaf(entry) for entry in await ledger.entries(0, size)])
    there = {
        Tile(0, 2, 7): b"".join(leaves[2 * WIDTH :]),
        Tile(1, 0, 2): b"".join(tiles),
        Tile(0, 1): b"".join(leaves[WIDTH : 2 * WIDTH]),
        Tile(0, 0, 3): b"".join(leaves[:3]),
        Tile(0, 0): b"".join(leaves[:WIDTH]),
    }
    missing = [Tile(0, 2, 8), Tile(1, 0, 3), Tile(0, 2), Tile(1, 0), Tile(2, 0, 1)]
    assert await ledger.tiles([*there, *missing]) == there
    assert await ledger.tiles([]) == {}


async def test_an_empty_ledger_has_no_head_no_note_and_no_tile(store: Store) -> None:
    ledger = SqlLedger(store)
    async with ledger.round() as round_:
        assert round_ is not None
        assert await round_.head() is None
        assert await round_.waiting(10, MUCH) == []
        assert await round_.edge(0) == {}
    assert await ledger.unsigned_head() is None
    assert await ledger.checkpoint() is None
    assert await ledger.checkpoint_size() == 0
    assert await ledger.tile(0, 0, 1) is None
    assert await ledger.tile(0, 0, WIDTH) is None
    assert await ledger.entries(0, 10) == []


# --- rounds


async def test_the_oldest_leaves_are_placed_first_and_the_others_wait_on(store: Store) -> None:
    ledger = SqlLedger(store)
    for number in range(5):
        await let_wait(store, b"%d" % number)
    assert await run_round(ledger, most=3) == 3
    assert await waiting_leaves(store) == [b"3", b"4"]
    assert await run_round(ledger, most=3) == 5
    assert await ledger.entries(0, 9) == [encode_entry(NOW, b"%d" % number) for number in range(5)]


async def test_nothing_of_a_round_stays_without_its_commit(store: Store) -> None:
    ledger = SqlLedger(store)
    await let_wait(store, *(b"%d" % number for number in range(300)))
    before = await row_counts(store)
    async with ledger.round() as round_:
        assert round_ is not None
        waiting = await round_.waiting(300, MUCH)
        planned = plan_round(None, {}, by_digest(leaves_in(waiting)), NOW)
        await round_.append(planned.leaves, planned.tiles, planned.head, [row.id for row in waiting])
        assert await row_counts(store) == before, "others see a round before its commit"
    assert await row_counts(store) == before


async def test_a_round_is_one_process_at_a_time(open_store: OpenStore) -> None:
    one, other = SqlLedger(open_store()), open_store()
    await let_wait(other, b"leaf")

    async def take_part() -> bool:
        async with SqlLedger(other).round() as round_:
            return round_ is not None

    async with one.round() as leading:
        assert leading is not None
        asking = asyncio.create_task(take_part())
        if other.is_sqlite:
            answered = (await asyncio.wait([asking], timeout=0.3))[0]
            assert not answered, "a file has one writer: the other waits its turn"
        else:
            assert not await asyncio.wait_for(asking, timeout=60), "two processes lead at once"
    assert await asking == other.is_sqlite
    assert await take_part(), "nobody leads now"


async def test_a_leader_that_loses_its_connection_loses_its_round(postgres_url: str) -> None:
    store, other = Store(postgres_url), Store(postgres_url)
    await let_wait(other, b"leaf")

    async def lead_and_lose() -> None:
        async with SqlLedger(store).round() as round_:
            assert round_ is not None
            async with other.write() as connection:
                await connection.execute(
                    text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
                )
            planned = plan_round(None, {}, by_digest([b"leaf"]), NOW)
            await round_.append(planned.leaves, planned.tiles, planned.head, [1])
            await round_.commit()

    with pytest.raises(StoreUnavailable):
        await lead_and_lose()
    assert await run_round(SqlLedger(other)) == 1, "the next leader finds everything as it was"
    await store.close()
    await other.close()


async def test_processes_that_make_rounds_side_by_side_place_each_leaf_once(open_store: OpenStore) -> None:
    leaves = [b"%d" % number for number in range(400)]

    async def make_rounds(store: Store, mine: list[bytes]) -> None:
        ledger = SqlLedger(store)
        while mine or "leaf_waiting" in await row_counts(store):
            if mine:
                await let_wait(store, *(mine.pop() for _ in range(min(7, len(mine)))))
            async with ledger.round() as round_:
                if round_ is None:
                    continue
                head, waiting = await round_.head(), await round_.waiting(11, MUCH)
                if waiting:
                    edge = await round_.edge(head.size) if head else {}
                    planned = plan_round(head, edge, by_digest(leaves_in(waiting)), NOW)
                    await round_.append(planned.leaves, planned.tiles, planned.head, [row.id for row in waiting])
                    await round_.commit()

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for part in range(3):
            tasks.create_task(make_rounds(open_store(), leaves[part::3]))
    ledger = SqlLedger(open_store())
    entries = await ledger.entries(0, 1000)
    assert sorted(entries) == sorted(encode_entry(NOW, leaf) for leaf in leaves)
    await assert_holds(ledger, entries)


# --- insert-only


async def test_a_place_or_a_size_that_is_taken_is_never_given_again(store: Store) -> None:
    ledger = SqlLedger(store)
    await let_wait(store, b"first", b"second")
    await run_round(ledger)
    before = [await rows_of(store, table) for table in ("ledger_leaf", "ledger_checkpoint")]

    async def place_again(leaves: PlacedLeaves, head: TreeHead) -> None:
        async with ledger.round() as round_:
            assert round_ is not None
            await round_.append(leaves, [], head, [])
            await round_.commit()

    for index, size in ((1, 3), (2, 2)):
        other = PlacedLeaves(index, NOW, [b"another entry"], [b"h" * 32], [b"d" * 32])
        with pytest.raises(StoreConflict):
            await place_again(other, TreeHead(size, b"r" * 32, NOW))
    assert [await rows_of(store, table) for table in ("ledger_leaf", "ledger_checkpoint")] == before


# --- notes


async def test_the_newest_head_is_unsigned_until_its_note_is_there(store: Store) -> None:
    ledger = SqlLedger(store)
    await let_wait(store, b"1")
    await run_round(ledger)
    await ledger.publish_note(1, b"note of 1")
    assert await ledger.unsigned_head() is None
    await let_wait(store, b"2", b"3")
    await run_round(ledger)
    head = await ledger.unsigned_head()
    assert head is not None
    assert (head.size, head.logged_at) == (3, NOW)
    assert (await ledger.checkpoint(), await ledger.checkpoint_size()) == (b"note of 1", 1), "the last signed one"
    await ledger.publish_note(3, b"note of 3")
    assert await ledger.unsigned_head() is None
    assert (await ledger.checkpoint(), await ledger.checkpoint_size()) == (b"note of 3", 3)


async def test_the_first_note_of_a_size_stays(store: Store) -> None:
    ledger = SqlLedger(store)
    await let_wait(store, b"1")
    await run_round(ledger)
    await ledger.publish_note(1, b"the first")
    await ledger.publish_note(1, b"another")
    assert await ledger.checkpoint() == b"the first"


async def test_times_come_back_to_the_microsecond(store: Store) -> None:
    ledger, at = SqlLedger(store), NOW + timedelta(microseconds=1)
    async with ledger.round() as round_:
        assert round_ is not None
        await round_.append(PlacedLeaves(0, at, [b"e"], [b"h" * 32], [b"d" * 32]), [], TreeHead(1, b"r" * 32, at), [])
        await round_.commit()
    assert await ledger.unsigned_head() == TreeHead(1, b"r" * 32, at)
