"""Bytes to a port and what comes back, without a client's manners: what is sent here no HTTP library would send."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

ANSWER_WITHIN_S: Final = 20.0
SILENCE_S: Final = 0.5
_STATUS: Final = re.compile(rb"HTTP/1\.1 ([0-9]{3})")


@dataclass(frozen=True)
class Said:
    """All that came before the connection ended, or before it was waited no longer."""

    raw: bytes
    ended: bool

    @property
    def statuses(self) -> list[int]:
        """Of each answer, in order. No body of a refusal holds a line like that."""
        return [int(status) for status in _STATUS.findall(self.raw)]

    @property
    def is_problem(self) -> bool:
        return b"content-type: application/problem+json" in self.raw


@dataclass
class Raw:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> bool:
        """False where the other side has ended the connection."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except OSError:
            return False
        return not self.reader.at_eof()

    async def hear(self, timeout_s: float = ANSWER_WITHIN_S, until: bytes | None = None) -> Said:
        """Until the connection ends, these bytes have come, or the time is over."""
        heard = b""
        try:
            async with asyncio.timeout(timeout_s):
                while chunk := await self.reader.read(65536):
                    heard += chunk
                    if until is not None and until in heard:
                        return Said(heard, ended=False)
        except TimeoutError:
            return Said(heard, ended=False)
        except OSError:
            pass
        return Said(heard, ended=True)


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


async def ask(port: int, request: bytes, timeout_s: float = ANSWER_WITHIN_S) -> Said:
    """One connection, these bytes, and all that comes back."""
    async with connected(port) as raw:
        await raw.send(request)
        return await raw.hear(timeout_s)


async def ask_shortly(port: int, request: bytes) -> Said:
    """The same, and no waiting for the end of a connection on which an answer came."""
    async with connected(port) as raw:
        await raw.send(request)
        first = await raw.hear(until=b"\r\n\r\n")
        more = await raw.hear(SILENCE_S) if not first.ended else first
        return Said(first.raw + more.raw if more is not first else first.raw, more.ended)
