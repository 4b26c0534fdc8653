"""PostgreSQL is dumped under load, lost and restored: the signed root is the same; an older dump halts the ledger."""

import asyncio
import os
import secrets
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from deploy.local import PrivatePostgres, find_programs
from shared.adapters.head_memory import FileHeadMemory
from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.sql.schema import migrate, schema_differences
from shared.audit.checkpoint import verify_checkpoint
from shared.errors import LedgerForked
from tests.conformance.test_sequencer import let_wait, sequencer, signed_sizes
from tests.unit.audit.paper_log import ORIGIN, keys_of


@pytest.fixture
def name(postgres: PrivatePostgres) -> Iterator[str]:
    postgres.start()
    name = f"backup_{secrets.token_hex(6)}"
    postgres.create_database(name)
    yield name
    postgres.drop_database(name)


@asynccontextmanager
async def opened(postgres: PrivatePostgres, name: str) -> AsyncIterator[Store]:
    store = Store(postgres.dsn(name))
    try:
        yield store
    finally:
        await store.close()


async def run(program: str, *arguments: str) -> None:
    """One of PostgreSQL's own programs, beside everything else."""
    binaries = find_programs().postgres_bin
    assert binaries is not None
    command = [str(binaries / program), *arguments]
    done = await asyncio.to_thread(lambda: subprocess.run(command, env=os.environ, capture_output=True, text=True))
    assert done.returncode == 0, done.stderr


def plain(postgres: PrivatePostgres, name: str) -> str:
    return postgres.dsn(name).replace("postgresql+asyncpg://", "postgresql://")


async def dump(postgres: PrivatePostgres, name: str, file: Path) -> None:
    await run("pg_dump", "--format=custom", f"--file={file}", plain(postgres, name))


async def replace_by(postgres: PrivatePostgres, name: str, file: Path) -> None:
    """The database is lost; this dump takes its place."""
    await asyncio.to_thread(postgres.drop_database, name)
    await asyncio.to_thread(postgres.create_database, name)
    await run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={plain(postgres, name)}", str(file))


async def test_the_ledger_goes_on_from_the_last_dump_and_from_no_older_one(
    postgres: PrivatePostgres, name: str, tmp_path: Path
) -> None:
    await migrate(postgres.dsn(name))
    memory = FileHeadMemory(tmp_path, ORIGIN)
    async with opened(postgres, name) as store:
        leader = sequencer(store, memory=memory)

        async def work() -> None:
            while True:
                await let_wait(store, *(secrets.token_bytes(16) for _ in range(100)))
                await leader.run_round()

        await let_wait(store, b"first")
        await leader.run_round()
        load = asyncio.create_task(work())
        await dump(postgres, name, tmp_path / "under-load")
        size = await SqlLedger(store).checkpoint_size()
        while await SqlLedger(store).checkpoint_size() < size + 300:
            await asyncio.sleep(0.01)
        load.cancel()
        with suppress(asyncio.CancelledError):
            await load
    async with opened(postgres, name) as store:  # what was begun is finished, as after any stop
        await sequencer(store, memory=memory).run_round()
        await let_wait(store, b"waiting at the time of the dump")
        signed = await SqlLedger(store).checkpoint()
        await dump(postgres, name, tmp_path / "last")

    await replace_by(postgres, name, tmp_path / "under-load")
    async with opened(postgres, name) as store:
        await let_wait(store, b"another leaf in an old place")
        with pytest.raises(LedgerForked, match="this machine signed"):
            await sequencer(store, memory=FileHeadMemory(tmp_path, ORIGIN)).run_round()
        assert (await signed_sizes(store))[-1] < verify_checkpoint(signed or b"", keys_of()).head.size

    await replace_by(postgres, name, tmp_path / "last")
    async with opened(postgres, name) as store:
        assert await schema_differences(store) == []
        assert await SqlLedger(store).checkpoint() == signed
        again = sequencer(store, memory=FileHeadMemory(tmp_path, ORIGIN))
        assert await again.run_round() == 1
        await let_wait(store, b"and on")
        assert await again.run_round() == 1
        before = verify_checkpoint(signed or b"", keys_of()).head
        sizes = await signed_sizes(store)  # every note holds over the entries that are there now, the old ones too
        assert sizes[-3:] == [before.size, before.size + 1, before.size + 2]
