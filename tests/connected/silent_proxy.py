"""A TCP proxy that can fall silent: connections stay open, new ones are accepted, and nothing passes any more.

That is how a cut cable, a frozen machine or a firewall that forgot its connections look from here; a killed server is
kinder, because its system says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class SilentProxy:
    def __init__(self, port: int) -> None:
        self._server_port = port
        self._speaks = asyncio.Event()
        self._speaks.set()
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.accepted = 0
        """Connections so far."""

    @property
    def open_connections(self) -> int:
        """Of clients, those that they gave up included until they are really closed."""
        return len(self._open)

    def fall_silent(self) -> None:
        self._speaks.clear()

    def speak_again(self) -> None:
        """For new connections and those that held out; what was said meanwhile arrives late."""
        self._speaks.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._open.add(writer)
        try:
            await self._until_spoken_or_closed(reader)
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
            await asyncio.gather(self._pass_on(reader, server_writer), self._pass_on(server_reader, writer))
        except OSError:
            """A side that is gone is what this proxy is for."""
        finally:
            self._open.discard(writer)
            writer.close()

    async def _until_spoken_or_closed(self, reader: asyncio.StreamReader) -> None:
        while not self._speaks.is_set() and not reader.at_eof():
            await asyncio.sleep(0.02)

    async def _pass_on(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._speaks.wait()
                to.write(data)
                await to.drain()
        finally:
            with suppress(OSError):
                to.close()


@asynccontextmanager
async def silent_proxy(port: int) -> AsyncIterator[SilentProxy]:
    """A proxy in front of a port of this machine."""
    proxy = SilentProxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        proxy.speak_again()
        server.close()
