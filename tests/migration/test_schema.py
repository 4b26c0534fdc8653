"""The schema: made from nothing, taken back to nothing, and what the code expects, on SQLite and on PostgreSQL."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text

from deploy.local import PrivatePostgres
from shared.adapters.sql.engine import Store
from shared.adapters.sql.schema import MIGRATIONS, check_schema, migrate, schema_differences
from shared.adapters.tables import METADATA
from shared.audit.leaves import digest_of_leaf, encode_entry, encode_leaf
from shared.errors import SettingsRefused

TABLES = {table.name for table in METADATA.sorted_tables}
VERSION = "alembic_version"


def revisions() -> list[str]:
    """All revisions, the oldest first."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


@pytest.fixture
def empty_postgres_url(postgres: PrivatePostgres) -> Iterator[str]:
    postgres.start()
    name = f"empty_{secrets.token_hex(6)}"
    postgres.create_database(name)
    yield postgres.dsn(name)
    postgres.drop_database(name)


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'empty.sqlite3'}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.connected)])
def url(request: pytest.FixtureRequest) -> str:
    """A database without a table."""
    made: str = request.getfixturevalue(f"empty_{request.param}_url")
    return made


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = Store(url)
    yield opened
    await opened.close()


async def tables_of(store: Store) -> set[str]:
    async with store.read() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_a_new_database_gets_every_table_and_differs_in_nothing_from_the_code(url: str, store: Store) -> None:
    await migrate(url)
    assert await tables_of(store) == TABLES | {VERSION}
    assert await schema_differences(store) == []
    await check_schema(store, url)


PLAIN_BYTES = {
    "bus_message.frame",  # of the embedded bus, which is never on PostgreSQL
    "key_event.event",
    "instruments.document",
    "ledger_note.note",
    "ledger_checkpoint.seal",
    "ledger_cosignature.line",
    "ledger_time_stamp.token",
    *(
        "decision.leaf_digest",
        "evidence.leaf_digest",
        "failed_evidence.leaf_digest",
        "parts_pruned.leaf_digest",
        "key_event.leaf_digest",
        "ledger_leaf.leaf_digest",
        "ledger_leaf.entry_hash",
    ),
    *("ledger_tile.root", "ledger_checkpoint.root"),
}
"""Signed text, seldom written, and digests, which are too short to be compressed."""


@pytest.mark.connected
async def test_postgresql_does_not_try_to_compress_what_is_sealed(empty_postgres_url: str) -> None:
    await migrate(empty_postgres_url)
    compressed = text(
        "SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND atttypid = 'bytea'::regtype"
        " AND attstorage <> 'e'"
    )
    store = Store(empty_postgres_url)
    try:
        async with store.read() as connection:
            assert set((await connection.execute(compressed)).scalars()) == PLAIN_BYTES
    finally:
        await store.close()


async def test_a_database_taken_back_to_nothing_comes_up_again(url: str, store: Store) -> None:
    await migrate(url)
    await migrate(url, "base")
    assert await tables_of(store) <= {VERSION}
    await migrate(url)
    assert await schema_differences(store) == []


async def test_every_revision_goes_down_and_up_again(url: str, store: Store) -> None:
    for revision in revisions():
        await migrate(url, revision)
        before = repr(await schema_differences(store))  # as text: indexes are compared by identity
        older = revisions()[revisions().index(revision) - 1] if revision != revisions()[0] else "base"
        await migrate(url, older)
        await migrate(url, revision)
        assert repr(await schema_differences(store)) == before


async def test_a_migrated_database_is_left_as_it_is(url: str, store: Store) -> None:
    await migrate(url)
    await migrate(url)
    assert await schema_differences(store) == []


async def test_differences_are_seen_when_there_are_some(url: str, store: Store) -> None:
    await migrate(url)
    async with store.write() as connection:
        await connection.run_sync(METADATA.tables["claim"].drop)
    assert [difference[0] for difference in await schema_differences(store)] == ["add_table"]


async def test_a_program_refuses_a_database_of_another_revision(url: str, store: Store) -> None:
    with pytest.raises(SettingsRefused, match="needs " + revisions()[-1]):
        await check_schema(store, url)
    await migrate(url)
    await migrate(url, "base")
    with pytest.raises(SettingsRefused) as refused:
        await check_schema(store, url)
    assert "password" not in str(refused.value)


async def test_a_migration_that_breaks_off_leaves_the_database_as_it_was(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that is killed half-way must not leave a database that no start can use."""
    real: Callable[..., object] = Operations.create_table
    made: list[str] = []

    def create_some(operations: Operations, name: str, *columns: object, **options: object) -> object:
        made.append(name)
        if len(made) > len(TABLES) // 2:
            raise RuntimeError("the power failed")
        return real(operations, name, *columns, **options)

    monkeypatch.setattr(Operations, "create_table", create_some)
    with pytest.raises(RuntimeError):
        await migrate(url)
    monkeypatch.undo()
    assert made
    assert await tables_of(store) == set()
    await migrate(url)
    assert await schema_differences(store) == []


def test_there_is_one_linear_history() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_bases() == revisions()[:1]
    assert scripts.get_heads() == revisions()[-1:]
    assert [script.down_revision for script in scripts.walk_revisions()][::-1] == [None, *revisions()[:-1]]


async def test_readers_go_on_while_nothing_is_to_be_migrated(url: str, store: Store) -> None:
    await migrate(url)
    async with store.read() as connection, asyncio.timeout(30):
        await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        await migrate(url)


async def test_key_events_of_before_are_found_in_the_ledger(url: str, store: Store) -> None:
    await migrate(url, "0004")
    leaf = '{"event":{},"seq":%d,"type":"directory.key-event"}'
    told = ["not a key event", leaf % 2, '{"type":"evidence.delivery","why":"directory.key-event"}', leaf % 1]
    at, leaves = "2026-11-22 09:00:00+00:00", METADATA.tables["ledger_leaf"]
    async with store.write() as connection:
        for seq in (1, 2, 3):
            await connection.execute(
                text(
                    "INSERT INTO key_event (seq, event, recorded_at) VALUES (:seq, :event, now_)".replace(
                        "now_", f"'{at}'"
                    )
                ),
                {"seq": seq, "event": b"event"},
            )
        for number, line in enumerate(told):
            row = {"index": number, "entry": f"{at}\n{line}".encode(), "entry_hash": b"", "leaf_digest": b"%d" % number}
            await connection.execute(leaves.insert(), {**row, "logged_at": datetime.now(UTC)})
    await migrate(url)
    async with store.read() as connection:
        found = await connection.execute(text("SELECT seq, leaf_digest FROM key_event ORDER BY seq"))
        assert [(seq, digest and bytes(digest)) for seq, digest in found] == [
            (1, bytes(6) + b"3"),
            (2, bytes(6) + b"1"),
            (3, None),
        ]


async def test_rows_of_before_point_at_their_leaves_as_new_ones_do(url: str, store: Store) -> None:
    await migrate(url, "0012")
    at = datetime(2026, 11, 22, 9, 30, 0, 123456, UTC)
    leaves = [encode_leaf("exchange.started", at, bytes([n]) * 16, service="all", version="1") for n in range(3)]
    evidence, leaf_table = METADATA.tables["evidence"], METADATA.tables["ledger_leaf"]
    async with store.write() as connection:
        for number, leaf in enumerate(leaves):
            digest = hashlib.sha256(leaf).digest()
            row = {"message": "m", "kind": f"kind-{number}", "recipient": "r", "at": at, "leaf_digest": digest}
            await connection.execute(evidence.insert(), row)
            if number:  # the first one waits for its place
                placed = {"index": number, "logged_at": at, "entry": encode_entry(at, leaf), "entry_hash": b""}
                await connection.execute(leaf_table.insert(), {**placed, "leaf_digest": digest})
    await migrate(url)
    async with store.read() as connection:
        pointing = (await connection.execute(select(evidence.c.leaf_digest).order_by(evidence.c.kind))).scalars()
        placed_as = (await connection.execute(select(leaf_table.c.leaf_digest).order_by(leaf_table.c.index))).scalars()
        assert list(pointing) == [digest_of_leaf(leaf) for leaf in leaves]
        assert list(placed_as) == [digest_of_leaf(leaf) for leaf in leaves[1:]]
