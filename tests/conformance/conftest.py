"""The adapters of the bus, each as a place to which buses connect and which can fail.

A test that takes `place` or `bus` runs once per adapter, on queues that no other test sees. `fail` is a broker killed
without warning, or a database file that another program has locked; `recover` ends that.
"""

import asyncio
import re
import secrets
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from deploy.local import PrivateRabbitMQ
from shared.adapters.sql.engine import Store
from tests.conformance.connecting import WORK, BusAndWakeups, connect_amqp, connect_embedded
from tests.conformance.stores import (  # noqa: F401  # fixtures
    migrated_file,
    mortal_postgres,
    open_store,
    postgres_url,
    sql_store,
    sqlite_url,
    store_url,
)
from tests.conformance.working import until

ADAPTERS = ["embedded", pytest.param("rabbitmq", marks=pytest.mark.connected)]


class Place(Protocol):
    """Where buses meet: one broker with one prefix, or one database file."""

    @property
    def address(self) -> list[str]:
        """The arguments with which a child process comes here."""

    async def connect(self) -> BusAndWakeups:
        """A new bus, as a new process would open it."""

    async def fail(self) -> None: ...

    async def recover(self) -> None: ...

    async def close(self) -> None:
        """Let go of every bus that was connected."""


class RabbitPlace:
    def __init__(self, server: PrivateRabbitMQ) -> None:
        server.start()
        self._server = server
        self._prefix = f"conformance.{secrets.token_hex(4)}."
        self._buses: list[BusAndWakeups] = []

    @property
    def address(self) -> list[str]:
        return ["amqp", self._server.url, self._prefix]

    async def connect(self) -> BusAndWakeups:
        self._buses.append(await connect_amqp(self._server.url, self._prefix))
        return self._buses[-1]

    async def fail(self) -> None:
        await until(self._is_registered)
        await asyncio.to_thread(self._server.kill)

    async def recover(self) -> None:
        await asyncio.to_thread(self._server.start)

    async def close(self) -> None:
        for bus in self._buses:
            await bus.close()

    async def _is_registered(self) -> bool:
        """Whether the broker has written down that the queue exists.

        3.10 does so half a second late. Killed before, it comes back with a queue that never elects its leader.
        """
        names = next(self._server.directory.glob("data/*/quorum/*/names.dets"))
        return re.search(re.escape(f"{self._prefix}{WORK}".encode()) + rb"(?!\.dead)", names.read_bytes()) is not None


class EmbeddedPlace:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._buses: list[tuple[BusAndWakeups, Store]] = []
        self._other_program: sqlite3.Connection | None = None

    @property
    def address(self) -> list[str]:
        return ["embedded", str(self._file)]

    async def connect(self) -> BusAndWakeups:
        self._buses.append(await connect_embedded(str(self._file)))
        return self._buses[-1][0]

    async def fail(self) -> None:
        self._other_program = sqlite3.connect(self._file, isolation_level=None)
        self._other_program.execute("BEGIN EXCLUSIVE")

    async def recover(self) -> None:
        if self._other_program is not None:
            self._other_program.close()
            self._other_program = None

    async def close(self) -> None:
        await self.recover()
        for bus, store in self._buses:
            await bus.close()
            await store.close()


@pytest.fixture(scope="session")
def mortal_rabbitmq(server_programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRabbitMQ]:
    """A RabbitMQ for tests that kill it, so that nobody else's queues die with it."""
    with PrivateRabbitMQ(tmp_path_factory.mktemp("mortal")) as server:
        yield server


@pytest.fixture(params=ADAPTERS)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """One adapter that will not be made to fail."""
    async for made in _places(request, tmp_path, "rabbitmq"):
        yield made


@pytest.fixture(params=ADAPTERS)
async def mortal_place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """One adapter that may be made to fail."""
    async for made in _places(request, tmp_path, "mortal_rabbitmq"):
        yield made


@pytest.fixture
async def bus(place: Place) -> BusAndWakeups:
    return await place.connect()


async def _places(request: pytest.FixtureRequest, tmp_path: Path, server: str) -> AsyncIterator[Place]:
    if request.param == "embedded":
        made: Place = EmbeddedPlace(tmp_path / "bus.sqlite")
    else:
        made = RabbitPlace(request.getfixturevalue(server))
    yield made
    await made.close()
