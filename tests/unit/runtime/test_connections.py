"""What a connection may cost: every bound of `shared.runtime.connections`, against a listening server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Final

import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from shared.errors import LedgerForked
from shared.runtime import connections
from shared.runtime.connection_limits import PLAIN_ANSWERS, ConnectionLimits, Refusal
from shared.runtime.http_server import HttpServer, listen
from tests.hostile.wire import Raw, ask, connected

GET: Final = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"
LAST: Final = b"GET /last HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n"
HEAD: Final = b"POST /body HTTP/1.1\r\nhost: here\r\n"
SOON: Final = ConnectionLimits(head_bytes=2048, head_s=0.3, idle_s=0.3, leftover_s=0.3, unread_s=0.3)


class Answering:
    """`/body` reads its body, `/hold` waits until it is let go, `/long` answers at length; all else at once."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.let_go = asyncio.Event()
        self.read = 0
        self.heads: list[list[tuple[bytes, bytes]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.calls.append(scope["path"])
        self.heads.append(scope["headers"])
        if scope["path"] == "/hold":
            await self.let_go.wait()
        while scope["path"] == "/body":
            message = await receive()
            self.read += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        body = b"x" * (8 * 1024 * 1024 if scope["path"] == "/long" else 2)
        length = str(len(body)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": body})


def test_a_process_that_ends_for_another_reason_logs_that_reason_alone(caplog: pytest.LogCaptureFixture) -> None:
    """What halted a ledger stands in one line, and not under a page of what was cancelled with it."""

    async def process() -> None:
        server = HttpServer(Starlette(), SOON)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.run(asyncio.Event(), listen("127.0.0.1", 0), lambda: None))
            while not server.is_ready:
                await asyncio.sleep(0.01)
            raise LedgerForked(why="it was set back")

    with pytest.raises(ExceptionGroup):
        asyncio.run(process())
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@contextlib.asynccontextmanager
async def serving(limits: ConnectionLimits) -> AsyncIterator[tuple[int, Answering, HttpServer]]:
    app, stop = Answering(), asyncio.Event()
    server = HttpServer(app, limits)
    listener = listen("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    running = asyncio.create_task(server.run(stop, listener, app.let_go.set))
    while not server.is_ready:
        await asyncio.sleep(0.01)
    try:
        yield port, app, server
    finally:
        stop.set()
        await running


@pytest.fixture(autouse=True)
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "TICK_S", 0.05)


@pytest.mark.parametrize(
    ("sent", "status"),
    {
        "garbage": (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
        "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
        "HTTP/0.9": (b"GET /\r\n\r\n", 400),
        "two hosts": (b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
        "a tunnel": (b"CONNECT here:443 HTTP/1.1\r\nhost: here:443\r\n\r\n", 400),
        "two lengths": (HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab", 400),
        "a length and chunks": (HEAD + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        "a line without its end": (b"GET /" + b"a" * 3000, 431),
        "a field without its end": (b"GET / HTTP/1.1\r\nhost: here\r\na: " + b"a" * 3000, 431),
        "many fields": (b"GET / HTTP/1.1\r\nhost: here\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        "half a head": (b"GET / HTTP/1.1\r\nhost: here\r\n", 408),
    }.values(),
)
async def test_what_is_no_call_is_answered_and_its_connection_ended(sent: bytes, status: int) -> None:
    async with serving(SOON) as (port, app, _):
        said = await ask(port, sent)
        assert (said.statuses, said.ended, app.calls) == ([status], True, [])


async def test_trailing_fields_are_counted_with_the_others() -> None:
    async with serving(SOON) as (port, _, _):
        said = await ask(port, HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 200)
        assert (said.statuses, said.ended) == ([431], True)


async def test_trailing_fields_are_no_part_of_the_head() -> None:
    async with serving(ConnectionLimits()) as (port, app, _):
        trailing = b"x-late: yes\r\nhost: elsewhere\r\ncontent-type: text/html\r\n"
        said = await ask(port, HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n" + trailing + b"\r\n")
        assert said.statuses == [200]
        assert [name for name, _ in app.heads[0]] == [b"host", b"transfer-encoding"]


async def test_a_body_that_breaks_off_into_nonsense_ends_its_call() -> None:
    async with serving(ConnectionLimits()) as (port, app, _):
        said = await ask(port, HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n")
        assert (said.statuses, app.calls) == ([400], ["/body"])


async def test_a_caller_of_http_1_0_needs_no_host_and_its_connection_ends() -> None:
    async with serving(ConnectionLimits()) as (port, _, _):
        said = await ask(port, b"GET / HTTP/1.0\r\n\r\n")
        assert (said.statuses, said.ended) == ([200], True)


async def test_a_connection_on_which_nothing_comes_ends() -> None:
    async with serving(SOON) as (port, _, _), connected(port) as silent:
        assert (await silent.hear(5)).ended


async def test_a_connection_is_kept_between_calls_and_not_for_ever() -> None:
    async with serving(ConnectionLimits(idle_s=1.0)) as (port, app, _), connected(port) as raw:
        for _ in range(3):
            await raw.send(GET)
            assert (await raw.hear(5, until=b"xx")).statuses == [200]
            await asyncio.sleep(0.4)
        assert len(app.calls) == 3
        assert (await raw.hear(5)).ended


async def test_a_kept_connection_outlives_the_one_of_a_client() -> None:
    """httpx2 keeps its connections for 5 s: a server that ends them after as long meets their next call."""
    assert ConnectionLimits().idle_s > 60


async def test_a_body_longer_than_a_call_may_be_is_refused_and_no_more_of_it_is_read() -> None:
    async with serving(ConnectionLimits(message_bytes=200_000)) as (port, app, _), connected(port) as raw:
        await raw.send(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        sent = 0
        while await raw.send(b"1\r\nx\r\n" * 10_000) and sent < 2000:
            sent += 1
        assert sent < 2000
        assert (await raw.hear(5)).statuses in ([413], [])
        assert app.read < 300_000


async def test_what_is_left_of_a_body_whose_call_is_answered_is_dropped_for_a_while() -> None:
    async with serving(SOON) as (port, _, _), connected(port) as raw:
        await raw.send(b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 100000\r\n\r\n")
        assert (await raw.hear(5, until=b"xx")).statuses == [200]
        for _ in range(200):
            if not await raw.send(b"x"):
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail("the connection is still open")


async def test_a_call_that_waits_to_be_continued_is_the_last_of_its_connection() -> None:
    async with serving(ConnectionLimits()) as (port, app, _):
        said = await ask(port, b"POST / HTTP/1.1\r\nhost: here\r\nexpect: 100-continue\r\ncontent-length: 18\r\n\r\n")
        assert (said.statuses, said.ended, app.calls) == ([200], True, ["/"])


async def test_a_caller_that_does_not_read_its_answer_loses_it() -> None:
    async with serving(SOON) as (port, app, server), connected(port) as raw:
        await raw.send(b"GET /long HTTP/1.1\r\nhost: here\r\n\r\n")
        await until_open(server, 1)
        await until_open(server, 0)
        assert app.calls == ["/long"]
        del raw


async def test_calls_sent_ahead_are_answered_in_order_up_to_a_number() -> None:
    async with serving(ConnectionLimits(pipelined=3)) as (port, app, _), connected(port) as raw:
        await raw.send(b"GET /hold HTTP/1.1\r\nhost: here\r\n\r\n" + GET * 5000)
        await asyncio.sleep(0.2)
        app.let_go.set()
        said = await raw.hear(5)
        assert (said.statuses, said.ended, len(app.calls)) == ([200] * 4, True, 4)


async def test_all_calls_sent_ahead_within_the_number_are_answered() -> None:
    async with serving(ConnectionLimits(pipelined=3)) as (port, _, _):
        said = await ask(port, GET * 3 + LAST)
        assert said.statuses == [200] * 4


async def test_a_wait_for_an_upgrade_is_answered_as_a_call() -> None:
    upgrade = b"GET / HTTP/1.1\r\nhost: here\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
    async with serving(ConnectionLimits()) as (port, _, _), connected(port) as raw:
        await raw.send(upgrade)
        assert (await raw.hear(5, until=b"xx")).statuses == [200]


async def test_a_new_connection_takes_the_place_of_the_one_that_never_called() -> None:
    async with serving(ConnectionLimits(connections=3)) as (port, app, _), contextlib.AsyncExitStack() as stack:
        opened: list[Raw] = [await stack.enter_async_context(connected(port)) for _ in range(3)]
        await opened[0].send(GET)
        assert (await opened[0].hear(5, until=b"xx")).statuses == [200]
        newest = await stack.enter_async_context(connected(port))
        assert (await opened[1].hear(5)).ended
        for raw in (opened[0], newest):
            await raw.send(GET)
            assert (await raw.hear(5, until=b"xx")).statuses == [200]
        assert len(app.calls) == 3


async def test_no_call_is_cut_for_a_new_connection_which_is_refused() -> None:
    async with serving(ConnectionLimits(connections=1)) as (port, app, _), connected(port) as first:
        await first.send(b"GET /hold HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
        while not app.calls:
            await asyncio.sleep(0.01)
        assert (await ask(port, GET)).statuses == [503]
        app.let_go.set()
        assert (await first.hear(5)).statuses == [200]


async def test_every_refusal_has_an_answer() -> None:
    answers: Mapping[Refusal, bytes] = PLAIN_ANSWERS
    assert set(answers) == set(Refusal)


async def until_open(server: HttpServer, count: int) -> None:
    async with asyncio.timeout(5):
        while server.open_connections != count:
            await asyncio.sleep(0.01)
