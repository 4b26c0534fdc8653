"""A pooled connection on which prepared statements are run: by the driver, or on SQLite by SQLAlchemy where the driver
would have to be told too much (`prepared.py`).

Rules:
1. A wire is used by one task at a time. Inside `Store.transaction` its statements stand or fall together; outside each
   is a transaction of its own on PostgreSQL.
2. A connection goes back to the pool without a transaction, or not at all: one on which a statement was broken off, or
   whose rollback is not answered, is thrown away. One that stays silent makes all pooled ones suspect.
3. Errors leave as `translation` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.adapters.sql.prepared import Columns, Given, Prepared, Row
from shared.adapters.sql.translation import translated
from shared.errors import StoreUnavailable


class Wire(Protocol):
    is_sqlite: bool

    async def run(self, prepared: Prepared, given: Given | Sequence[Given]) -> Sequence[Row]:
        """The rows that the statement returns. On SQLite columns, or a sequence of values, run it for each row.

        Raises StoreUnavailable, StoreConflict, StoreRefused.
        """

    async def columns(self, prepared: Prepared, given: Given) -> Mapping[str, Sequence[Any]]:
        """The same of what the driver itself selects, column by column: for hundreds of rows, which would take an
        object each."""

    async def begin(self) -> None: ...

    async def commit(self) -> None: ...

    async def end(self) -> None:
        """Undo what was not committed."""


class SqliteWire:
    is_sqlite = True

    def __init__(self, connection: AsyncConnection, driver: Any) -> None:
        self._connection = connection
        self._driver = driver

    async def run(self, prepared: Prepared, given: Given | Sequence[Given]) -> Sequence[Row]:
        bound: Any = given
        with translated():
            if prepared.text is not None:
                return prepared.named(await self._driver.execute_fetchall(prepared.text, prepared.arguments(bound)))
            if isinstance(given, list | Columns) and not prepared.tells:
                for text, rows in prepared.repeated(given):
                    await self._driver.executemany(text, rows)
                return ()
            result = await self._connection.execute(prepared.statement, bound)
            return result.mappings().all() if result.returns_rows else ()

    async def columns(self, prepared: Prepared, given: Given) -> Mapping[str, Sequence[Any]]:
        with translated():
            found = await self._driver.execute_fetchall(prepared.text, prepared.arguments(given))
            return prepared.columns(found)

    async def begin(self) -> None:
        with translated():
            await self._connection.begin()

    async def commit(self) -> None:
        with translated():
            await self._connection.commit()

    async def end(self) -> None:
        if self._connection.in_transaction():
            await self._connection.rollback()


class PostgresWire:
    is_sqlite = False

    def __init__(self, connection: AsyncConnection, driver: Any, give_up: Callable[[], None]) -> None:
        self._connection = connection
        self._driver = driver
        self._give_up = give_up
        self._is_open = False
        """Whether there is something to roll back."""

    async def run(self, prepared: Prepared, given: Given | Sequence[Given]) -> Sequence[Row]:
        assert isinstance(given, dict)  # noqa: S101 - many rows are given as arrays, in one go
        return prepared.rows(await self._ask(self._driver.fetch, prepared.text, *prepared.arguments(given)))

    async def columns(self, prepared: Prepared, given: Given) -> Mapping[str, Sequence[Any]]:
        return prepared.columns(await self._ask(self._driver.fetch, prepared.text, *prepared.arguments(given)))

    async def begin(self) -> None:
        self._is_open = True
        await self._ask(self._driver.execute, "BEGIN")

    async def commit(self) -> None:
        answer = await self._ask(self._driver.execute, "COMMIT")
        self._is_open = False
        if answer != "COMMIT":  # of a transaction in which a statement failed, the server says that it rolled it back
            raise StoreUnavailable(why="what was to be committed had failed before")

    async def end(self) -> None:
        if self._is_open and not self._connection.invalidated:
            try:
                await self._ask(self._driver.execute, "ROLLBACK")
            except Exception as lost:  # it is undone all the same, when the server sees that nobody is there any more
                await self._connection.invalidate(lost)

    async def _ask(self, ask: Callable[..., Any], *arguments: Any) -> Any:
        try:
            with translated():
                return await ask(*arguments)
        except BaseException as failed:
            broken = failed.__cause__ or failed
            is_silent = isinstance(broken, TimeoutError)
            if is_silent:
                self._give_up()
            if is_silent or self._driver.is_closed() or not isinstance(failed, Exception):
                await self._connection.invalidate(broken)
            raise
