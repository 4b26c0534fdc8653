"""One database, SQLite or PostgreSQL, as two doors: `write` and `read`.

Rules:
1. SQLite has one write connection, so writers queue in this process instead of failing in the file [pooled writers:
   p99 433 ms; one: 15 ms], and each write begins with BEGIN IMMEDIATE [deferred: 316 of 400 "database is locked"].
2. `read` never waits for writers and cannot write. On PostgreSQL each statement of a reader is its own transaction, so
   that a question costs one round trip and not three.
3. Nothing waits for PostgreSQL without a limit. A frozen machine or a cut cable says nothing, ever: a connection is
   asked for an answer before it is used again, and a statement without one takes all pooled connections with it. Reads
   have less time altogether, READ_WITHIN_S, since somebody waits for them at the gateway.
4. Driver errors leave as `translation` says.
"""

from __future__ import annotations

import asyncio
import sqlite3
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from sqlalchemy import ColumnElement, Double, cast, event, func, literal_column
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from shared.adapters.sql.doubts import Doubts
from shared.adapters.sql.translation import translated
from shared.adapters.sql.wires import PostgresWire, SqliteWire, Wire

SQLITE_BUSY_S = 5.0
POOL_WAIT_S = 10.0
CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 10.0
"""How long one statement may take on PostgreSQL; a server that has fallen silent is unavailable after this."""
READ_WITHIN_S = 4.0
"""For everything that is read on one connection, waiting for that included."""
ANSWER_S = 3.0
"""How long a connection that lay unused may take to say that it is still there."""
IDLE_TRANSACTION_S = 30
"""After this PostgreSQL ends a transaction whose client says nothing more, and its locks with it."""
CLOSE_S = 2.0
_BEGUN = "begun"
"""Noted at a connection to SQLite in which a transaction was begun since it was taken from the pool."""


sqlite3.register_adapter(bytes, bytes)
"""The driver binds bytes as they are, but first looks for somebody who adapts them, by attributes that no bytes have:
to find one at once, who returns them, takes a fifth less time for a row of three."""


class Store:
    """The engines of one database URL (`sqlite+aiosqlite:///…` or `postgresql+asyncpg://…`)."""

    def __init__(
        self,
        url: str,
        pool_size: int = 8,
        ssl_context: ssl.SSLContext | None = None,
        command_timeout_s: float | None = COMMAND_TIMEOUT_S,
    ) -> None:
        """A TLS context is for PostgreSQL: then nothing is said before the server has proven itself. Without a
        `command_timeout_s` a statement may take as long as it likes, which is for migrations.
        """
        self._doubts = Doubts(ANSWER_S)
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._writers, self._readers = _sqlite_engine(url), _sqlite_readers(url, pool_size)
        else:
            self._writers = _pg_engine(url, pool_size, ssl_context, command_timeout_s, self._doubts)
            self._readers = self._writers.execution_options(isolation_level="AUTOCOMMIT")

    @property
    def epoch_now(self) -> ColumnElement[float]:
        return epoch_now(self.is_sqlite)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed on a clean exit, else rolled back.

        Raises StoreUnavailable, StoreConflict, StoreRefused.
        """
        with translated():
            async with self._writers.begin() as connection:
                yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A write connection without a transaction; the caller begins and commits. Raises StoreUnavailable."""
        with translated():
            async with self._writers.connect() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Committed rows only. Raises StoreUnavailable."""
        with translated():
            async with (
                asyncio.timeout(None if self.is_sqlite else READ_WITHIN_S),
                self._readers.connect() as connection,
            ):
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Wire]:
        """A wire in a transaction, which its user commits; what is not committed is undone.

        Raises StoreUnavailable, StoreConflict, StoreRefused.
        """
        with translated():
            async with self._writers.connect() as connection:
                wire = await self._wire(connection)
                try:
                    await wire.begin()
                    yield wire
                finally:
                    await wire.end()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Wire]:
        """A wire on which committed rows are read. Raises StoreUnavailable."""
        if self.is_sqlite:
            async with self.read() as connection:
                yield await self._wire(connection)
            return
        with translated():
            async with asyncio.timeout(READ_WITHIN_S), self._writers.connect() as connection:
                yield await self._wire(connection)

    async def _wire(self, connection: AsyncConnection) -> Wire:
        driver = (await connection.get_raw_connection()).driver_connection
        if self.is_sqlite:
            return SqliteWire(connection, driver)
        return PostgresWire(connection, driver, self._doubts.give_up)

    async def ping(self) -> None:
        """Raises StoreUnavailable unless the database answers now."""
        async with self.read() as connection:
            await connection.exec_driver_sql("SELECT 1")

    async def close(self) -> None:
        """Within seconds: a silent server would not answer a goodbye."""
        for engine in {self._writers, self._readers}:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await engine.dispose()


def epoch_now(is_sqlite: bool) -> ColumnElement[float]:
    """Seconds since 1970 by the database's clock, so that several processes agree on what is overdue."""
    if is_sqlite:
        return literal_column("((julianday('now') - 2440587.5) * 86400.0)")
    return cast(func.extract("epoch", func.clock_timestamp()), Double)


def _sqlite_engine(url: str) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=POOL_WAIT_S, pool_reset_on_return=None)
    _prepare_sqlite(engine, begin="BEGIN IMMEDIATE", query_only=False)
    return engine


def _sqlite_readers(url: str, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=pool_size, max_overflow=0, pool_timeout=POOL_WAIT_S, pool_reset_on_return=None
    )
    _prepare_sqlite(engine, begin="BEGIN", query_only=True)
    return engine


def _prepare_sqlite(engine: AsyncEngine, begin: str, query_only: bool) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver's own BEGIN is deferred and comes too late
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(SQLITE_BUSY_S * 1000)}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # "confirmed" means on the disk
        cursor.execute("PRAGMA foreign_keys = ON")
        if query_only:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.info[_BEGUN] = True
        driver = connection.connection.driver_connection
        await_only(driver.execute_fetchall(begin))  # in one go: SQLAlchemy would make a cursor, and close it

    @event.listens_for(engine.sync_engine, "reset")
    def _reset(connection: Any, record: Any, state: Any) -> None:
        """Before it goes back to the pool; one that only read, by the driver itself, has nothing to be undone. Who was
        cancelled while it began may have begun all the same."""
        if record.info.pop(_BEGUN, False) and not state.terminate_only:
            connection.rollback()


def _pg_engine(
    url: str, pool_size: int, ssl_context: ssl.SSLContext | None, command_timeout_s: float | None, doubts: Doubts
) -> AsyncEngine:
    arguments: dict[str, Any] = {
        "timeout": CONNECT_TIMEOUT_S,
        "command_timeout": command_timeout_s,
        "server_settings": _server_settings(command_timeout_s),
    }
    if ssl_context is not None:
        arguments["ssl"] = ssl_context
    engine = create_async_engine(
        url, pool_size=pool_size, max_overflow=0, pool_timeout=POOL_WAIT_S, connect_args=arguments
    )
    doubts.watch(engine)
    return engine


def _server_settings(command_timeout_s: float | None) -> dict[str, str]:
    """What the server does by itself, when it is we who have fallen silent. In milliseconds, but for keepalives."""
    settings = {
        "idle_in_transaction_session_timeout": str(IDLE_TRANSACTION_S * 1000),
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    }
    if command_timeout_s is not None:
        settings["statement_timeout"] = str(int(command_timeout_s * 1000))
    return settings
