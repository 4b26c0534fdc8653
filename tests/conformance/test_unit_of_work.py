"""What a unit of work promises (`shared/ports/unit_of_work.py`), on SQLite and on PostgreSQL alike."""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from deploy.local import PrivatePostgres
from shared.adapters.sql import engine
from shared.adapters.sql.engine import Store
from shared.adapters.sql.mapping import TABLES
from shared.adapters.sql.schema import migrate
from shared.adapters.tables.messaging import MESSAGING
from shared.contracts.records import Claim, FeedHead, Key, LegRecord, Record
from shared.errors import StoreConflict, StoreRefused, StoreUnavailable
from shared.ports.unit_of_work import Effects, ParkedItem, UnitOfWork
from tests.conformance.rows import (
    BE,
    CHANGED,
    DIGEST,
    ES,
    FR,
    MA,
    NOW,
    a_dead_letter,
    a_decision,
    a_leg,
    a_mailbox_entry,
    a_notice,
    a_parked_item,
    new_id,
)
from tests.conformance.stores import OpenStore, let_outbox_pass, row_counts, rows_of, stored, units_of, write

SECOND = timedelta(seconds=1)
BLOCKED_S = 0.15
"""How long a test watches something that must not happen yet."""


def everything() -> Effects:
    """A bit of everything that one message can do."""
    return Effects(
        inserts=[Claim(new_id(), MA, DIGEST), a_decision(message=new_id()), a_leg(dossier=new_id())],
        updates=[],
        publishes=[a_notice()],
        leaves=[b"leaf"],
        parts={"p" * 43: b"sealed", "q" * 43: b""},
    )


async def do_everything(unit: UnitOfWork, known_leg: LegRecord, parked: ParkedItem) -> None:
    await unit.claim([new_id()])
    effects = everything()
    effects.updates.append(replace(known_leg, version=2))
    await unit.write(effects)
    await unit.park([(a_parked_item(), NOW, "later")])
    await unit.unpark([parked.id])
    await unit.bury([a_dead_letter()])


@asynccontextmanager
async def two_units(url: str) -> AsyncIterator[tuple[UnitOfWork, UnitOfWork]]:
    """Two units of two processes, both begun: on PostgreSQL, since SQLite has one at a time."""
    stores = Store(url), Store(url)
    async with units_of(stores[0]).begin() as one, units_of(stores[1]).begin() as other:
        yield one, other
    for store in stores:
        await store.close()


# --- all or nothing


async def test_nothing_of_a_unit_is_seen_before_its_commit_and_all_of_it_after(store: Store) -> None:
    leg, parked = a_leg(), a_parked_item()
    await write(store, Effects(inserts=[leg]))
    async with units_of(store).begin() as unit:
        await unit.park([(parked, NOW, "not yet")])
        await unit.commit()
    before = await row_counts(store), await rows_of(store, "leg"), await rows_of(store, "intake_parked")
    async with units_of(store).begin() as unit:
        await do_everything(unit, leg, parked)
        during = await row_counts(store), await rows_of(store, "leg"), await rows_of(store, "intake_parked")
        await unit.commit()
    assert during == before
    assert await row_counts(store) == {
        "claim": 1,
        "decision": 1,
        "leg": 2,
        "part": 2,
        "part_chunk": 1,
        "leaf_waiting": 1,
        "intake_inbox": 1,
        "intake_outbox": 1,
        "intake_parked": 1,
        "intake_dead_letter": 1,
    }
    assert {row.version for row in await rows_of(store, "leg")} == {1, 2}
    assert parked.id not in {row.item for row in await rows_of(store, "intake_parked")}


@pytest.mark.parametrize("error", [None, RuntimeError("the handler failed"), asyncio.CancelledError()])
async def test_leaving_without_commit_undoes_everything(store: Store, error: BaseException | None) -> None:
    leg, parked = a_leg(), a_parked_item()
    await write(store, Effects(inserts=[leg]))
    before = await row_counts(store)
    with suppress(RuntimeError, asyncio.CancelledError):
        async with units_of(store).begin() as unit:
            await do_everything(unit, leg, parked)
            if error:
                raise error
    assert await row_counts(store) == before
    assert (await stored(store, leg.key()))[leg.key()] == leg


async def test_a_commit_is_still_there_when_the_store_is_opened_anew(open_store: OpenStore) -> None:
    first = open_store()
    await write(first, everything())
    counts = await row_counts(first)
    await first.close()
    assert await row_counts(open_store()) == counts


# --- claims


async def test_a_claim_returns_exactly_the_items_that_were_new(store: Store) -> None:
    old, new = [new_id() for _ in range(30)], [new_id() for _ in range(100)]
    async with units_of(store).begin() as unit:
        assert await unit.claim(old) == set(old)
        await unit.commit()
    asked = [*old, *new, *new[:5]]
    random.Random(1).shuffle(asked)
    async with units_of(store).begin() as unit:
        assert await unit.claim(asked) == set(new)
        assert await unit.claim(asked) == set()
        await unit.commit()
    async with units_of(store).begin() as unit:
        assert await unit.claim([]) == set()
        assert await unit.claim(asked) == set()


async def test_each_service_has_an_inbox_of_its_own(store: Store) -> None:
    item = new_id()
    for service in MESSAGING:
        async with units_of(store, service).begin() as unit:
            assert await unit.claim([item]) == {item}
            await unit.commit()


@pytest.mark.parametrize("first_commits", [True, False])
async def test_of_two_units_at_the_same_items_one_gets_each(open_store: OpenStore, first_commits: bool) -> None:
    mine, shared, yours = ([new_id() for _ in range(5)] for _ in range(3))
    one, other = units_of(open_store()), units_of(open_store())

    async def claim_as_other() -> set[str]:
        async with other.begin() as unit:
            claimed = await unit.claim([*shared, *yours])
            await unit.commit()
            return claimed

    async with one.begin() as unit:
        assert await unit.claim([*mine, *shared]) == {*mine, *shared}
        claiming = asyncio.create_task(claim_as_other())
        assert not (await asyncio.wait([claiming], timeout=BLOCKED_S))[0], "it answered before it could know"
        if first_commits:
            await unit.commit()
    assert await claiming == (set(yours) if first_commits else {*shared, *yours})


async def test_units_that_claim_the_same_items_in_opposite_order_wait_and_do_not_deadlock(postgres_url: str) -> None:
    items = [new_id() for _ in range(3000)]

    async def claim(unit: UnitOfWork, asked: list[str]) -> set[str]:
        claimed = await unit.claim(asked)
        await unit.commit()
        return claimed

    async with two_units(postgres_url) as (one, other):
        claims = await asyncio.gather(claim(one, items), claim(other, items[::-1]))
    assert sorted(map(len, claims)) == [0, 3000]


# --- rows


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


# --- items that wait


async def test_parked_items_come_back_when_they_are_due_the_longest_waiting_first(store: Store) -> None:
    early, late, later = (a_parked_item(attempts=number) for number in (1, 2, 3))
    async with units_of(store).begin() as unit:
        await unit.park([(late, NOW + SECOND, "b"), (later, NOW + 2 * SECOND, "c"), (early, NOW, "a")])
        await unit.commit()
    async with units_of(store).begin() as unit:
        assert await unit.list_due(10, NOW - timedelta(microseconds=1)) == []
        assert await unit.list_due(10, NOW) == [early]
        assert await unit.list_due(10, NOW + 5 * SECOND) == [early, late, later]
        assert await unit.list_due(2, NOW + 5 * SECOND) == [early, late]
    async with units_of(store, "routing").begin() as unit:
        assert await unit.list_due(10, NOW + 5 * SECOND) == []


async def test_an_item_parked_again_waits_for_its_new_time_with_its_new_reason(store: Store) -> None:
    item = a_parked_item()
    async with units_of(store).begin() as unit:
        await unit.park([(item, NOW, "first")])
        await unit.commit()
    again = replace(item, attempts=2)
    async with units_of(store).begin() as unit:
        await unit.park([(again, NOW + SECOND, "second")])
        await unit.commit()
    [row] = await rows_of(store, "intake_parked")
    assert (row.reason, row.due_at, row.first_at) == ("second", NOW + SECOND, NOW)
    async with units_of(store).begin() as unit:
        assert await unit.list_due(10, NOW) == []
        assert await unit.list_due(10, NOW + SECOND) == [again]


async def test_of_two_workers_at_one_parked_item_one_holds_it_and_the_other_goes_on(open_store: OpenStore) -> None:
    item, other_item = a_parked_item(), a_parked_item()
    one, other = open_store(), open_store()
    async with units_of(one).begin() as unit:
        await unit.park([(item, NOW, "why"), (other_item, NOW, "why")])
        await unit.commit()

    async def hold_as_other() -> list[bool]:
        async with units_of(other).begin() as unit:
            return [await unit.hold_parked(item.id), await unit.hold_parked(other_item.id)]

    async with units_of(one).begin() as unit:
        assert await unit.hold_parked(item.id)
        holding = asyncio.create_task(hold_as_other())
        if not one.is_sqlite:  # there, the other waits for the only writer
            assert await asyncio.wait_for(holding, timeout=5) == [False, True]
        await unit.unpark([item.id])
        await unit.commit()
    assert await holding == [False, True]
    async with units_of(one).begin() as unit:
        assert not await unit.hold_parked(new_id())


async def test_dead_letters_keep_the_frame_and_the_reason(store: Store) -> None:
    letter, whole_frame = a_dead_letter(), replace(a_dead_letter(), id=None, frame=b"\x00\xff" * 100_000)
    async with units_of(store).begin() as unit:
        await unit.bury([])
        await unit.bury([letter, whole_frame])
        await unit.commit()
    kept = [
        (row.item, row.frame, row.ordinal, row.reason, row.at) for row in await rows_of(store, "intake_dead_letter")
    ]
    assert kept == [(one.id, one.frame, one.ordinal, one.reason, one.at) for one in (letter, whole_frame)]


# --- the outbox


async def test_what_is_written_to_publish_stands_in_the_outbox_until_it_is_confirmed(store: Store) -> None:
    async with units_of(store).begin() as unit:
        rows = await unit.write(Effects(publishes=[a_notice(new_id()) for _ in range(3)]))
        await unit.commit()
    assert len({row.id for row in rows}) == 3
    await let_outbox_pass(store, 11)
    async with units_of(store).begin() as unit:
        await unit.forget_outbox([rows[1].id])
        await unit.forget_outbox([])
        left = await unit.take_overdue_outbox(10)
        await unit.commit()
    assert {row.id: row for row in left} == {row.id: row for row in (rows[0], rows[2])}


async def test_an_outbox_row_is_overdue_after_ten_seconds_and_then_taken_once(store: Store) -> None:
    units = units_of(store)
    await write(store, Effects(publishes=[a_notice()]))
    await let_outbox_pass(store, 8)

    async def take() -> int:
        async with units.begin() as unit:
            taken = len(await unit.take_overdue_outbox(10))
            await unit.commit()
            return taken

    assert await units.oldest_outbox_age_s() == 0
    assert await take() == 0
    await let_outbox_pass(store, 4)
    assert 1.5 < await units.oldest_outbox_age_s() < 5
    assert await take() == 1
    assert await units.oldest_outbox_age_s() == 0
    assert await take() == 0
    await let_outbox_pass(store, 8)
    assert await take() == 0, "it is due again ten seconds after it was taken, not before"
    await let_outbox_pass(store, 4)
    assert await take() == 1


async def test_a_relay_that_dies_with_its_rows_leaves_them_to_the_next(store: Store) -> None:
    await write(store, Effects(publishes=[a_notice()]))
    await let_outbox_pass(store, 11)
    async with units_of(store).begin() as unit:
        assert len(await unit.take_overdue_outbox(10)) == 1
    async with units_of(store).begin() as unit:
        assert len(await unit.take_overdue_outbox(10)) == 1


async def test_two_relays_take_each_row_once_between_them(open_store: OpenStore) -> None:
    one, other = open_store(), open_store()
    await write(one, Effects(publishes=[a_notice(new_id()) for _ in range(30)]))
    await let_outbox_pass(one, 11)

    async def take_as_other() -> list[str]:
        async with units_of(other).begin() as unit:
            rows = await unit.take_overdue_outbox(30)
            await unit.commit()
            return [row.id for row in rows]

    async with units_of(one).begin() as unit:
        mine = [row.id for row in await unit.take_overdue_outbox(12)]
        taking = asyncio.create_task(take_as_other())
        if not one.is_sqlite:
            assert len(await asyncio.wait_for(taking, timeout=5)) == 18
        await unit.commit()
    assert sorted(mine + await taking) == sorted(row.id for row in await rows_of(one, "intake_outbox"))
    assert len(mine) == 12


# --- a database that does not answer


async def test_a_stopped_server_is_unavailable_at_every_step_and_usable_again_after(
    mortal_postgres: PrivatePostgres,
) -> None:
    mortal_postgres.start()
    mortal_postgres.create_database("stopped")
    url = mortal_postgres.dsn("stopped")
    await migrate(url)
    store = Store(url)
    units = units_of(store)

    async def lose_the_server(step: Callable[[UnitOfWork], Awaitable[object]], end: Callable[[], None]) -> None:
        async with units.begin() as unit:
            await unit.write(everything())
            await asyncio.to_thread(end)
            await step(unit)

    async def down_while(step: Callable[[UnitOfWork], Awaitable[object]], end: Callable[[], None]) -> None:
        with pytest.raises(StoreUnavailable):
            await lose_the_server(step, end)
        with pytest.raises(StoreUnavailable):
            async with units.begin():
                pass
        with pytest.raises(StoreUnavailable):
            await units.oldest_outbox_age_s()
        await asyncio.to_thread(mortal_postgres.start)
        assert await row_counts(store) == {}

    try:
        await down_while(lambda unit: unit.claim([new_id()]), mortal_postgres.stop)
        await down_while(lambda unit: unit.commit(), mortal_postgres.stop)
        await down_while(lambda unit: unit.load([a_leg().key()]), mortal_postgres.kill)
        await down_while(lambda unit: unit.write(everything()), mortal_postgres.kill)
        await down_while(lambda unit: unit.park([(a_parked_item(), NOW, "")]), mortal_postgres.kill)
        await down_while(lambda unit: unit.hold_parked(new_id()), mortal_postgres.kill)
        await down_while(lambda unit: unit.take_overdue_outbox(1), mortal_postgres.kill)
        await down_while(lambda unit: unit.commit(), mortal_postgres.kill)
    finally:
        await store.close()


async def test_a_server_that_is_still_starting_is_unavailable_too(mortal_postgres: PrivatePostgres) -> None:
    """It answers, and refuses: with errors of its own that are none of the network."""
    mortal_postgres.start()
    mortal_postgres.create_database("starting")
    url = mortal_postgres.dsn("starting")
    await asyncio.to_thread(mortal_postgres.kill)
    refusals: set[str] = set()

    async def connect_until_it_answers() -> None:
        while True:
            store = Store(url)
            try:
                async with store.read():
                    return
            except StoreUnavailable as down:
                refusals.add(str(down))
            finally:
                await store.close()
            await asyncio.sleep(0)

    connecting = asyncio.create_task(connect_until_it_answers())
    await asyncio.to_thread(mortal_postgres.start)
    await connecting
    assert any("starting up" in why or "not yet accepting" in why for why in refusals), refusals


async def test_a_file_that_another_program_has_locked_is_unavailable_until_it_lets_go(
    migrated_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "SQLITE_BUSY_S", 0.2)
    file = tmp_path / "locked.sqlite3"
    file.write_bytes(migrated_file.read_bytes())
    store = Store(f"sqlite+aiosqlite:///{file}")
    await write(store, Effects(leaves=[b"before"]))
    other_program = sqlite3.connect(file, isolation_level=None)
    other_program.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        await write(store, Effects(leaves=[b"during"]))
    assert await row_counts(store) == {"leaf_waiting": 1}, "reading goes on"
    other_program.close()
    await write(store, Effects(leaves=[b"after"]))
    assert [row.leaf for row in await rows_of(store, "leaf_waiting")] == [b"before", b"after"]
    await store.close()


def test_the_two_dialects_are_what_is_tested(store_url: str) -> None:
    assert make_url(store_url).drivername in ("sqlite+aiosqlite", "postgresql+asyncpg")
