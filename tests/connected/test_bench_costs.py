"""What a benchmark says that the database cost: transactions by role, and CPU time by the process that caused it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import asyncpg  # type: ignore[import-untyped]  # ships no types
import pytest

from bench.backends_of import database_cpu
from bench.machine import used_by
from bench.statements import count_statements, prepare_statements
from deploy.local import PrivatePostgres
from deploy.local.exchange import DATABASE


@pytest.fixture(scope="module")
def counted(server_programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePostgres]:
    """A server of its own: to count, it is started anew."""
    with PrivatePostgres(tmp_path_factory.mktemp("counted")) as server:
        server.create_database(DATABASE)
        yield server


async def connect(server: PrivatePostgres) -> asyncpg.Connection:
    return await asyncpg.connect(server.dsn(DATABASE).replace("+asyncpg", ""))


async def test_commits_are_counted_and_rollbacks_are_not(counted: PrivatePostgres) -> None:
    await prepare_statements(counted)
    connection = await connect(counted)
    before = await count_statements(counted)
    for end in ("COMMIT", "COMMIT", "ROLLBACK", "COMMIT"):
        await connection.execute("BEGIN")
        await connection.execute("CREATE TABLE IF NOT EXISTS written (number int)")
        await connection.execute("INSERT INTO written VALUES (1)") if end == "COMMIT" else None
        await connection.execute(end)
    await connection.close()
    spent = (await count_statements(counted)).since(before)
    assert spent.commits["comity"] == 3
    assert spent.wal_syncs >= 3


async def test_the_database_s_work_is_told_by_the_process_that_asked_for_it(counted: PrivatePostgres) -> None:
    idle = subprocess.Popen(["sleep", "60"])
    processes = {"this test": os.getpid(), "idle": idle.pid}
    connection = await connect(counted)
    before = database_cpu(counted.pid, processes)
    await connection.fetchval("SELECT sum(number) FROM generate_series(1, 3000000) AS number")
    after = database_cpu(counted.pid, processes)
    whole = used_by([counted.pid])
    await connection.close()
    idle.kill()
    idle.wait()
    assert after["this test"] - before["this test"] > 0.05
    assert after["idle"] == 0.0
    assert whole.cpu_s >= after["this test"]
