"""Callers sign the address that they see; behind a proxy, of another name and path, the gateway expects that one.

A whole gateway as it serves, on fakes: it stands on a socket of this machine, and is told that it is `PUBLIC`.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shared.runtime.connection_limits import ConnectionLimits
from shared.runtime.http_server import HttpServer, listen
from tests.interop.proxies import PATIENCE_S, PREFIX, exchange_over, missing_nginx, nginx, own_proxy
from tests.unit.gateway.world import World

PUBLIC = f"https://exchange.example{PREFIX}"
POST = "/v1/messages"
TYPE = "application/vnd.comity.message+json"
BODY = b'{"jws":{},"wraps":[],"parts":[]}'
PROXIES = {"ours": own_proxy, "nginx": nginx}


@dataclass(frozen=True)
class Gateway:
    port: int
    world: World

    def signed(self, method: str, url: str, body: bytes = b"") -> Mapping[str, str]:
        """Headers of a call of MA.PGR to this address, whatever the gateway thinks its own is."""
        self.world.url = ""
        return self.world.signed("MA.PGR", method, url, body, TYPE if body else None)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    world = World(url=PUBLIC)
    server = HttpServer(world.app, ConnectionLimits())
    stop = asyncio.Event()
    loop = asyncio.new_event_loop()
    # It writes a line after each answer, when the test that asked may be over and nobody captures what is printed.
    with capture_logs(), listen("127.0.0.1", 0) as listener:
        port = int(listener.getsockname()[1])
        serving = threading.Thread(
            target=lambda: loop.run_until_complete(server.run(stop, listener, lambda: None)), daemon=True
        )
        serving.start()
        until = time.monotonic() + PATIENCE_S
        while not server.is_ready:
            assert time.monotonic() < until, "the gateway does not serve"
            time.sleep(0.01)
        yield Gateway(port, world)
        loop.call_soon_threadsafe(stop.set)
        serving.join(PATIENCE_S)
    loop.close()


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest, gateway: Gateway, tmp_path: Path) -> Iterator[int]:
    missing = missing_nginx() if request.param == "nginx" else None
    if missing:
        pytest.skip(missing)
    with PROXIES[request.param](gateway.port, tmp_path) as port:
        yield port


def code_of(answer: tuple[int, bytes]) -> str:
    return str(json.loads(answer[1])["code"])


def test_a_read_signed_for_the_published_address_passes(gateway: Gateway, proxy: int) -> None:
    for path in ("/v1/dossiers", "/v1/dossiers?limit=5", "/v1/feed?wait=0&limit=%31"):
        status, answer = exchange_over(proxy, "GET", PREFIX + path, gateway.signed("GET", PUBLIC + path), b"")
        assert status == 200, answer


def test_a_body_signed_for_the_published_address_comes_to_be_read(gateway: Gateway, proxy: int) -> None:
    headers = gateway.signed("POST", PUBLIC + POST, BODY)
    assert code_of(exchange_over(proxy, "POST", PREFIX + POST, headers, BODY)) == "envelope.malformed"
    other = gateway.signed("POST", PUBLIC + POST, BODY)
    assert code_of(exchange_over(proxy, "POST", PREFIX + POST, other, BODY + b" ")) == "call.digest-mismatch"


def test_a_call_signed_for_the_address_behind_the_proxy_is_refused(gateway: Gateway, proxy: int) -> None:
    for inside in (f"http://127.0.0.1:{gateway.port}", "http://gateway.internal", "https://elsewhere.example/other"):
        headers = gateway.signed("GET", f"{inside}/v1/dossiers")
        answer = exchange_over(proxy, "GET", f"{PREFIX}/v1/dossiers", headers, b"")
        assert (answer[0], code_of(answer)) == (401, "call.signature-invalid"), inside


def test_a_changed_path_or_query_is_refused(gateway: Gateway, proxy: int) -> None:
    for asked in ("/v1/authorities", "/v1/dossiers?limit=6", "/v1/dossiers"):
        headers = gateway.signed("GET", f"{PUBLIC}/v1/dossiers?limit=5")
        answer = exchange_over(proxy, "GET", PREFIX + asked, headers, b"")
        assert code_of(answer) == "call.signature-invalid", asked


@pytest.mark.parametrize("host", ["exchange.example", "127.0.0.1", "elsewhere.example"])
def test_the_host_header_decides_nothing(gateway: Gateway, host: str) -> None:
    path = "/v1/dossiers"
    told = {"Host": host, "X-Forwarded-Host": host, "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": PREFIX}
    for url, status in ((PUBLIC + path, 200), (f"http://{host}{path}", 401)):
        assert exchange_over(gateway.port, "GET", path, {**gateway.signed("GET", url), **told}, b"")[0] == status
