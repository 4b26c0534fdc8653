"""The real gateway before the real intake on a SQLite file, without a process: what an attack on the exchange meets.

A call is signed and judged as over HTTP, framed, opened by intake, settled in one transaction, and its decision is read
from the database. Three things are not the exchange's own: the clock, which the test sets; the bus, since each frame is
handed on at once; and the ledger, which nobody asks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

import httpx2
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy import delete, func, select

from gateway.app import build_app
from gateway.config import GatewayConfig, Limits
from gateway.ports import GatewayPorts
from services.intake.directory import RecordDocuments
from services.intake.handler import UNKNOWN_DOSSIER_WAIT, IntakeHandler
from shared.adapters.sql.directory import SqlKeyRing
from shared.adapters.sql.engine import Store
from shared.adapters.sql.parts import SqlParts
from shared.adapters.sql.queries import SqlQueries
from shared.adapters.sql.time_stamps import SqlTimeStamps
from shared.adapters.sql.unit_of_work import SqlUnitsOfWork
from shared.adapters.tables import METADATA
from shared.apisig.sign import sign_request
from shared.audit.notes import encode_vkey
from shared.contracts.api import MESSAGE_CONTENT_TYPE
from shared.contracts.messages import ServiceMessage
from shared.contracts.records import KeyEventRecord
from shared.contracts.registry import encode_message
from shared.domain.ids import new_uuid7
from shared.frame.items import Item
from shared.keys.private import Ed25519Signer
from shared.keys.trust import Trust
from shared.ports.unit_of_work import Effects
from shared.runtime.batch import Settler
from shared.runtime.meters import Meters
from tests.fakes import FakeClock
from tests.unit.audit.paper_log import keys_of as log_keys_of
from tests.unit.envelope.workshop import EXCHANGE, NOW, PARTIES, party
from tests.unit.frame.services import opener, row_seal, sealer
from tests.unit.gateway.fakes import FakeLedger, FakeOperations, FakeWakeups
from tests.unit.keys.parties import ExchangeOnTest
from tests.unit.services.desk import new_exchange

URL = "https://exchange.example"
EFFECTS = ("claim", "decision", "dossier", "leg", "leaf_waiting")
"""The tables that tell whether intake did anything."""
_BESIDE = ("intake_inbox", "intake_outbox", "intake_parked", "intake_dead_letter")


CallForm = Literal["own", "replayed", "of another body"]
"""Signed for this submission; the header of the call before, sent again; signed for other bytes."""
NO_LETTER = b"{}"


@dataclass(frozen=True)
class Outcome:
    """What became of a submission: `code` is that of its refusal, `accepted`, or `repeat` (answered as the first time);
    `by` is who said so."""

    code: str
    by: str


@cache
def enrolled() -> ExchangeOnTest:
    """The four authorities of the workshop, in key events that their operators signed."""
    return new_exchange(*PARTIES)


@dataclass
class ExchangeOnFile:
    store: Store
    settler: Settler
    app: FastAPI
    clock: FakeClock
    taken: list[ServiceMessage] = field(default_factory=list)
    fields_before: dict[str, str] = field(default_factory=dict)
    """The header of the last submission, for who replays it."""

    async def submit(self, submission: bytes, caller: str, at: datetime = NOW, call: CallForm = "own") -> Outcome:
        """Post it at this time, in a call that `caller` signs, and see what it comes to."""
        self.clock.jump(at)
        held_before = len(self.taken)
        answer = await self._post(submission, caller, call)
        if answer.status_code >= 400:
            return Outcome(answer.json()["code"], "gateway")
        if answer.status_code == 200:
            return Outcome("repeat", "gateway")
        before = await self.effects()
        await self._settle(self.taken[held_before:])
        decided = await self._get(f"/v1/messages/{answer.json()['message']}/decision", caller)
        if decided.status_code == 200 and decided.json()["digest"] == answer.json()["digest"]:
            return Outcome(decided.json()["code"] or decided.json()["decision"], "intake")
        code = await self._code_of(answer.json()["digest"])
        if code is None and await self.effects() == before:
            return Outcome("repeat", "intake")
        return Outcome(code or "accepted", "intake")

    async def effects(self) -> dict[str, int]:
        """How many rows each of intake's tables has."""
        counts = [select(func.count()).select_from(METADATA.tables[name]).scalar_subquery() for name in EFFECTS]
        async with self.store.read() as connection:
            return dict(zip(EFFECTS, (await connection.execute(select(*counts))).one(), strict=True))

    async def forget(self) -> None:
        """As on the first day: the parties are enrolled, nothing was ever submitted."""
        async with self.store.write() as connection:
            for name in (*EFFECTS, *_BESIDE):
                await connection.execute(delete(METADATA.tables[name]))

    async def _code_of(self, digest: str) -> str | None:
        table = METADATA.tables["decision"]
        async with self.store.read() as connection:
            return (await connection.execute(select(table.c.code).where(table.c.digest == digest))).scalar_one_or_none()

    async def _settle(self, messages: list[ServiceMessage]) -> None:
        now = self.clock.now()
        items = [Item(new_uuid7(now), each.TYPE, each.VERSION, encode_message(each)) for each in messages]
        settled = await self.settler.settle([sealer("gateway").seal("intake", items, now)])
        assert not settled.set_aside, "intake could not read what the gateway took"
        if settled.parked:  # it waits for a dossier that another replica may be writing
            self.clock.advance((UNKNOWN_DOSSIER_WAIT + timedelta(seconds=1)).total_seconds())
            await self.settler.settle_due()

    async def _post(self, body: bytes, caller: str, call: CallForm) -> httpx2.Response:
        if call != "replayed":
            signed_for = NO_LETTER if call == "of another body" else body
            self.fields_before = self._signed(caller, "POST", "/v1/messages", signed_for, MESSAGE_CONTENT_TYPE)
        return await self._call("POST", "/v1/messages", self.fields_before, body)

    async def _get(self, path: str, caller: str) -> httpx2.Response:
        return await self._call("GET", path, self._signed(caller, "GET", path))

    def _signed(
        self, caller: str, method: str, path: str, body: bytes = b"", content_type: str | None = None
    ) -> dict[str, str]:
        keys = party(caller)
        assert isinstance(keys.api, Ed25519Signer)
        return sign_request(method, URL + path, body, content_type, keys.api, keys.api_kid, self.clock.now())

    async def _call(self, method: str, path: str, fields: dict[str, str], body: bytes = b"") -> httpx2.Response:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app), base_url=URL) as client:
            return await client.request(method, path, content=body, headers=fields)


@asynccontextmanager
async def open_exchange(file: Path) -> AsyncIterator[ExchangeOnFile]:
    """On this migrated file, which is this exchange's alone."""
    exchange, clock = enrolled(), FakeClock(NOW)
    store = Store(f"sqlite+aiosqlite:///{file}")
    try:
        units = SqlUnitsOfWork(store, "intake", clock, row_seal("intake", clock))
        async with units.begin() as unit:
            events = [KeyEventRecord(seq, event, NOW, bytes(32)) for seq, event in enumerate(exchange.documents, 1)]
            await unit.write(Effects(inserts=list(events)))
            await unit.commit()
        yield _compose(store, units, exchange, clock)
    finally:
        await store.close()


def _compose(store: Store, units: SqlUnitsOfWork, exchange: ExchangeOnTest, clock: FakeClock) -> ExchangeOnFile:
    keyring = SqlKeyRing(store, EXCHANGE, exchange.operator_keys, 2)
    handler = IntakeHandler(EXCHANGE, RecordDocuments(exchange.operator_keys, 2))
    settler = Settler("intake", handler, units, opener("intake"), keyring, clock)
    taken: list[ServiceMessage] = []

    async def keep(message: ServiceMessage) -> None:
        taken.append(message)

    receipt_signer = Ed25519Signer(b"receipt key of these attacks....")
    log_keys = log_keys_of(EXCHANGE)
    trust = Trust(
        origin=EXCHANGE,
        log_vkeys=(encode_vkey(log_keys.ed25519), encode_vkey(log_keys.mldsa44)),
        operator_keys=tuple(exchange.operator_keys),
        operator_quorum=2,
        receipt_key=receipt_signer.public_key(),
        witness_policy="none",
        environment="development",
    )
    ports = GatewayPorts(
        queries=SqlQueries(store),
        ledger=FakeLedger(),
        stamps=SqlTimeStamps(store),
        parts=SqlParts(store),
        keyring=keyring,
        key_events=keyring.events,
        submit=keep,
        wakeups=FakeWakeups(),
        clock=clock,
        receipt_signer=receipt_signer,
        operations=FakeOperations(),
        depths=FakeOperations().depth_of,
        checks=[],
        meters=Meters(CollectorRegistry()),
    )
    roomy = Limits(window_least=100_000)  # nothing is delivered here, and what is on its way would count for ever
    app = build_app(ports, GatewayConfig(name="Comity under attack", public_url=URL, trust=trust, limits=roomy))
    return ExchangeOnFile(store, settler, app, clock, taken)
