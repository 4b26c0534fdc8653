"""The program's own gateway on a database that its operator has written in, called without a network.

It is dishonest in one more thing: where the rows of its directory do not verify it goes on, judges calls by the true
one, and shows and signs for the rows. Its clock is the scene's. What is submitted to it is taken, and goes nowhere: the
services are the operator's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx2
from prometheus_client import CollectorRegistry
from typing_extensions import override

from gateway.app import build_app
from gateway.config import GatewayConfig, Rates
from gateway.ports import GatewayPorts
from shared.adapters.sql.directory import SqlKeyRing
from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.sql.operations import SqlOperations
from shared.adapters.sql.parts import SqlParts
from shared.adapters.sql.queries import SqlQueries
from shared.adapters.sql.time_stamps import SqlTimeStamps
from shared.contracts.messages import ServiceMessage
from shared.contracts.records import InstrumentsRecord, KeyEventRecord
from shared.errors import InstrumentsInvalid, KeyEventRefused
from shared.keys.base64url import encode_b64u
from shared.keys.directory import Directory
from shared.keys.signed_document import parse_signed_document
from shared.ports.keyring import PublishedInstruments
from shared.runtime.meters import Meters
from tests.dishonest.story import Past
from tests.fakes import FakeClock
from tests.unit.gateway.fakes import FakeWakeups

T = TypeVar("T")
URL: Final = "https://exchange.example"
Answered = Callable[[httpx2.Request, httpx2.Response], httpx2.Response]
"""What the gateway was asked and says → what the caller gets."""


class Loop:
    """An event loop in which gateways work while somebody waits for their answer, and at no other time."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        self._loop.close()


class Window(httpx2.BaseTransport):
    """A transport of calls, as `client.http_calls` takes it."""

    def __init__(self, file: Path, past: Past, clock: FakeClock, loop: Loop, answered: Answered) -> None:
        self._loop = loop
        self._answered = answered
        self._store = Store(f"sqlite+aiosqlite:///{file}")
        self._true = Store(f"sqlite+aiosqlite:///{past.place / 'exchange.sqlite3'}")
        app = _compose(self._store, self._true, past, clock)
        self._asgi = httpx2.ASGITransport(app, raise_app_exceptions=False)

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._answered(request, self._loop.run(self._answer(request)))

    def shut(self) -> None:
        self._loop.run(self._store.close())
        self._loop.run(self._true.close())

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._asgi.handle_async_request(request)
        body = await answer.aread()
        return httpx2.Response(answer.status_code, headers=answer.headers, content=body)


Windows = Callable[[str], Window]
"""Who calls → what is shown to it."""


class _Undeterred:
    """`ports.KeyRing` of rows that were changed; where they do not verify, of those that were not."""

    def __init__(self, shown: SqlKeyRing, true: SqlKeyRing) -> None:
        self._shown = shown
        self._true = true
        self._judging = shown
        self._head: tuple[int, str] | None = None

    def directory(self) -> Directory:
        directory = self._judging.directory()
        return directory if self._head is None else replace(directory, index=self._head[0], head=self._head[1])

    def instruments(self) -> PublishedInstruments:
        return self._judging.instruments()

    async def remember(self, documents: Sequence[KeyEventRecord | InstrumentsRecord]) -> None:
        await self._judging.remember(documents)

    async def refresh(self) -> Directory:
        try:
            await self._judging.refresh()
        except (KeyEventRefused, InstrumentsInvalid):
            self._judging = self._true
            await self._judging.refresh()
            rows = await self._shown.events()
            with suppress(ValueError):  # of what is no signed document at all it signs nothing
                self._head = len(rows), encode_b64u(parse_signed_document(rows[-1]).digest())
        return self.directory()


def _compose(store: Store, true: Store, past: Past, clock: FakeClock) -> Any:
    trust = past.trust
    shown, unchanged = (
        SqlKeyRing(one, trust.origin, trust.operator_keys, trust.operator_quorum) for one in (store, true)
    )

    async def keep(message: ServiceMessage) -> None:
        return None

    async def no_depth(queue: str) -> tuple[int, int]:
        return 0, 0

    ports = GatewayPorts(
        queries=SqlQueries(store),
        ledger=SqlLedger(store, needs_quorum=True),
        stamps=SqlTimeStamps(store),
        parts=SqlParts(store),
        keyring=_Undeterred(shown, unchanged),
        key_events=shown.events,
        submit=keep,
        wakeups=FakeWakeups(),
        clock=clock,
        receipt_signer=past.gateway,
        operations=SqlOperations(store),
        depths=no_depth,
        checks=[],
        meters=Meters(CollectorRegistry()),
    )
    rates = Rates(reads="1000000 per 10 seconds")  # the scene's clock stands still between two looks
    return build_app(ports, GatewayConfig(name="Comity", public_url=URL, trust=trust, rates=rates))
