"""A real exchange for tests: `comity serve all` as a process of its own, on a data directory and a port.

Rules:
1. Nothing is put in its place: it is reached over HTTP and by signals, and what it wrote is read from its files.
2. It can be killed, and started again on the same port and the same data; its callers keep their address.
3. Processes are forked from a server that has imported the program already [start 2.3 s → 0.5 s of CPU]. What runs in
   them is the command `comity serve all`, by its own arguments and environment.
4. Parties are enrolled by key events that the operators sign and post. Enrolment takes seconds: a test that needs an
   exchange of its own copies an enrolled one.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final, Self

from client.callers import check_receipts, sign_calls
from client.correspondence import Correspondence, Place
from client.directory_history import replay_history
from client.enrolment import auditor_request, authority_request, await_event, make_event, party_names
from client.exchange import Exchange
from client.http_calls import Calls
from client.ledger_source import ExchangeLedger
from client.signing import AuthorityKeys
from deploy.local.endpoint import claim_port
from shared.adapters.keyfiles import init_exchange
from shared.errors import CallKeyUnknown, NotThere
from shared.keys.directory import Directory
from shared.keys.event_document import EventType
from shared.keys.events import verify_event
from shared.keys.instruments import sign_instruments
from shared.keys.private import Ed25519Signer, generate_ed25519
from shared.keys.public import OPERATOR
from shared.keys.trust import Trust
from tests.exchange_rows import ExchangeRows
from tests.forked_exchange import serve

PARTIES: Final = ("MA.PGR", "FR.BEPI", "BE.PF", "ES.SGCJI")
AUDITOR: Final = "MA.COUR"
ORIGIN: Final = "comity.test/log"
INSTRUMENTS: Final = Path(__file__).parents[1] / "deploy" / "samples" / "instruments.json"
START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 20.0

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "comity.serve",
        "gateway.main",
        "services.intake.main",
        "services.routing.main",
        "services.notification.main",
        "services.ledger.main",
        "shared.runtime.backends",
        "sqlalchemy.dialects.postgresql.asyncpg",
        "alembic.command",
        "uvloop",
    ]
)


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class ExchangeProcess:
    """One exchange process at a time, over `data`. `log` gets what it writes to standard error."""

    data: Path
    log: Path
    port: int = field(default_factory=claim_port)
    settings: Mapping[str, str] = field(default_factory=dict)
    """`COMITY_*` of the process, besides those of its own."""
    _process: ForkServerProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int:
        if self._process is None or self._process.pid is None:
            raise RuntimeError("the exchange does not run")
        return self._process.pid

    def start(self, crash_at: str = "", ahead: timedelta = timedelta()) -> None:
        """Run until ready. With `crash_at` (`service:point`) it kills itself there, perhaps before it is ready. With a
        clock that is `ahead` it takes no calls of those whose clock is not."""
        said = self.log.with_suffix(".out")
        said.write_bytes(b"")
        arguments = ["all", "--data", str(self.data), "--port", str(self.port)]
        environment = {**self.settings, **({"COMITY_UNSAFE_CRASH_AT": crash_at} if crash_at else {})}
        self._process = FORKS.Process(target=serve, args=(arguments, environment, said, self.log, ahead), daemon=True)
        self._process.start()
        until = time.monotonic() + START_TIMEOUT_S
        while not said.read_bytes().endswith(b"\n") and self._process.is_alive():
            assert time.monotonic() < until, f"the exchange is not ready; see {self.log}"
            time.sleep(0.01)
        if not crash_at:
            assert json.loads(said.read_bytes() or b"{}").get("ready"), f"the exchange did not start; see {self.log}"

    def stop(self) -> None:
        """Ask it to stop, and hold it to its promise: exit code 0, in time."""
        os.kill(self.pid, signal.SIGTERM)
        assert self._end(STOP_TIMEOUT_S) == 0, f"it did not stop cleanly; see {self.log}"

    def kill(self) -> None:
        """As when the power fails; no complaint if it is dead already."""
        if self._process is not None:
            self._process.kill()
            self._end(STOP_TIMEOUT_S)

    def wait_killed(self, timeout_s: float) -> None:
        """Until it has killed itself where it was armed to."""
        assert self._end(timeout_s) == -signal.SIGKILL, (
            f"it did not reach the point where it was to die; see {self.log}"
        )

    def _end(self, timeout_s: float) -> int | None:
        assert self._process is not None, "the exchange does not run"
        self._process.join(timeout_s)
        code = self._process.exitcode
        if code is not None:
            self._process.close()
            self._process = None
        return code


@dataclass
class EnrolledExchange:
    """An exchange whose parties are enrolled. `place` holds `exchange/`, its log, and a home for each party."""

    place: Path
    trust: Trust
    operators: tuple[Ed25519Signer, ...]
    keys: Mapping[str, AuthorityKeys]
    auditor_key: Ed25519Signer
    process: ExchangeProcess
    patience_s: float = 20.0
    _open: dict[str, Correspondence | Exchange] = field(default_factory=dict)

    @property
    def rows(self) -> ExchangeRows:
        return ExchangeRows(self.process.data / "exchange.sqlite3")

    def correspondence(self, party: str) -> Correspondence:
        """What acts for this authority, one for the life of this object."""
        if party not in self._open:
            home = self.place / "homes" / party
            home.mkdir(parents=True, exist_ok=True)
            keys = self.keys[party]
            calls = self._calls(keys.api, party)  # type: ignore[arg-type]  # the keys of tests lie in this process
            exchange = Exchange(calls, check_receipts(self.trust, party))
            self._open[party] = Correspondence(keys, self.trust, exchange, Place(home))
        opened = self._open[party]
        assert isinstance(opened, Correspondence)
        return opened

    def operator(self) -> Exchange:
        return self._caller(OPERATOR, self.operators[0])

    def auditor(self) -> Exchange:
        return self._caller(AUDITOR, self.auditor_key)

    def ledger(self) -> ExchangeLedger:
        """The ledger as the auditor reads it."""
        return ExchangeLedger(self.auditor())

    def change(self, type_: EventType, party: str) -> None:
        """Suspend or reinstate a party, and wait until calls are judged by it: the gateway looks every five seconds."""
        seq, document = self.post_change(type_, party)
        await_event(self.operator(), self.trust, seq, document, self.patience_s)

    def post_change(self, type_: EventType, party: str) -> tuple[int, bytes]:
        """Post the event that suspends or reinstates a party; its number and the event."""
        directory = replay_history(self.operator().directory().events, self.trust).latest
        document = make_event(type_, party, directory, self.operators, self.trust, now())
        self.operator().post_key_event(document)
        return directory.index + 1, document

    def copied_to(self, place: Path) -> EnrolledExchange:
        """The same exchange again, from the files of this one, which must be stopped; on another port."""
        shutil.copytree(self.place, place, dirs_exist_ok=True)
        process = ExchangeProcess(place / "exchange", place / "exchange.log")
        return EnrolledExchange(place, self.trust, self.operators, self.keys, self.auditor_key, process)

    def hang_up(self) -> None:
        """Close every connection and register of the parties; the next call opens them again."""
        for one in self._open.values():
            one.close()
        self._open.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self.process.kill()

    def call_as(self, party: str, ahead: timedelta) -> Exchange:
        """Calls of this authority, by a clock as far ahead as the exchange's."""
        signer = self.keys[party].api
        calls = Calls(self.process.url, sign_calls(signer, party, lambda: now() + ahead), patience_s=self.patience_s)
        return Exchange(calls, check_receipts(self.trust, party))

    def _caller(self, name: str, key: Ed25519Signer) -> Exchange:
        if name not in self._open:
            self._open[name] = Exchange(self._calls(key, name), check_receipts(self.trust, name))
        opened = self._open[name]
        assert isinstance(opened, Exchange)
        return opened

    def _calls(self, key: Ed25519Signer, owner: str) -> Calls:
        return Calls(self.process.url, sign_calls(key, owner, now), patience_s=self.patience_s)


def enrol_exchange(
    place: Path, keys: Iterable[AuthorityKeys], settings: Mapping[str, str] | None = None
) -> EnrolledExchange:
    """A new exchange, running, with these authorities, an auditor, and the sample registry of instruments."""
    data = place / "exchange"
    data.mkdir(parents=True)
    operators = (generate_ed25519(), generate_ed25519())
    trust = init_exchange(data, ORIGIN, operators, 2, now(), "development")
    process = ExchangeProcess(data, place / "exchange.log", settings=settings or {})
    process.start()
    enrolled = EnrolledExchange(
        place, trust, operators, {one.authority: one for one in keys}, generate_ed25519(), process
    )
    count = enrol_parties(enrolled.operator(), trust, operators, enrolled.keys.values(), enrolled.auditor_key)
    enrolled.rows.wait_settled()
    assert enrolled.rows.effects()["key_event"] == count, enrolled.rows.dead_letters()
    wait_known(enrolled)
    return enrolled


def enrol_parties(
    operator: Exchange,
    trust: Trust,
    operators: tuple[Ed25519Signer, ...],
    keys: Iterable[AuthorityKeys],
    auditor_key: Ed25519Signer,
) -> int:
    """Post the sample registry, and the events that enrol these authorities and the auditor; how many events."""
    operator.post_instruments(sign_instruments(INSTRUMENTS.read_bytes(), operators, trust.origin))
    requests = [authority_request(one, party_names({"en": one.authority}), now()) for one in keys]
    requests.append(auditor_request(AUDITOR, auditor_key, "full", party_names({"en": "Auditor"}), now()))
    directory = Directory.empty(trust.origin)
    for request in requests:
        document = make_event("enrol", request.party, directory, operators, trust, now(), request)
        directory = directory.apply(verify_event(document, trust.operator_keys, trust.operator_quorum, directory))
        operator.post_key_event(document)
    return len(requests)


def wait_known(enrolled: EnrolledExchange) -> None:
    """The gateway looks for keys that it does not know once a second; the ledger signs its first head by then."""
    until = time.monotonic() + enrolled.patience_s
    while True:
        try:
            enrolled.auditor().checkpoint()
        except (CallKeyUnknown, NotThere):
            assert time.monotonic() < until, "the gateway does not see who was enrolled"
            time.sleep(0.1)
        else:
            return
