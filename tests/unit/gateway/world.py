"""One gateway over the fakes, and the parties that sign calls to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

import httpx2
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from gateway.app import build_app
from gateway.config import GatewayConfig, Limits, Rates
from gateway.ports import GatewayPorts
from shared.apisig.sign import sign_request
from shared.audit.notes import encode_vkey
from shared.keys.directory import Directory
from shared.keys.private import Ed25519Signer
from shared.keys.public import OPERATOR
from shared.keys.trust import Trust
from shared.runtime.meters import Meters
from shared.runtime.readiness import Check
from tests.unit.audit.paper_log import ORIGIN, keys_of
from tests.unit.gateway.fakes import (
    FakeBus,
    FakeClock,
    FakeKeyRing,
    FakeLedger,
    FakeOperations,
    FakeParts,
    FakeQueries,
    FakeStamps,
    FakeWakeups,
)
from tests.unit.keys.parties import ExchangeOnTest, PartyOnTest

URL = "https://exchange.example"
SECOND_OPERATOR = "another operator"


@cache
def _enrolled() -> tuple[ExchangeOnTest, dict[str, PartyOnTest]]:
    """Made once: keys and proofs of possession take a while. `World` works on a copy."""
    exchange = ExchangeOnTest(directory=Directory.empty(ORIGIN))
    parties = {name: exchange.enrol(name) for name in ("MA.PGR", "BE.PF", "FR.BEPI")}
    parties["MA.AUDIT"] = exchange.enrol_auditor("MA.AUDIT")
    return exchange, parties


@dataclass(frozen=True)
class Caller:
    """Whoever signs a call."""

    kid: str
    signer: Ed25519Signer


class World:
    """One gateway, and the parties that call it."""

    def __init__(self, limits: Limits | None = None, url: str = URL, rates: Rates | None = None) -> None:
        exchange, self.parties = _enrolled()
        self.exchange = replace(exchange, documents=copy(exchange.documents))
        self.url = url
        self.clock = FakeClock()
        self.keyring = FakeKeyRing(self.exchange, Directory.empty(ORIGIN))
        self.queries = FakeQueries()
        self.ledger = FakeLedger()
        self.stamps = FakeStamps()
        self.parts = FakeParts()
        self.bus = FakeBus()
        self.operations = FakeOperations()
        self.wakeups = FakeWakeups()
        self.receipt_signer = Ed25519Signer(b"receipt key of these tests......")
        log_keys = keys_of(ORIGIN)
        self.trust = Trust(
            origin=ORIGIN,
            log_vkeys=(encode_vkey(log_keys.ed25519), encode_vkey(log_keys.mldsa44)),
            operator_keys=tuple(self.exchange.operator_keys),
            operator_quorum=2,
            receipt_key=self.receipt_signer.public_key(),
            witness_policy="none",
            environment="development",
        )
        ports = GatewayPorts(
            queries=self.queries,
            ledger=self.ledger,
            stamps=self.stamps,
            parts=self.parts,
            keyring=self.keyring,
            key_events=self.keyring.events,
            submit=self.bus.submit,
            wakeups=self.wakeups,
            clock=self.clock,
            receipt_signer=self.receipt_signer,
            operations=self.operations,
            depths=self.operations.depth_of,
            checks=[Check("database", self._ask_database)],
            meters=Meters(CollectorRegistry()),
        )
        config = GatewayConfig(
            name="Comity on test",
            public_url=url,
            trust=self.trust,
            limits=limits or Limits(),
            rates=rates or Rates(),
        )
        self.app: FastAPI = build_app(ports, config)

    async def _ask_database(self) -> str | None:
        await self.queries.ping()
        return None

    @property
    def submissions_in_flight(self) -> int:
        return int(self.app.state.gateway.metrics.registry.get_sample_value("comity_submissions_in_flight"))

    def caller(self, name: str) -> Caller:
        if name in (OPERATOR, SECOND_OPERATOR):
            operator = self.exchange.operators[name == SECOND_OPERATOR]
            return Caller(operator.kid(OPERATOR), operator)
        key = self.parties[name].keys["api-ed25519"]
        assert isinstance(key, Ed25519Signer)
        return Caller(key.kid(name), key)

    def client(self) -> httpx2.AsyncClient:
        # an error inside must become an answer, so the transport is told to let none through
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app), base_url=self.url)

    def signed(
        self, name: str, method: str, path: str, body: bytes = b"", content_type: str | None = None, ahead_s: float = 0
    ) -> dict[str, str]:
        """Headers of a call that this party signs, its clock `ahead_s` seconds ahead."""
        caller = self.caller(name)
        at = self.clock.now() + timedelta(seconds=ahead_s)
        return sign_request(method, self.url + path, body, content_type, caller.signer, caller.kid, at)

    async def get(self, name: str, path: str, headers: dict[str, str] | None = None) -> httpx2.Response:
        async with self.client() as client:
            return await client.get(path, headers={**self.signed(name, "GET", path), **(headers or {})})

    async def post(self, name: str, path: str, body: bytes, content_type: str) -> httpx2.Response:
        async with self.client() as client:
            return await client.post(path, content=body, headers=self.signed(name, "POST", path, body, content_type))

    async def bare(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """A call that nobody signed."""
        async with self.client() as client:
            return await client.request(method, path, **more)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for a condition, 10 s at most."""
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.005)


def code_of(response: httpx2.Response) -> str:
    """The code of a refusal, after checking that it is a whole problem document."""
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"] == f"/problems/{problem['code']}"
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in response.text
    code: str = problem["code"]
    return code
