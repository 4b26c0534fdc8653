"""A PostgreSQL that accepts everything and answers nothing: nobody waits for it for ever."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import literal_column, select, text

from deploy.local import PrivatePostgres
from shared.adapters.sql import engine
from shared.adapters.sql.doubts import DOUBTED_AFTER_S
from shared.adapters.sql.engine import CLOSE_S, Store
from shared.adapters.sql.prepared import Prepared
from shared.errors import StoreUnavailable
from tests.connected.silent_proxy import SilentProxy, silent_proxy
from tests.promptness import in_time

COMMAND_S = 1.0
GIVEN_UP_S = 2.0
"""How long a connection that is given up is still asked to end in good order."""
SLACK_S = 2.0


@asynccontextmanager
async def through_proxy(postgres: PrivatePostgres, database: str) -> AsyncIterator[tuple[Store, SilentProxy]]:
    async with silent_proxy(postgres.port) as proxy:
        url = database.replace(f":{postgres.port}/", f":{proxy.port}/")
        store = Store(url, command_timeout_s=COMMAND_S)
        try:
            yield store, proxy
        finally:
            await store.close()


async def ask(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute(text("SELECT 1"))


async def is_unavailable_in(limit_s: float, work: Callable[[], Awaitable[object]]) -> bool:
    async def attempt() -> None:
        with pytest.raises(StoreUnavailable):
            await work()

    return await in_time(limit_s, attempt)


async def test_a_statement_into_silence_fails_in_time_and_a_later_one_finds_a_new_connection(
    postgres: PrivatePostgres, database: str
) -> None:
    async with through_proxy(postgres, database) as (store, proxy):

        async def fall_silent_in_a_transaction() -> None:
            async with store.write() as connection:
                await connection.execute(text("SELECT 1"))
                proxy.fall_silent()
                await connection.execute(text("SELECT 2"))

        assert await is_unavailable_in(COMMAND_S + GIVEN_UP_S + SLACK_S, fall_silent_in_a_transaction)
        proxy.speak_again()
        await ask(store)
        assert proxy.accepted > 1


async def test_a_prepared_statement_into_silence_takes_all_pooled_connections_with_it(
    postgres: PrivatePostgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "ANSWER_S", 60.0)  # whoever asks one of them for an answer waits for that long
    monkeypatch.setattr(engine, "CONNECT_TIMEOUT_S", 0.5)
    one = Prepared(select(literal_column("1").label("one")), is_sqlite=False)
    async with through_proxy(postgres, database) as (store, proxy):

        async def ask_prepared() -> None:
            async with store.transaction() as wire:
                await wire.run(one, {})

        async with store.transaction(), store.transaction() as wire:
            """Two connections: one lies in the pool while the other meets silence."""
            await wire.run(one, {})
        proxy.fall_silent()
        assert await is_unavailable_in(COMMAND_S + GIVEN_UP_S + SLACK_S, ask_prepared)
        async with asyncio.timeout(30):
            assert await is_unavailable_in(GIVEN_UP_S + 0.5 + SLACK_S, ask_prepared)
        proxy.speak_again()
        await ask_prepared()


async def test_a_pooled_connection_that_fell_silent_is_not_used_again(
    postgres: PrivatePostgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "ANSWER_S", 0.3)
    monkeypatch.setattr(engine, "CONNECT_TIMEOUT_S", 0.5)
    async with through_proxy(postgres, database) as (store, proxy):
        async with store.write(), store.write():
            """Two connections in the pool."""
        await asyncio.sleep(DOUBTED_AFTER_S)
        proxy.fall_silent()
        in_good_time_s = 0.3 + GIVEN_UP_S + 0.5 + SLACK_S
        assert await is_unavailable_in(in_good_time_s, lambda: ask(store))
        async with asyncio.timeout(CLOSE_S + 4 * SLACK_S):
            await store.close()
        proxy.speak_again()
        await ask(store)


async def test_the_server_ends_what_a_silent_client_began(postgres: PrivatePostgres, database: str) -> None:
    store = Store(database, command_timeout_s=COMMAND_S)
    async with store.read() as connection:
        limits = [
            (await connection.execute(text(f"SHOW {name}"))).scalar_one()
            for name in ("statement_timeout", "idle_in_transaction_session_timeout", "tcp_keepalives_idle")
        ]
    assert limits == ["1s", "30s", "10"]
    limit_s = COMMAND_S + GIVEN_UP_S + SLACK_S
    assert await is_unavailable_in(limit_s, lambda: _run(store, "SELECT pg_sleep(60)"))
    await store.close()


async def _run(store: Store, statement: str) -> None:
    async with store.write() as connection:
        await connection.execute(text(statement))
