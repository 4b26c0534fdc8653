"""A feed is read in order from any position, and no reader misses an entry, however many write it at once."""

import asyncio
from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, MetaData, String, Table, insert, select

from services.notification.handler import NotificationHandler
from shared.adapters.sql.engine import Store
from shared.adapters.sql.queries import SqlQueries
from shared.contracts.messages import RetrievalRecorded
from shared.contracts.records import FeedHead
from shared.errors import StoreConflict
from shared.keys.directory import Directory
from shared.ports.handler import Occasion
from shared.ports.keyring import PublishedInstruments
from shared.ports.unit_of_work import Effects, UnitOfWork
from shared.runtime.batch_view import BatchView
from tests.conformance.rows import BE, FR, MA, NOW, OUTSIDER, a_feed_entry, a_notice, new_id
from tests.conformance.stores import OpenStore, units_of, write


async def test_a_feed_is_read_in_order_from_any_position(store: Store) -> None:
    entries = [a_feed_entry(BE, position) for position in range(1, 8)]
    for entry in (*entries[::-1], a_feed_entry(FR, 1)):
        await write(store, Effects(inserts=[entry]))
    queries = SqlQueries(store)
    assert await queries.feed(BE, 0, 100) == entries
    assert await queries.feed(BE, 3, 2) == entries[3:5]
    assert await queries.feed(BE, 7, 100) == []
    assert await queries.feed(OUTSIDER, 0, 100) == []


async def notify(unit: UnitOfWork, message: RetrievalRecorded) -> None:
    """What notification's pump does with one event, all but the commit."""
    handler, occasion = NotificationHandler(), Occasion(NOW, NOW, Directory.empty("x"), PublishedInstruments(0, None))
    keys = handler.needs(message)
    await unit.write(handler.handle(message, BatchView(keys, await unit.load(keys)), occasion))


async def test_a_feed_never_shows_an_entry_whose_predecessor_commits_later(open_store: OpenStore) -> None:
    """Two writers of one feed, the first slow to commit: "after N" finds the second only with or after the first."""
    slow, fast = open_store(), open_store()
    queries = SqlQueries(open_store())
    await write(slow, Effects(inserts=[FeedHead(MA, 0)]))
    first, second = new_id(), new_id()

    async def write_fast() -> None:
        async with units_of(fast, "notification").begin() as unit:
            await notify(unit, a_notice(second))
            await unit.commit()

    async with units_of(slow, "notification").begin() as unit:
        await notify(unit, a_notice(first))
        writing = asyncio.create_task(write_fast())
        assert not (await asyncio.wait([writing], timeout=0.3))[0], "it got a position before its predecessor's commit"
        seen = await queries.feed(MA, 0, 10)
        await unit.commit()
    await writing
    seen += await queries.feed(MA, seen[-1].position if seen else 0, 10)
    assert [(entry.position, entry.message) for entry in seen] == [(1, first), (2, second)]


async def test_readers_of_a_feed_under_many_writers_lose_no_entry(open_store: OpenStore) -> None:
    queries, writers, each = SqlQueries(open_store()), 4, 25
    sent = [[new_id() for _ in range(each)] for _ in range(writers)]
    seen: list[str] = []

    async def write_all(store: Store, messages: Sequence[str]) -> None:
        for message in messages:
            while True:
                try:
                    async with units_of(store, "notification").begin() as unit:
                        await notify(unit, a_notice(message))
                        await unit.commit()
                    break
                except StoreConflict:  # the feed's first entry: two saw no head yet
                    continue

    async def read_all() -> None:
        position = 0
        while len(seen) < writers * each:
            for entry in await queries.feed(MA, position, 10):
                assert entry.position == position + 1
                position = entry.position
                seen.append(entry.message)
            await asyncio.sleep(0)

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(read_all())
        for messages in sent:
            tasks.create_task(write_all(open_store(), messages))
    assert sorted(seen) == sorted(message for messages in sent for message in messages)


async def test_a_sequence_read_by_id_greater_than_n_would_lose_such_an_entry(postgres_url: str) -> None:
    """Why the database does not number feeds: the same two writers, with an identity column and without the head."""
    table = Table("plain_feed", MetaData(), Column("id", BigInteger, primary_key=True), Column("message", String(5)))
    slow, fast = Store(postgres_url), Store(postgres_url)
    async with slow.write() as connection:
        await connection.run_sync(table.create)
    async with slow.write() as slow_writer:
        await slow_writer.execute(insert(table), [{"message": "first"}])
        async with fast.write() as fast_writer:
            await fast_writer.execute(insert(table), [{"message": "later"}])
        async with fast.read() as reader:
            seen = list(await reader.execute(select(table).where(table.c.id > 0)))
    async with fast.read() as reader:
        seen += await reader.execute(select(table).where(table.c.id > seen[-1].id))
        stored = list(await reader.execute(select(table)))
    assert [row.message for row in seen] == ["later"], "the first entry is never read by who asks for more than N"
    assert len(stored) == 2
    async with slow.write() as connection:
        await connection.run_sync(table.drop)
    await slow.close()
    await fast.close()
