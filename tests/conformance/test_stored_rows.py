"""A row comes back as it was written, exists once, and waits for whoever holds it, on SQLite and PostgreSQL alike."""

import asyncio
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.adapters.sql.engine import Store
from shared.adapters.sql.mapping import TABLES
from shared.contracts.records import Claim, FeedHead, Key, LegRecord, Record
from shared.errors import StoreConflict, StoreRefused, StoreUnavailable
from shared.ports.unit_of_work import Effects, UnitOfWork
from tests.conformance.rows import BE, CHANGED, DIGEST, ES, FR, MA, NOW, a_leg, a_mailbox_entry, a_notice, new_id
from tests.conformance.stores import BLOCKED_S, OpenStore, row_counts, stored, two_units, units_of, write

SECOND = timedelta(seconds=1)


async def test_a_reader_of_a_file_cannot_write(migrated_file: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{migrated_file}")
    with pytest.raises(StoreUnavailable, match="readonly"):
        async with store.read() as connection:
            await connection.execute(text("DELETE FROM claim"))
    await store.close()


def test_every_record_has_its_table_and_stands_in_these_tests() -> None:
    assert [type(row) for row, _ in CHANGED] == [type(changed) for _, changed in CHANGED]
    assert {type(row) for row, _ in CHANGED} == set(TABLES) == set(Record.__subclasses__())


@pytest.mark.parametrize(("row", "changed"), CHANGED, ids=[type(row).__name__ for row, _ in CHANGED])
async def test_a_row_comes_back_as_it_was_written_and_as_it_was_changed(
    store: Store, row: Record, changed: Record
) -> None:
    assert row.key() == changed.key()
    assert await stored(store, row.key()) == {}
    await write(store, Effects(inserts=[row]))
    assert await stored(store, row.key()) == {row.key(): row}
    await write(store, Effects(updates=[changed]))
    assert await stored(store, row.key()) == {row.key(): changed}


async def test_an_update_changes_the_row_with_its_key_and_no_other(store: Store) -> None:
    entries = [a_mailbox_entry(reader, message=message) for reader in (MA, BE, FR) for message in (new_id(), new_id())]
    await write(store, Effects(inserts=list(entries)))
    changed = [replace(entries[index], retrieved_at=NOW + index * SECOND) for index in (4, 1)]
    await write(store, Effects(updates=list(changed)))
    expected = {entry.key(): entry for entry in entries} | {entry.key(): entry for entry in changed}
    assert await stored(store, *expected) == expected


async def test_loading_finds_the_rows_that_exist_in_all_their_tables(store: Store) -> None:
    rows = [row for row, _ in CHANGED]
    await write(store, Effects(inserts=rows[::2]))
    assert await stored(store, *(row.key() for row in rows)) == {row.key(): row for row in rows[::2]}
    assert await stored(store) == {}


async def test_a_key_that_exists_already_is_a_conflict_and_nothing_of_its_unit_stays(store: Store) -> None:
    for row, changed in CHANGED:
        await write(store, Effects(inserts=[row]))
        counts = await row_counts(store)
        with pytest.raises(StoreConflict):
            await write(store, Effects(inserts=[Claim(new_id(), MA, DIGEST), changed], leaves=[b"leaf"]))
        assert await row_counts(store) == counts
        assert await stored(store, row.key()) == {row.key(): row}


async def test_of_two_units_that_insert_one_key_the_second_meets_a_conflict(open_store: OpenStore) -> None:
    one, other = units_of(open_store()), open_store()
    async with one.begin() as unit:
        await unit.write(Effects(inserts=[FeedHead(MA, 1)]))
        writing = asyncio.create_task(write(other, Effects(inserts=[FeedHead(MA, 7)])))
        assert not (await asyncio.wait([writing], timeout=BLOCKED_S))[0]
        await unit.commit()
    with pytest.raises(StoreConflict):
        await writing
    assert await stored(other, FeedHead(MA, 0).key()) == {FeedHead(MA, 0).key(): FeedHead(MA, 1)}


async def test_units_that_insert_the_same_keys_in_opposite_order_meet_a_conflict_and_no_deadlock(
    postgres_url: str,
) -> None:
    claims: list[Record] = [Claim(new_id(), MA, DIGEST) for _ in range(500)]

    async def insert(unit: UnitOfWork, rows: list[Record]) -> None:
        await unit.write(Effects(inserts=rows))
        await unit.commit()

    async with two_units(postgres_url) as (one, other):
        answers = await asyncio.gather(insert(one, claims), insert(other, claims[::-1]), return_exceptions=True)
    [conflict] = [answer for answer in answers if answer is not None]
    assert isinstance(conflict, StoreConflict)
    assert "duplicate key" in str(conflict.__cause__)


async def test_a_value_that_no_row_can_hold_is_refused_and_is_no_conflict(store: Store) -> None:
    no_sender: Record = Claim(new_id(), None, DIGEST)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(StoreRefused):
        await write(store, Effects(inserts=[Claim(new_id(), MA, DIGEST), no_sender]))
    if not store.is_sqlite:  # SQLite has no limits of length
        with pytest.raises(StoreRefused):
            await write(store, Effects(inserts=[Claim(new_id(), "x" * 20, DIGEST)]))
        with pytest.raises(StoreRefused):
            await write(store, Effects(inserts=[FeedHead(MA, 2**63)]))
    assert await row_counts(store) == {}


async def test_a_row_that_one_unit_loaded_waits_for_its_end_and_is_then_seen_as_it_left_it(
    open_store: OpenStore,
) -> None:
    one, other, leg = open_store(), open_store(), a_leg()
    await write(one, Effects(inserts=[leg]))
    async with units_of(one).begin() as unit:
        await unit.load([leg.key()])
        loading = asyncio.create_task(stored(other, leg.key()))
        assert not (await asyncio.wait([loading], timeout=BLOCKED_S))[0], "two units decide on one row"
        await unit.write(Effects(updates=[replace(leg, version=2)]))
        await unit.commit()
    assert await loading == {leg.key(): replace(leg, version=2)}


async def test_four_writers_on_shared_rows_lose_no_update_and_meet_no_deadlock(open_store: OpenStore) -> None:
    """[160 transactions: 143 deadlocks where each locks and writes its rows in its own order, 0 in one order]."""
    legs = [a_leg(dossier=new_id()) for _ in range(8)]
    heads = [FeedHead(authority, 0) for authority in (MA, BE, FR, ES)]
    await write(open_store(), Effects(inserts=[*legs, *heads]))
    added: Counter[Key] = Counter()

    async def add_to(store: Store, chosen: list[Key]) -> None:
        async with units_of(store).begin() as unit:
            found = await unit.load(chosen)
            await asyncio.sleep(0)
            updates: list[Record] = []
            for key in chosen:
                row = found[key]
                if isinstance(row, LegRecord):
                    updates.append(replace(row, version=row.version + 1))
                elif isinstance(row, FeedHead):
                    updates.append(replace(row, position=row.position + 1))
            await unit.write(Effects(updates=updates, leaves=[b"leaf"], publishes=[a_notice()]))
            await unit.commit()
        added.update(chosen)

    async def work(store: Store, seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(40):
            chosen = chance.sample([row.key() for row in (*legs, *heads)], k=chance.randint(3, 8))
            await add_to(store, chosen)

    async with asyncio.TaskGroup() as writers:
        for seed in range(4):
            writers.create_task(work(open_store(), seed))
    store = open_store()
    found = await stored(store, *added)
    assert {key: row.version - 1 for key, row in found.items() if isinstance(row, LegRecord)} == {
        key: count for key, count in added.items() if key.record is LegRecord
    }
    assert {key: row.position for key, row in found.items() if isinstance(row, FeedHead)} == {
        key: count for key, count in added.items() if key.record is FeedHead
    }
    assert (await row_counts(store))["leaf_waiting"] == (await row_counts(store))["intake_outbox"] == 160
