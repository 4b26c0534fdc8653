"""What the database did, by its own count: committed transactions of each role, and writes that were waited for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import asyncpg  # type: ignore[import-untyped]  # ships no types

from deploy.local import PrivatePostgres
from deploy.local.exchange import DATABASE

_BY_ROLE: Final = """
    SELECT r.rolname AS role, sum(s.calls) FILTER (WHERE s.query = 'COMMIT') AS commits, sum(s.calls) AS calls,
           sum(s.total_exec_time) / 1000 AS seconds
    FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid GROUP BY r.rolname
"""


@dataclass(frozen=True)
class Statements:
    """Role → how many; `wal_syncs` are the flushes of the log to the disk, each the end of one commit or of several."""

    commits: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    wal_syncs: int = 0

    def since(self, before: Statements) -> Statements:
        return Statements(
            {role: count - before.commits.get(role, 0) for role, count in self.commits.items()},
            {role: count - before.calls.get(role, 0) for role, count in self.calls.items()},
            {role: spent - before.seconds.get(role, 0.0) for role, spent in self.seconds.items()},
            self.wal_syncs - before.wal_syncs,
        )


async def prepare_statements(server: PrivatePostgres) -> None:
    """Have the running server count from its next start on, and start it anew."""
    connection = await _connect(server)
    await connection.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
    await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    await connection.close()
    server.stop()
    server.start()


async def count_statements(server: PrivatePostgres) -> Statements:
    """Everything counted so far."""
    connection = await _connect(server)
    try:
        rows = await connection.fetch(_BY_ROLE)
        syncs = await connection.fetchval("SELECT wal_sync FROM pg_stat_wal")
    finally:
        await connection.close()
    return Statements(
        {row["role"]: int(row["commits"] or 0) for row in rows},
        {row["role"]: int(row["calls"]) for row in rows},
        {row["role"]: float(row["seconds"]) for row in rows},
        int(syncs),
    )


async def _connect(server: PrivatePostgres) -> asyncpg.Connection:
    return await asyncpg.connect(server.dsn(DATABASE).replace("+asyncpg", ""))
