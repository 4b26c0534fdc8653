"""The program's own gateway on a database that its operator has written in, called without a network.

Its clock is the scene's. What is submitted to it is taken, and goes nowhere: the services are the operator's.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
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
from shared.contracts.messages import ServiceMessage
from shared.runtime.meters import Meters
from tests.dishonest.story import Past
from tests.fakes import FakeClock
from tests.unit.gateway.fakes import FakeWakeups

T = TypeVar("T")
URL: Final = "https://exchange.example"


class Loop:
    """An event loop in a thread of its own: gateways work there, while parties call from here."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Window(httpx2.BaseTransport):
    """A transport of calls, as `client.http_calls` takes it."""

    def __init__(self, file: Path, past: Past, clock: FakeClock, loop: Loop) -> None:
        self._loop = loop
        self._store = Store(f"sqlite+aiosqlite:///{file}")
        self._asgi = httpx2.ASGITransport(_compose(self._store, past, clock), raise_app_exceptions=False)

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._loop.run(self._answer(request))

    def shut(self) -> None:
        self._loop.run(self._store.close())

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._asgi.handle_async_request(request)
        body = await answer.aread()
        return httpx2.Response(answer.status_code, headers=answer.headers, content=body)


Windows = Callable[[str], Window]
"""Who calls → what is shown to it."""


def _compose(store: Store, past: Past, clock: FakeClock) -> Any:
    trust = past.trust
    keyring = SqlKeyRing(store, trust.origin, trust.operator_keys, trust.operator_quorum)

    async def keep(message: ServiceMessage) -> None:
        return None

    async def no_depth(queue: str) -> tuple[int, int]:
        return 0, 0

    ports = GatewayPorts(
        queries=SqlQueries(store),
        ledger=SqlLedger(store, needs_quorum=True),
        parts=SqlParts(store),
        keyring=keyring,
        key_events=keyring.events,
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
