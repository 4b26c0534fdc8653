"""One exchange of real processes on real servers, parties that correspond on it, and a record of what they were told.

`python -m tests.outages` and the sample in the test run differ only in how many faults they play here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Self

import httpx2

from client.callers import check_receipts, sign_calls
from client.correspondence import Correspondence, Place
from client.exchange import Exchange
from client.http_calls import Calls
from client.ledger_source import ExchangeLedger
from client.signing import AuthorityKeys, generate_authority_keys
from deploy.local.exchange import DATABASE, LocalExchange
from shared.adapters.amqp.topology import dead_queue, work_queue
from shared.adapters.keyfiles import init_exchange
from shared.contracts.topology import QUEUES
from shared.errors import CallKeyUnknown, ComityError, Transient
from shared.keys.private import Ed25519Signer, generate_ed25519
from shared.keys.public import OPERATOR
from shared.keys.trust import Trust
from tests.exchange_process import AUDITOR, ORIGIN, PARTIES, enrol_parties, now
from tests.outages.disk import SmallDisk, mount_small_disk
from tests.outages.forked import Twist, launch_forks, wait_for
from tests.outages.history import History, RecordingTransport
from tests.outages.judges import Window
from tests.outages.ledger_judge import LedgerJudge
from tests.outages.readiness import ReadinessWatch
from tests.outages.rows import ExchangeDatabase, frames_waiting
from tests.outages.workload import Actor

REPLICAS: Final = {"gateway": 2, "intake": 2, "routing": 2, "notification": 2, "ledger": 2}
PREFIX: Final = "comity."
PATIENCE_S: Final = 60.0
LONGEST_PAUSE_S: Final = 0.3
"""Clients here ask again sooner than they are told: a campaign has no time, and impatience is a load of its own."""
CHECKPOINT_EVERY_S: Final = 0.3
SETTLED_WITHIN_S: Final = 60.0


@dataclass
class Arena:
    """Running when entered. Every member is the campaign's to use."""

    directory: Path
    seed: int
    exchange: LocalExchange
    trust: Trust
    keys: Mapping[str, AuthorityKeys]
    operators: tuple[Ed25519Signer, ...]
    auditor_key: Ed25519Signer = field(default_factory=generate_ed25519)
    history: History = field(default_factory=History)
    away: list[Window] = field(default_factory=list)
    """When a gateway was dead or frozen."""
    actors: list[Actor] = field(default_factory=list)
    disk: SmallDisk | None = None
    """The database's own, where it has one."""

    def __post_init__(self) -> None:
        self.watch = ReadinessWatch(self.exchange)
        self.ledger_judge = LedgerJudge(self.directory / "export", self.trust)
        self._auditor: Exchange | None = None
        self._checkpoints_stop = threading.Event()
        self._checkpoints = threading.Thread(target=self._read_checkpoints, daemon=True)

    @property
    def database(self) -> ExchangeDatabase:
        return ExchangeDatabase(self.exchange.postgres.dsn(DATABASE).replace("+asyncpg", ""))

    @property
    def ledger(self) -> ExchangeLedger:
        """As the auditor reads it; for one thread."""
        if self._auditor is None:
            self._auditor = Exchange(self._calls(self.auditor_key, AUDITOR), check_receipts(self.trust, AUDITOR))
        return ExchangeLedger(self._auditor)

    def in_hand(self) -> dict[str, int]:
        """Work that must still end, on the bus and in the database; empty when there is none."""
        return {**self.database.in_hand(), **frames_waiting(self.exchange.rabbitmq.url, PREFIX)}

    def wait_settled(self, within_s: float = SETTLED_WITHIN_S) -> None:
        """Raises TimeoutError with what is in hand."""
        until = time.monotonic() + within_s
        while in_hand := self.in_hand():
            if time.monotonic() > until:
                raise TimeoutError(f"still in hand after {within_s:.0f} s: {in_hand}")
            time.sleep(0.1)

    def unready(self) -> set[str]:
        """Who is not ready now: asked now, for what the watch knows may be older than a repair."""
        return {name for name in self.watch.names if not self.exchange.is_ready(name)}

    def resume(self) -> None:
        for actor in self.actors:
            actor.resume()

    def pause(self) -> None:
        """All at once: who reads its feed to the end does not reach it while others write."""
        for actor in self.actors:
            actor.pause()
        for actor in self.actors:
            actor.await_paused()

    @contextmanager
    def gateway_away(self) -> Iterator[None]:
        """Inside, calls may break: the gateway that they reach dies."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.away.append(Window(began, time.monotonic()))

    def __enter__(self) -> Self:
        try:
            self.exchange.start()
            for queue in QUEUES:
                for name in (dead_queue(PREFIX, queue), work_queue(PREFIX, queue)):
                    self.exchange.rabbitmq.wait_until_durable(name)
            self._enrol()
            self.actors += [Actor(party, self.seed, partial(self._correspondence, party)) for party in self.keys]
            self.watch.start()
            self._checkpoints.start()
        except BaseException:
            self.exchange.stop()
            if self.disk is not None:
                self.disk.unmount()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._checkpoints_stop.set()
        self.watch.stop()
        try:
            for actor in self.actors:
                actor.close()
        finally:  # an actor that hangs must not leave servers behind, nor have their files taken from under them
            self.exchange.stop()
            if self.disk is not None:
                self.disk.unmount()

    def _enrol(self) -> None:
        operator = Exchange(self._calls(self.operators[0], OPERATOR), check_receipts(self.trust, OPERATOR))
        count = enrol_parties(operator, self.trust, self.operators, self.keys.values(), self.auditor_key)
        operator.close()
        wait_for("parties are enrolled", lambda: self.database.key_events() == count, SETTLED_WITHIN_S)
        self.wait_settled()
        wait_for("the gateway knows them", self._is_auditor_known, SETTLED_WITHIN_S, every_s=0.2)

    def _is_auditor_known(self) -> bool:
        """Of every gateway: each call is a connection of its own, which the kernel gives to any of them."""
        probe = Exchange(self._calls(self.auditor_key, AUDITOR), check_receipts(self.trust, AUDITOR))
        try:
            for _ in range(8):
                probe.checkpoint()
        except CallKeyUnknown:
            return False
        finally:
            probe.close()
        return True

    def _correspondence(self, party: str) -> Correspondence:
        home = self.directory / "homes" / party
        home.mkdir(parents=True)
        keys = self.keys[party]
        transport = RecordingTransport(self.history, party, keeps_alive=list(self.keys).index(party) % 2 == 0)
        calls = self._calls(keys.api, party, transport)  # type: ignore[arg-type]  # the keys of tests lie in this process
        return Correspondence(keys, self.trust, Exchange(calls, check_receipts(self.trust, party)), Place(home))

    def _calls(self, key: Ed25519Signer, owner: str, transport: httpx2.BaseTransport | None = None) -> Calls:
        return Calls(
            self.exchange.url,
            sign_calls(key, owner, now),
            transport=transport or httpx2.HTTPTransport(limits=httpx2.Limits(max_keepalive_connections=0)),
            patience_s=PATIENCE_S,
            sleep=lambda pause_s: time.sleep(min(pause_s, LONGEST_PAUSE_S)),
        )

    def _read_checkpoints(self) -> None:
        transport = RecordingTransport(self.history, AUDITOR, keeps_alive=False)
        calls = self._calls(self.auditor_key, AUDITOR, transport)
        reader = Exchange(calls, check_receipts(self.trust, AUDITOR))
        while not self._checkpoints_stop.wait(CHECKPOINT_EVERY_S):
            try:
                reader.checkpoint()
            except Transient:
                """An outage: the history has it."""
            except ComityError as refused:
                self.actors[0].surprises.append(f"{AUDITOR}: {refused.code}: {refused}")
        reader.close()


def build_arena(
    directory: Path,
    seed: int,
    replicas: Mapping[str, int] | None = None,
    twists: tuple[Twist, ...] = (),
    with_disk: bool = False,
) -> Arena:
    """An exchange with new keys in this empty directory. Nothing is started yet; `twists` change its program, and
    `with_disk` gives its database a small disk, if this program may mount one.
    """
    operators = (generate_ed25519(), generate_ed25519())
    data = directory / "data"
    data.mkdir(parents=True)
    trust = init_exchange(data, ORIGIN, operators, 2, now(), "development")
    exchange = LocalExchange(directory / "exchange", data, replicas or REPLICAS, launch=launch_forks(twists))
    keys = {party: generate_authority_keys(party) for party in PARTIES}
    disk = mount_small_disk(exchange.postgres.directory) if with_disk else None
    return Arena(directory, seed, exchange, trust, keys, operators, disk=disk)
