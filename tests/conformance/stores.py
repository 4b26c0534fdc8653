"""The databases of the SQL adapters: a test that takes `store` or `open_store` runs once on SQLite, once on PostgreSQL.

Every test finds its database migrated and empty. `open_store` gives further stores on it, each as another
process would open it.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from deploy.local import PrivatePostgres
from shared.adapters.clock import SystemClock
from shared.adapters.sql.engine import Store
from shared.adapters.sql.schema import migrate
from shared.adapters.sql.unit_of_work import SqlUnitsOfWork
from shared.adapters.tables import METADATA
from shared.adapters.tables.messaging import MESSAGING
from shared.contracts.records import Key, Record
from shared.contracts.topology import LEDGER
from shared.ports.clock import Clock
from shared.ports.ledger import WaitingFrame
from shared.ports.unit_of_work import Effects, UnitOfWork
from tests.unit.frame.services import NOW, leaf_opener, row_seal

DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.connected)]
OpenStore = Callable[[], Store]
BLOCKED_S = 0.15
"""How long a test watches something that must not happen yet."""


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest schema and no rows, to be copied."""
    file = tmp_path_factory.mktemp("template") / "migrated.sqlite3"
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, migrate(f"sqlite+aiosqlite:///{file}")).result()
    return file


@pytest.fixture
async def postgres_url(database: str) -> str:
    """The module's PostgreSQL database, emptied: to drop one for each test would take a second each."""
    store = Store(database)
    async with store.write() as connection:
        tables = ", ".join(table.name for table in METADATA.sorted_tables)
        await connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
    await store.close()
    return database


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """A file of the test's own."""
    file = tmp_path / "exchange.sqlite3"
    shutil.copy(migrated_file, file)
    return f"sqlite+aiosqlite:///{file}"


@pytest.fixture(params=DATABASES)
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database that is the test's alone while it runs."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def open_store(store_url: str) -> AsyncIterator[OpenStore]:
    opened: list[Store] = []

    def open_one() -> Store:
        opened.append(Store(store_url))
        return opened[-1]

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture(name="store")
def sql_store(open_store: OpenStore) -> Store:
    return open_store()


@pytest.fixture(scope="module")
def mortal_postgres(server_programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePostgres]:
    """A PostgreSQL for tests that stop it, so that nobody else's database goes with it."""
    with PrivatePostgres(tmp_path_factory.mktemp("mortal")) as server:
        yield server


def units_of(store: Store, service: str = "intake", clock: Clock | None = None) -> SqlUnitsOfWork:
    clock = clock or SystemClock()
    return SqlUnitsOfWork(store, service, clock, row_seal(service, clock))


def leaves_in(rows: Iterable[WaitingFrame]) -> list[bytes]:
    """What these frames hold, whoever wrote it."""
    opened = [leaf_opener().open(row.frame, LEDGER, NOW, check_age=False) for row in rows]
    return [item.data for frame in opened for item in frame.items]


async def waiting_leaves(store: Store) -> list[bytes]:
    """The leaves that wait for their place, the oldest first."""
    return leaves_in(await rows_of(store, "leaf_waiting"))


@asynccontextmanager
async def two_units(url: str) -> AsyncIterator[tuple[UnitOfWork, UnitOfWork]]:
    """Two units of two processes, both begun: on PostgreSQL, since SQLite has one at a time."""
    stores = Store(url), Store(url)
    async with units_of(stores[0]).begin() as one, units_of(stores[1]).begin() as other:
        yield one, other
    for store in stores:
        await store.close()


async def write(store: Store, effects: Effects, service: str = "intake") -> None:
    """These effects, committed."""
    async with units_of(store, service).begin() as unit:
        await unit.write(effects)
        await unit.commit()


async def stored(store: Store, *keys: Key) -> dict[Key, Record]:
    """The committed rows with these keys."""
    async with units_of(store).begin() as unit:
        return await unit.load(keys)


async def row_counts(store: Store) -> dict[str, int]:
    """How many rows each table has, of those that have any."""
    async with store.read() as connection:
        counts = {
            table.name: (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for table in METADATA.sorted_tables
        }
    return {name: count for name, count in counts.items() if count}


async def rows_of(store: Store, table: str) -> list[Any]:
    """All rows of a table, by its key."""
    wanted = METADATA.tables[table]
    async with store.read() as connection:
        return list((await connection.execute(select(wanted).order_by(*wanted.primary_key))).all())


async def let_outbox_pass(store: Store, seconds: float, service: str = "intake") -> None:
    """As if this much time had passed since the outbox rows were written: their clock is the database's."""
    outbox = MESSAGING[service].outbox
    async with store.write() as connection:
        await connection.execute(update(outbox).values(relay_after=outbox.c.relay_after - seconds))
