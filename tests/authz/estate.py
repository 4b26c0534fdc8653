"""A real exchange with a past, and a gateway on its database in this process: who calls it, and what they call about.

The services of an embedded exchange wrote every row: Rabat wrote to Brussels, Paris and Rome, and Paris answered. Then
Rome and some auditors were suspended, and the exchange was stopped. The gateway here is the program's own, on the same
database, by a clock that stands still, so that the directory is read once. Three things are not the exchange's: what is
submitted is kept and goes nowhere, one dead letter was put into the database, and two auditors count as witnesses,
since nobody can be enrolled as one yet.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy import event

from client.directory_history import replay_history
from client.enrolment import EnrolmentRequest, auditor_request, await_event, make_event, party_names
from gateway.app import build_app
from gateway.config import GatewayConfig, Rates
from gateway.ports import GatewayPorts
from gateway.rights import Role
from shared.adapters.sql.directory import SqlKeyRing
from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.sql.operations import SqlOperations
from shared.adapters.sql.parts import SqlParts
from shared.adapters.sql.queries import SqlQueries
from shared.adapters.sql.time_stamps import SqlTimeStamps
from shared.apisig.sign import sign_request
from shared.contracts.messages import ServiceMessage
from shared.contracts.records import InstrumentsRecord, KeyEventRecord
from shared.domain.ids import new_uuid7
from shared.keys.directory import Directory
from shared.keys.event_document import EventType, Mandate
from shared.keys.events import verify_event
from shared.keys.private import Ed25519Signer, generate_ed25519
from shared.keys.public import OPERATOR
from shared.ports.keyring import PublishedInstruments
from shared.ports.unit_of_work import DeadLetter
from shared.runtime.meters import Meters
from tests.conformance.stores import units_of
from tests.counterparty import Counterparty
from tests.exchange_process import AUDITOR, EnrolledExchange, enrol_exchange, now
from tests.fakes import FakeClock
from tests.unit.envelope.workshop import PARTIES, Forgery, party
from tests.unit.gateway.fakes import FakeWakeups

RABAT, BRUSSELS, PARIS, MADRID = PARTIES
ROME: Final = "IT.MG"
"""It received the request; now it is suspended."""
URL: Final = "https://exchange.example"
_COUNTRYS, _WITNESS = "MA.CPTS", "MA.TEMOIN"
_GONE: Final[Mapping[Role, str]] = {
    Role.full_auditor: "MA.COUR2",
    Role.country_auditor: "MA.CPTS2",
    Role.witness: "MA.TEMOIN2",
}
_DECIDED_WITHIN_S: Final = 30.0


@dataclass(frozen=True)
class Caller:
    """Whoever calls. Without a signer the call is not signed."""

    name: str
    role: Role
    signer: Ed25519Signer | None = None
    is_suspended: bool = False


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    statements: tuple[str, ...] = ()
    """What the database was asked meanwhile, in order."""


@dataclass
class Estate:
    """`request` went to Brussels, Paris and Rome; `answer` came from Paris alone."""

    app: FastAPI
    store: Store
    callers: Mapping[str, Caller]
    request: Forgery
    answer: Forgery
    ledger_size: int
    clock: FakeClock
    asked: list[str] = field(default_factory=list)
    kept: list[ServiceMessage] = field(default_factory=list)

    async def call(
        self, caller: Caller, method: str, path: str, body: bytes = b"", content_type: str | None = None
    ) -> Answer:
        return await self.play(method, path, self.headers(caller, method, path, body, content_type), body)

    def headers(
        self, caller: Caller, method: str, path: str, body: bytes = b"", content_type: str | None = None
    ) -> list[tuple[bytes, bytes]]:
        """Of a call that is signed now."""
        plain = {} if content_type is None else {"Content-Type": content_type}
        if caller.signer is not None:
            kid = caller.signer.kid(caller.name)
            plain |= sign_request(method, URL + path, body, content_type, caller.signer, kid, self.clock.now())
        return [(name.lower().encode(), value.encode()) for name, value in plain.items()]

    async def play(self, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> Answer:
        """One call, as the HTTP server would hand it on."""
        coming: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[Any] = []
        del self.asked[:]

        async def receive() -> dict[str, Any]:
            if not coming:
                await asyncio.Event().wait()  # a caller that stays on the line and says nothing more
            return coming.pop()

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "server": ("exchange.example", 443),
            "client": ("192.0.2.1", 50_000),
        }
        await self.app(scope, receive, send)
        answered = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], tuple(sent[0]["headers"]), answered, tuple(self.asked))


@asynccontextmanager
async def open_estate(place: Path) -> AsyncIterator[Estate]:
    """Lived through in this empty folder: some seconds."""
    signers = {name: generate_ed25519() for name in (_COUNTRYS, _WITNESS, *_GONE.values())}
    with enrol_exchange(place, [party(one) for one in (*PARTIES, ROME)]) as exchange:
        _enrol_auditors(exchange, signers)
        request, answer = _correspond(exchange)
        _record(exchange, "suspend", dict.fromkeys([ROME, *_GONE.values()]))
        exchange.rows.wait_settled()
        ledger_size = len(exchange.rows.leaves())
        exchange.hang_up()
        exchange.process.stop()
    store = Store(f"sqlite+aiosqlite:///{exchange.rows.path}")
    try:
        await _bury_one(store)
        yield await _compose(exchange, store, _callers(exchange, signers), request, answer, ledger_size)
    finally:
        await store.close()


def _enrol_auditors(exchange: EnrolledExchange, signers: Mapping[str, Ed25519Signer]) -> None:
    requests = []
    for name, signer in signers.items():
        mandate: Mandate = "country" if name in (_COUNTRYS, _GONE[Role.country_auditor]) else "full"
        requests.append(auditor_request(name, signer, mandate, party_names({"en": name}), now()))
    _record(exchange, "enrol", {request.party: request for request in requests})


def _record(exchange: EnrolledExchange, type_: EventType, events: Mapping[str, EnrolmentRequest | None]) -> None:
    """Post an event for each of these parties, and wait until calls are judged by the last."""
    operator, trust = exchange.operator(), exchange.trust
    directory = replay_history(operator.directory().events, trust).latest
    document = b""
    for name, request in events.items():
        document = make_event(type_, name, directory, exchange.operators, trust, now(), request)
        directory = directory.apply(verify_event(document, trust.operator_keys, trust.operator_quorum, directory))
        operator.post_key_event(document)
    await_event(operator, trust, directory.index, document, exchange.patience_s)


def _correspond(exchange: EnrolledExchange) -> tuple[Forgery, Forgery]:
    """Rabat's request to three, which Brussels fetches, and the acknowledgement of Paris."""
    rabat, paris, brussels = (Counterparty(name, exchange.process.url) for name in (RABAT, PARIS, BRUSSELS))
    law: dict[str, Any] = {"primary": "untoc", "cited": [], "group": None}
    recipients = [BRUSSELS, PARIS, ROME]
    request = rabat.letter(recipients=recipients, basis=dict.fromkeys(recipients, law))
    _accepted(exchange, rabat, request)
    answer = paris.reply(request, "acknowledge")
    _accepted(exchange, paris, answer)
    assert brussels.get(f"/v1/messages/{request.header['id']}").status == 200
    for one in (rabat, paris, brussels):
        one.close()
    return request, answer


def _accepted(exchange: EnrolledExchange, sender: Counterparty, letter: Forgery) -> None:
    assert sender.post(letter).status == 202
    until = time.monotonic() + _DECIDED_WITHIN_S
    while (decision := sender.decision(letter.header["id"])) is None:
        assert time.monotonic() < until, "the letter is not decided"
        time.sleep(0.02)
    assert decision["decision"] == "accepted", decision
    exchange.rows.wait_settled()


def _callers(exchange: EnrolledExchange, signers: Mapping[str, Ed25519Signer]) -> dict[str, Caller]:
    found = [Caller("nobody", Role.anonymous), Caller(OPERATOR, Role.operator, exchange.operators[0])]
    found += [Caller(name, Role.authority, _api_key(name), name == ROME) for name in (*PARTIES, ROME)]
    found.append(Caller(AUDITOR, Role.full_auditor, exchange.auditor_key))
    found.append(Caller(_COUNTRYS, Role.country_auditor, signers[_COUNTRYS]))
    found.append(Caller(_WITNESS, Role.witness, signers[_WITNESS]))
    found += [Caller(name, role, signers[name], True) for role, name in _GONE.items()]
    return {caller.name: caller for caller in found}


def _api_key(authority: str) -> Ed25519Signer:
    key = party(authority).api
    assert isinstance(key, Ed25519Signer)
    return key


async def _bury_one(store: Store) -> None:
    letter = DeadLetter(new_uuid7(now()), b"sealed", 1, "frame.refused: It was.", now(), "submit-envelope", 1, 0, "")
    async with units_of(store).begin() as unit:
        await unit.bury([letter])
        await unit.commit()


@dataclass
class _WithWitnesses:
    """`ports.KeyRing` of the exchange, by which some auditors are witnesses."""

    verified: SqlKeyRing

    def directory(self) -> Directory:
        return self._witnessed(self.verified.directory())

    def instruments(self) -> PublishedInstruments:
        return self.verified.instruments()

    async def refresh(self) -> Directory:
        return self._witnessed(await self.verified.refresh())

    async def remember(self, documents: Sequence[KeyEventRecord | InstrumentsRecord]) -> None:
        await self.verified.remember(documents)

    @staticmethod
    def _witnessed(directory: Directory) -> Directory:
        witnesses = {
            one.id: replace(one, role="witness", mandate=None)  # type: ignore[arg-type]  # none can be enrolled yet
            for one in directory.parties()
            if one.id in (_WITNESS, _GONE[Role.witness])
        }
        return replace(directory, _parties={**{one.id: one for one in directory.parties()}, **witnesses})


async def _compose(
    exchange: EnrolledExchange,
    store: Store,
    callers: Mapping[str, Caller],
    request: Forgery,
    answer: Forgery,
    ledger_size: int,
) -> Estate:
    trust, clock = exchange.trust, FakeClock(now())
    keyring = SqlKeyRing(store, trust.origin, trust.operator_keys, trust.operator_quorum)
    kept: list[ServiceMessage] = []

    async def keep(message: ServiceMessage) -> None:
        kept.append(message)

    async def no_depth(queue: str) -> tuple[int, int]:
        return 0, 0

    ports = GatewayPorts(
        queries=SqlQueries(store),
        ledger=SqlLedger(store),
        stamps=SqlTimeStamps(store),
        parts=SqlParts(store),
        keyring=_WithWitnesses(keyring),
        key_events=keyring.events,
        submit=keep,
        wakeups=FakeWakeups(),
        clock=clock,
        receipt_signer=generate_ed25519(),
        operations=SqlOperations(store),
        depths=no_depth,
        checks=[],
        meters=Meters(CollectorRegistry()),
    )
    rates = Rates(reads="1000000 per 10 seconds")  # the times of refusals are measured by many calls of one party
    app = build_app(ports, GatewayConfig(name="Comity on trial", public_url=URL, trust=trust, rates=rates))
    estate = Estate(app, store, callers, request, answer, ledger_size, clock, kept=kept)
    _listen(store, estate.asked)
    return estate


def _listen(store: Store, asked: list[str]) -> None:
    """Whatever a connection of these readers is asked, by the driver's own account, goes into this list."""

    @event.listens_for(store._readers.sync_engine, "connect")
    def _trace(connection: Any, _record: object) -> None:
        connection.run_async(lambda driver: driver.set_trace_callback(asked.append))
