"""Attacks on what a process has: connections, memory, time. Each runs in a process of its own until it is ended.

They are as strong as one machine can be that leaves the exchange some of its processors: those that send all the time
keep to `BYTES_PER_S` and `CALLS_PER_S` together, those that hold something open hold as much as they get.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from bench.signed_calls import SignedCalls
from tests.hostile.wire import Raw, connected

BYTES_PER_S: Final = 16 * 1024 * 1024
CALLS_PER_S: Final = 200
_HOST: Final = b"host: exchange\r\n"
_PIECE: Final = 64 * 1024


@dataclass(frozen=True)
class Aim:
    """The exchange that is attacked, and a party of it that attacks."""

    url: str
    party: str
    seed: bytes = field(repr=False)
    letter: bytes = field(repr=False)

    @cached_property
    def signed(self) -> SignedCalls:
        return SignedCalls(self.url, self.party, self.seed)

    @cached_property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


Load = Callable[[Aim], Coroutine[None, None, None]]


async def _forever(count: int, one: Callable[[Raw], Awaitable[None]], aim: Aim, pause_s: float = 0.1) -> None:
    """So many at a time, each on a new connection whenever its last has ended."""

    async def again() -> None:
        while True:
            with contextlib.suppress(OSError):
                async with connected(aim.port) as raw:
                    await one(raw)
            await asyncio.sleep(pause_s)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(again())
            if number % 50 == 49:
                await asyncio.sleep(0.02)


def _drip(head: bytes, piece: bytes, every_s: float) -> Callable[[Raw], Awaitable[None]]:
    async def one(raw: Raw) -> None:
        going = await raw.send(head)
        while going:
            await asyncio.sleep(every_s)
            going = await raw.send(piece)

    return one


def _stream(head: bytes, piece: bytes, senders: int) -> Callable[[Raw], Awaitable[None]]:
    return _drip(head, piece, len(piece) * senders / BYTES_PER_S)


async def silent(aim: Aim) -> None:
    """More connections than the exchange keeps, on which nothing comes."""

    async def one(raw: Raw) -> None:
        await raw.hear(3600)

    await _forever(1500, one, aim, pause_s=500 / CALLS_PER_S)


async def slow_heads(aim: Aim) -> None:
    await _forever(500, _drip(b"GET /livez HTTP/1.1\r\n" + _HOST + b"x: ", b"y", 1.0), aim)


async def slow_bodies(aim: Aim) -> None:
    """Signed ones, of a party that may send."""

    async def one(raw: Raw) -> None:
        head, _, body = aim.signed.post_message(aim.letter).partition(b"\r\n\r\n")
        await _drip(head + b"\r\n\r\n", body[:1], 0.5)(raw)

    await _forever(100, one, aim)


async def slow_readers(aim: Aim) -> None:
    async def one(raw: Raw) -> None:
        await raw.send((b"GET /metrics HTTP/1.1\r\n" + _HOST + b"\r\n") * 8)
        await asyncio.sleep(60)

    await _forever(100, one, aim)


async def held_polls(aim: Aim) -> None:
    async def one(raw: Raw) -> None:
        await raw.send(aim.signed.get("/v1/feed?wait=25&after=ZjE6OTk5OTk5OTk"))
        await raw.hear(30, until=b"}")

    await _forever(100, one, aim, pause_s=1.0)


async def unsigned_chunks(aim: Aim) -> None:
    head = b"POST /v1/messages HTTP/1.1\r\n" + _HOST + b"transfer-encoding: chunked\r\n\r\n"
    await _forever(20, _stream(head, b"%x\r\n" % _PIECE + b"x" * _PIECE + b"\r\n", 20), aim)


async def signed_chunks(aim: Aim) -> None:
    async def one(raw: Raw) -> None:
        head, _, _ = aim.signed.post_message(aim.letter).partition(b"\r\n\r\n")
        length = b"content-length: %d" % len(aim.letter)
        chunked = head.replace(length, b"transfer-encoding: chunked") + b"\r\n\r\n"
        await _stream(chunked, b"%x\r\n" % _PIECE + b"x" * _PIECE + b"\r\n", 20)(raw)

    await _forever(20, one, aim)


async def tiny_chunks(aim: Aim) -> None:
    head = b"POST /v1/messages HTTP/1.1\r\n" + _HOST + b"transfer-encoding: chunked\r\n\r\n"
    await _forever(20, _stream(head, b"1\r\nx\r\n" * 2000, 160), aim)


async def chunk_extensions(aim: Aim) -> None:
    head = b"POST /v1/messages HTTP/1.1\r\n" + _HOST + b"transfer-encoding: chunked\r\n\r\n1;"
    await _forever(20, _stream(head, b"x" * _PIECE, 20), aim)


async def trailers(aim: Aim) -> None:
    head = b"POST /v1/messages HTTP/1.1\r\n" + _HOST + b"transfer-encoding: chunked\r\n\r\n0\r\n"
    await _forever(20, _stream(head + b"a: ", b"b" * _PIECE, 20), aim)


async def header_flood(aim: Aim) -> None:
    head = b"GET /livez HTTP/1.1\r\n" + _HOST
    await _forever(50, _stream(head, b"a: b\r\n" * 500, 50), aim)


async def endless_lines(aim: Aim) -> None:
    await _forever(50, _stream(b"GET /", b"a" * _PIECE, 50), aim)


async def ahead(aim: Aim) -> None:
    """Thousands of calls at once on each connection."""

    async def one(raw: Raw) -> None:
        await raw.send((b"GET /livez HTTP/1.1\r\n" + _HOST + b"\r\n") * 5000)
        await raw.hear(5)

    await _forever(20, one, aim, pause_s=20 * 9 / CALLS_PER_S)


async def ahead_of_polls(aim: Aim) -> None:
    """Behind a call that waits."""

    async def one(raw: Raw) -> None:
        await raw.send(aim.signed.get("/v1/feed?wait=25&after=ZjE6OTk5OTk5OTk"))
        await _stream(b"", (b"GET /livez HTTP/1.1\r\n" + _HOST + b"\r\n") * 300, 16)(raw)

    await _forever(16, one, aim)


async def deep_documents(aim: Aim) -> None:
    deep = b"[" * 300_000

    async def one(raw: Raw) -> None:
        await raw.send(aim.signed.post_message(deep))
        await raw.hear(5, until=b"}")

    await _forever(10, one, aim, pause_s=1.0)


async def churn(aim: Aim) -> None:
    """Connections that are ended as soon as they are made."""

    async def one(raw: Raw) -> None:
        await raw.send(b"GET /livez HTTP/1.1\r\n" + _HOST + b"\r\n")

    await _forever(20, one, aim, pause_s=20 / CALLS_PER_S)


LOADS: Final[Mapping[str, Load]] = {
    load.__name__.replace("_", "-"): load
    for load in (
        *(silent, slow_heads, slow_bodies, slow_readers, held_polls),
        *(unsigned_chunks, signed_chunks, tiny_chunks, chunk_extensions, trailers),
        *(header_flood, endless_lines, ahead, ahead_of_polls, deep_documents, churn),
    )
}
