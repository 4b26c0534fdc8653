"""One connection to the broker, made when it is needed and made anew when it was lost.

Rules:
1. Nothing waits for a broker without a limit: every call ends within seconds, with BusUnavailable if need be.
2. Nothing is restored behind the callers' back. A lost connection takes its channels with it, their users see that at
   once and ask again; so there is no consumer that looks alive and receives nothing.
3. A connection on which somebody waited in vain is asked for an answer, and dropped if none comes: a broker that
   vanished without a word (a cable, a frozen machine) is noticed in seconds, not at the third missing heartbeat.
4. TLS that was asked for is used, or nothing is sent.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final
from weakref import WeakKeyDictionary

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from shared.errors import BusUnavailable, SettingsRefused

CONNECT_S: Final = 5.0
ANSWER_S: Final = 3.0
CLOSE_S: Final = 2.0
HEARTBEAT_S: Final = 10
"""The broker gives a silent client's frames to others after two of these."""


class Link:
    """Channels on one connection. `name` is shown in the broker's own lists."""

    def __init__(self, url: str, name: str, ssl_context: ssl.SSLContext | None) -> None:
        """Raises SettingsRefused for a TLS context without an amqps address; connects to nothing yet."""
        if ssl_context is not None and not url.startswith("amqps://"):
            raise SettingsRefused(why="a TLS context is given, but the broker's address does not begin with amqps://")
        self._url = url
        self._name = name
        self._ssl_context = ssl_context
        self._connection: AbstractConnection | None = None
        self._owners: WeakKeyDictionary[AbstractChannel, AbstractConnection] = WeakKeyDictionary()
        self._connecting = asyncio.Lock()
        self._chores: set[asyncio.Task[None]] = set()
        self._doubted: AbstractConnection | None = None

    async def channel(self, confirms: bool = False) -> AbstractChannel:
        """A new channel; with `confirms`, an unroutable publish raises. Raises BusUnavailable within CONNECT_S."""
        with translated():
            async with asyncio.timeout(CONNECT_S):
                connection = await self._connected()
                channel = connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
                self._owners[channel] = connection
                try:
                    await channel.initialize()
                except BaseException:
                    self._drop(connection)
                    raise
                return channel

    @asynccontextmanager
    async def brief_channel(self) -> AsyncIterator[AbstractChannel]:
        """A channel for a few quick questions, ANSWER_S for all of them. Raises BusUnavailable."""
        channel = await self.channel()
        try:
            with translated():
                async with asyncio.timeout(ANSWER_S):
                    yield channel
        finally:
            await self.close_channel(channel)

    async def close_channel(self, channel: AbstractChannel) -> None:
        """Give back what the channel holds: by closing it, or by dropping its connection if that is not answered."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await channel.close()
        except (*CONNECTION_EXCEPTIONS, TimeoutError):
            self._drop(self._owners.get(channel))

    def abandon(self, channel: AbstractChannel) -> None:
        """Close a channel of which nothing is expected any more, beside everything else."""
        self._beside(self.close_channel(channel))

    def doubt(self) -> None:
        """Somebody waited in vain: find out, beside everything else, whether the broker still answers."""
        if self._connection is not None and self._doubted is not self._connection:
            self._doubted = self._connection
            self._beside(self._prove(self._connection))

    async def close(self) -> None:
        """Let go of the connection, within seconds."""
        self._drop(self._connection)
        if self._chores:
            await asyncio.wait(self._chores, timeout=CLOSE_S)

    async def _connected(self) -> AbstractConnection:
        async with self._connecting:
            if self._connection is None or not _is_alive(self._connection):
                self._drop(self._connection)
                self._connection = await aio_pika.connect(
                    self._url,
                    timeout=CONNECT_S,
                    heartbeat=HEARTBEAT_S,
                    ssl_context=self._ssl_context,
                    client_properties={"connection_name": self._name},
                )
            return self._connection

    async def _prove(self, connection: AbstractConnection) -> None:
        try:
            with translated():
                async with asyncio.timeout(ANSWER_S):
                    channel = await connection.channel()
                    await channel.close()
        except BusUnavailable:
            self._drop(connection)
        finally:
            self._doubted = None

    def _drop(self, connection: AbstractConnection | None) -> None:
        if connection is None:
            return
        if self._connection is connection:
            self._connection = None
        self._beside(_hang_up(connection))

    def _beside(self, chore: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the library raises for a lost or silent broker into BusUnavailable."""
    try:
        yield
    except TimeoutError as silence:
        raise BusUnavailable(why="no answer in time") from silence
    except CONNECTION_EXCEPTIONS as broken:
        raise BusUnavailable(why=f"{type(broken).__name__}: {broken}") from broken
    except asyncio.CancelledError as cancelled:
        # The library cancels whoever waits on a channel that is being closed; only our own task's cancellation is real.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BusUnavailable(why="the connection was closed") from cancelled


def _is_alive(connection: AbstractConnection) -> bool:
    return connection.connected.is_set() and not connection.is_closed


async def _hang_up(connection: AbstractConnection) -> None:
    with suppress(*CONNECTION_EXCEPTIONS, TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(CLOSE_S):
            await connection.close()
