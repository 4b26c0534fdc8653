"""The least HTTP/1.1 client that measures fairly: one kept connection, one call at a time, requests as ready bytes.

Rules:
1. What it costs is not the server's: no URL is parsed, no header is built here. What is sent was rendered before.
2. A connection that breaks raises ConnectionError for the call in hand, and is opened anew for the next.

It follows no redirect, knows no TLS, and reads an answer whole.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Self, cast

import httptools
from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    retry_after_s: float | None
    body: bytes


class Wire(asyncio.Protocol):
    """One connection to 127.0.0.1. `async with` closes it."""

    def __init__(self, port: int, timeout_s: float = 60.0) -> None:
        self._port = port
        self._timeout_s = timeout_s
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._retry_after_s: float | None = None

    async def call(self, request: bytes) -> Answer:
        """Send these bytes, read one answer. Raises ConnectionError, TimeoutError."""
        loop = asyncio.get_running_loop()
        if self._transport is None:
            await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        if self._transport is None:
            raise ConnectionError("the connection was lost at once")
        self._body.clear()
        self._retry_after_s = None
        self._waiting = loop.create_future()
        self._transport.write(request)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._waiting
        except BaseException:
            self.close()  # an answer that comes later must not be taken for that of the next call
            raise
        finally:
            self._waiting = None

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    # --- of asyncio.Protocol

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class, no subclass of asyncio's
        self._parser = httptools.HttpResponseParser(self)

    @override
    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError(f"the connection was lost: {exc}"))

    # --- of the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"retry-after":
            self._retry_after_s = float(value)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            answer = Answer(self._parser.get_status_code(), self._retry_after_s, bytes(self._body))
            self._waiting.set_result(answer)
        if not self._parser.should_keep_alive():
            self.close()
