"""Our own side: a whole exchange on this machine with its parties enrolled, and rounds of load on it.

Each service has the database role of its own, so that its transactions can be counted. The database counts what it does
(pg_stat_statements); that costs it a percent or two, in every round alike.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from bench.backends_of import database_cpu
from bench.drivers import drive, module
from bench.letters import write_letters
from bench.machine import used_by
from bench.parties import Parties, enrol
from bench.statements import Statements, count_statements, prepare_statements
from deploy.local import LocalExchange
from deploy.local.exchange import DATABASE, service_of
from shared.adapters.keyfiles import init_exchange
from shared.keys.private import generate_ed25519

ORIGIN: Final = "comity.bench/log"
RABBITMQ: Final = "RabbitMQ"
POSTGRES: Final = "PostgreSQL"
CLIENT: Final = "load generator"


@dataclass(frozen=True, slots=True)
class Costs:
    """What one window cost, in seconds of CPU and in counts, by process; `messages` were delivered meanwhile."""

    messages: int
    cpu_s: Mapping[str, float]
    database_cpu_s: Mapping[str, float]
    statements: Statements


@dataclass
class _Reading:
    cpu_s: dict[str, float] = field(default_factory=dict)
    database_cpu_s: dict[str, float] = field(default_factory=dict)
    statements: Statements = field(default_factory=Statements)


class BenchExchange:
    """An exchange under load. `directory` is emptied first."""

    def __init__(self, directory: Path, replicas: Mapping[str, int] | None = None) -> None:
        shutil.rmtree(directory, ignore_errors=True)
        self.directory = directory
        self._data = directory / "exchange"
        self._data.mkdir(parents=True)
        self._operators = (generate_ed25519(), generate_ed25519())
        self._trust = init_exchange(self._data, ORIGIN, self._operators, 2, datetime.now(UTC), "development")
        self.local = LocalExchange(directory / "run", self._data, replicas, {"log_level": "warning"})
        self._parties: Parties | None = None

    @property
    def parties(self) -> Parties:
        if self._parties is None:
            raise RuntimeError("parties are enrolled on an exchange that runs")
        return self._parties

    def __enter__(self) -> Self:
        self.local.prepare()
        asyncio.run(prepare_statements(self.local.postgres))
        self.local.postgres.make_roles(database=DATABASE)
        self.local.prepare()  # once more, now that there are roles to be given their rights
        for name in self.local.names:
            self._start(name, {})
        for name in self.local.names:
            self.local.wait_ready(name)
        self._parties = enrol(self.local.url, self._trust, self._operators)
        return self

    def __exit__(self, *_: object) -> None:
        self.local.stop()

    def restart(self, name: str, settings: Mapping[str, str]) -> None:
        """Stop this process and start it with these settings on top; returns when it is ready."""
        self.local.stop_process(name)
        self._start(name, settings)
        self.local.wait_ready(name)

    def seal(self, count: int, body_bytes: int) -> Path:
        """A file of new letters."""
        path = self.directory / "letters"
        write_letters(path, self.parties, count, body_bytes)
        return path

    def run(self, letters: Path, mode: str, seconds: float, **more: Any) -> tuple[dict[str, Any], Costs]:
        """One round of load: the generator's result, and what the window cost. Raises RoundFailed."""
        readings: dict[str, _Reading] = {}
        plan = {
            "mode": mode,
            "url": self.local.url,
            "letters": str(letters),
            "seeds": self.seeds(),
            "seconds": seconds,
            **more,
        }
        result = drive(module("bench.load"), plan, lambda window: readings.update({window: self._read()}))
        began, ended = readings["open"], readings["closed"]
        cpu_s = {name: ended.cpu_s[name] - began.cpu_s[name] for name in ended.cpu_s}
        database = {name: ended.database_cpu_s[name] - began.database_cpu_s[name] for name in ended.database_cpu_s}
        cpu_s[CLIENT] = result["client_cpu_s"]
        costs = Costs(result["delivered_in_window"], cpu_s, database, ended.statements.since(began.statements))
        return result, costs

    def seeds(self) -> dict[str, str]:
        """Party → seed of its API key, as plans have it."""
        return {party: self.parties.api_seed(party).hex() for party in self.parties.keys}

    def idle_cpu(self, seconds: float) -> dict[str, float]:
        """Process → the part of one core that it takes with nothing to do, over so many seconds."""
        began = self._read().cpu_s
        time.sleep(seconds)
        return {name: (spent - began[name]) / seconds for name, spent in self._read().cpu_s.items()}

    def memory(self) -> dict[str, int]:
        """Bytes of each process now, shared pages shared out."""
        return {name: used_by([pid], with_children=name == POSTGRES).rss_bytes for name, pid in self._pids().items()}

    def services(self) -> dict[str, int]:
        return {name: self.local.pid(name) for name in self.local.names}

    def _start(self, name: str, settings: Mapping[str, str]) -> None:
        address = self.local.postgres.dsn(DATABASE, f"comity_{service_of(name)}")
        self.local.start_process(name, {"database": address, **settings})

    def _pids(self) -> dict[str, int]:
        return {**self.services(), RABBITMQ: self.local.rabbitmq.pid, POSTGRES: self.local.postgres.pid}

    def _read(self) -> _Reading:
        return _Reading(
            {name: used_by([pid], with_children=name != RABBITMQ).cpu_s for name, pid in self._pids().items()},
            database_cpu(self.local.postgres.pid, self.services()),
            asyncio.run(count_statements(self.local.postgres)),
        )
