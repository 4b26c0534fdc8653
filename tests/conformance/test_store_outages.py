"""A database that does not answer is unavailable at every step, which is no other error, and is usable again after."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from deploy.local import PrivatePostgres
from shared.adapters.sql import engine
from shared.adapters.sql.engine import Store
from shared.adapters.sql.schema import migrate
from shared.errors import StoreUnavailable
from shared.ports.unit_of_work import Effects, UnitOfWork
from tests.conformance.rows import NOW, a_leg, a_parked_item, everything, new_id
from tests.conformance.stores import row_counts, units_of, waiting_leaves, write
from tests.frozen import family_of, frozen
from tests.promptness import in_time


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


async def test_a_reader_waits_for_a_silent_server_no_longer_than_its_caller_would(
    mortal_postgres: PrivatePostgres,
) -> None:
    mortal_postgres.start()
    mortal_postgres.create_database("silent")
    url = mortal_postgres.dsn("silent")
    await migrate(url)
    store = Store(url)
    units = units_of(store)
    assert await units.oldest_outbox_age_s() == 0  # on a connection that is open when the silence begins
    with frozen(family_of(mortal_postgres.pid)):

        async def read_in_vain() -> None:
            with pytest.raises(StoreUnavailable):
                await units.oldest_outbox_age_s()

        for _ in range(2):
            assert await in_time(8, read_in_vain)
    assert await units.oldest_outbox_age_s() == 0
    await store.close()


async def test_a_process_that_stands_still_does_not_hold_its_locks_against_others(
    mortal_postgres: PrivatePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    mortal_postgres.start()
    mortal_postgres.create_database("frozen")
    url = mortal_postgres.dsn("frozen")
    await migrate(url)
    other, item = Store(url), new_id()
    monkeypatch.setattr(engine, "IDLE_TRANSACTION_S", 2)
    frozen_one = Store(url)
    async with units_of(frozen_one).begin() as unit:
        assert await unit.claim([item]) == {item}
        async with units_of(other).begin() as its_replica:  # waits for the row, then has it
            assert await its_replica.claim([item]) == {item}
            await its_replica.commit()
        with pytest.raises(StoreUnavailable):
            await unit.commit()
    await frozen_one.close()
    await other.close()


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
    assert await waiting_leaves(store) == [b"before", b"after"]
    await store.close()


@pytest.mark.parametrize("door", ["write", "read"])
async def test_who_is_cancelled_while_it_begins_leaves_nothing_begun(sqlite_url: str, door: str) -> None:
    store = Store(sqlite_url, pool_size=1)

    async def look_in() -> None:
        async with store.write() if door == "write" else store.read() as connection:
            await connection.exec_driver_sql("SELECT 1 FROM leaf_waiting")

    try:
        await look_in()
        for number in range(60):
            looking = asyncio.create_task(look_in())
            await asyncio.sleep(number / 50_000)  # so that the cancellation meets every stage of the work
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await look_in()
    finally:
        await store.close()
