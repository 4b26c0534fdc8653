"""Where an exchange of separate services writes: RabbitMQ's disk while frames wait; PostgreSQL's files, write-ahead
log, own log and a dump; every service's log at its most talkative, directory, command line and environment; the ledger.

PostgreSQL is told to log every statement with its values. The servers and processes are killed before the search, so
that nobody tidies up.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import aio_pika
import asyncpg  # type: ignore[import-untyped]  # it has no stubs
from typing_extensions import override

from client.ledger_export import export_ledger
from client.signing import AuthorityKeys
from comity.plaintext_scan import scan_directory
from deploy.local import LocalExchange, find_programs
from deploy.local.exchange import DATABASE, Launch, launch_command
from shared.adapters.keyfiles import init_exchange
from shared.keys.private import generate_ed25519
from tests.canary_harvest import PATIENCE_S, Control, await_all, open_all, plant
from tests.canary_letters import RABAT, Letter, Sower, write_request
from tests.canary_secrets import belongings, known_secrets, provoke_refusals
from tests.exchange_process import ORIGIN, EnrolledExchange, ExchangeProcess, enrol_parties, now, wait_known

ON_THE_BROKER: Final = "a text that lies on the broker's disk in clear"
COMPRESSED: Final = "a text in a value that PostgreSQL compresses"
WAITING_IN_TEN: Final = 1
WAITING_MOST: Final = 24
"""Fewer than the gateway lets one sender in while nothing is delivered: half of `admission_least`."""
PICTURES: Final = ("intake", "routing")
COMPLAINTS: Final = ("pump.waits", "pump.holds", "relay.waits")


@dataclass(frozen=True)
class Search:
    """Texts that must not be found in these places, and what must be."""

    places: Sequence[Path]
    texts: Sequence[str | bytes]
    controls: Sequence[Control]


@dataclass
class SeparateExchange(EnrolledExchange):
    """`place` also gets the snapshots, the dump and the ledger. Its `process` is never started: the services are."""

    local: LocalExchange = field(kw_only=True)
    shows_commands: bool = True
    """Whether the services run as commands of their own: a forked process shows those of the server that forked it."""

    @property
    def dsn(self) -> str:
        return self.local.postgres.dsn(DATABASE).replace("+asyncpg", "")

    @property
    @override
    def rows(self) -> Any:
        return self

    def wait_settled(self, timeout_s: float = PATIENCE_S) -> None:
        """Until no leaf waits for its place and no row for the bus."""
        until = time.monotonic() + timeout_s
        tables = ["leaf_waiting", *(f"{one}_outbox" for one in ("intake", "routing", "notification"))]
        asked = "SELECT " + " + ".join(f"(SELECT count(*) FROM {table})" for table in tables)
        while self.ask(asked):
            assert time.monotonic() < until, "rows still wait"
            time.sleep(0.1)

    def ask(self, statement: str) -> Any:
        """The first value of what the database answers its owner."""

        async def asking() -> Any:
            connection = await asyncpg.connect(self.dsn)
            try:
                return await connection.fetchval(statement)
            finally:
                await connection.close()

        return asyncio.run(asking())

    @override
    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self.local.stop()

    @override
    def __enter__(self) -> Self:
        return self


def enrol_separate(place: Path, keys: Iterable[AuthorityKeys], launch: Launch = launch_command) -> SeparateExchange:
    """A new exchange of separate services, running, with these authorities, an auditor and the sample registry."""
    data = place / "data"
    data.mkdir(parents=True)
    operators = (generate_ed25519(), generate_ed25519())
    trust = init_exchange(data, ORIGIN, operators, 2, now(), "development")
    local = LocalExchange(place / "exchange", data, settings={"log_level": "debug"}, launch=launch)
    try:
        local.start()
        process = ExchangeProcess(data, place / "exchange.log", port=int(local.url.rpartition(":")[2]))
        known = {one.authority: one for one in keys}
        made = SeparateExchange(place, trust, operators, known, generate_ed25519(), process, local=local)
        made.shows_commands = launch is launch_command
        enrol_parties(made.operator(), made.trust, made.operators, made.keys.values(), made.auditor_key)
        wait_known(made)
    except BaseException:
        local.stop()
        raise
    return made


def plant_and_search(exchange: SeparateExchange, n: int, seed: int) -> dict[str, Search]:
    """Plant N letters, a tenth of them, at most 24, while consumers are away; what to look for and where.

    Then all is killed.
    """
    _prepare_places(exchange)
    waiting = min(max(2, n * WAITING_IN_TEN // 10), WAITING_MOST)
    letters = plant(exchange, n - waiting, seed)
    letters += _plant_waiting(exchange, Sower(seed + 1), waiting)
    canaries = [canary for letter in letters for canary in letter.canaries]
    controls = _controls(exchange, letters)
    local, place = exchange.local.directory, exchange.place
    kept = known_secrets(exchange.local)
    found = {one.number for one in scan_directory(belongings(exchange.local), kept)}
    assert found == set(range(len(kept))), "the search does not find the secrets where they belong"
    kept += provoke_refusals(exchange.local, place / "refused")
    _close(exchange)
    told = [
        place / name for name in ("ledger", "dump.sql", "proc", "refused", *(f"waiting-for-{one}" for one in PICTURES))
    ]
    written = [local / "log", *(local / "postgres" / name for name in ("data", "postgres.log"))]
    written += [*local.glob("rabbitmq/data"), *local.glob("rabbitmq/log"), *local.glob("rabbitmq/*.log")]
    return {
        "canaries": Search([local, exchange.local.data, *told], canaries, controls),
        "secrets": Search([*written, *told], kept, []),
    }


def _prepare_places(exchange: SeparateExchange) -> None:
    """PostgreSQL tells all; and something lies in clear where sealed things will."""
    exchange.ask("ALTER SYSTEM SET log_statement = 'all'")
    exchange.ask("SELECT pg_reload_conf()")
    exchange.ask("CREATE TABLE control (kept text)")
    filler = "what repeats itself is compressed; "
    exchange.ask(f"INSERT INTO control VALUES (repeat('{filler}', 500) || '{COMPRESSED}' || repeat('{filler}', 500))")
    asyncio.run(_publish_control(exchange.local.rabbitmq.url))


async def _publish_control(url: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        await channel.declare_queue("control", durable=True, arguments={"x-queue-type": "quorum"})
        message = aio_pika.Message(ON_THE_BROKER.encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, "control")


def _plant_waiting(exchange: SeparateExchange, sower: Sower, number: int) -> list[Letter]:
    """Requests that lie on the broker's disk before intake, then before routing; a picture is taken of each."""
    local, rabbit = exchange.local, exchange.correspondence(RABAT)
    letters = [write_request(rabbit, sower) for _ in range(number)]
    local.stop_process("intake-1")
    for letter in letters:
        rabbit.outbox.send(letter.message)
    _take_picture(exchange, "intake", number)
    local.stop_process("routing-1")
    local.start_process("intake-1")
    await_all(exchange, letters, None)
    _take_picture(exchange, "routing", 1)
    local.start_process("routing-1")
    open_all(exchange, letters)
    return letters


def _take_picture(exchange: SeparateExchange, queue: str, at_least: int) -> None:
    """The broker's disk while so many frames wait in a queue."""
    depth = asyncio.run(_depth(exchange.local.rabbitmq.url, f"comity.{queue}", at_least))
    assert depth >= at_least
    _copy_live(exchange.local.rabbitmq.directory / "data", exchange.place / f"waiting-for-{queue}")


async def _depth(url: str, queue: str, at_least: int) -> int:
    async with await aio_pika.connect(url) as connection:
        channel, depth = await connection.channel(), 0
        for _ in range(200):
            declared = await channel.declare_queue(queue, passive=True)
            if (depth := declared.declaration_result.message_count or 0) >= at_least:
                break
            await asyncio.sleep(0.05)
        return depth


def _copy_live(source: Path, target: Path) -> None:
    """Files of a running server; one that is gone meanwhile is left out."""
    for path in [path for path in source.rglob("*") if path.is_file()]:
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            shutil.copyfile(path, copy)


def _controls(exchange: SeparateExchange, letters: Sequence[Letter]) -> list[Control]:
    dossier = letters[0].dossier
    header = f'"dossier":"{dossier}","profile":"mla-request"'
    messages = tuple(letter.message for letter in letters)
    shown = [
        Control("an address in an environment", "proc/", (f"COMITY_PUBLIC_URL={exchange.local.url}",)),
        Control("the command of a service", "proc/", ("comity.main\0serve\0intake",)),
    ]
    return [
        *(shown if exchange.shows_commands else []),
        Control("a message on the broker's disk", "waiting-for-intake/", (ON_THE_BROKER,)),
        Control("the parties of an epoch in a frame that waits", "waiting-for-intake/", ("\x07gateway\x06intake",)),
        Control("the same before routing", "waiting-for-routing/", ("\x06intake\x07routing",)),
        Control("a dossier's id in PostgreSQL's files", "postgres/data/base/", (dossier,)),
        Control("the id of any message in its write-ahead log", "postgres/data/pg_wal/", messages),
        Control("a dossier's id in its log of statements", "postgres/postgres.log", (dossier,)),
        Control("a dossier's id in a dump", "dump.sql", (dossier,)),
        Control("a header in a manifest in a dump", "dump.sql (in hexadecimal) (in base64)", (header,)),
        Control("what PostgreSQL compressed, in a dump", "dump.sql", (COMPRESSED,)),
        Control("a header in the exported ledger", "ledger/tile/entries", (header,)),
        Control("the name of a caller's key in a log", "log/gateway-1.log", (exchange.keys[RABAT].api_kid,)),
        Control(
            "the exchange's name beside a service's keys", "processes/intake-1/trust.json", (exchange.trust.origin,)
        ),
        Control("a complaint about lost servers", "log/intake-1.log", COMPLAINTS),
    ]


def _close(exchange: SeparateExchange) -> None:
    """The last that the exchange writes and shows. Its servers are killed first: of that services tell."""
    place, local = exchange.place, exchange.local
    export_ledger(exchange.ledger(), place / "ledger", exchange.trust)
    _dump(exchange, place / "dump.sql")
    exchange.ask("CHECKPOINT")
    _show_processes(place / "proc")
    exchange.hang_up()
    local.rabbitmq.kill()
    local.postgres.kill()
    until = time.monotonic() + PATIENCE_S
    while not any(one in local.log_of("intake-1").read_text() for one in COMPLAINTS):
        assert time.monotonic() < until, "intake does not miss its servers"
        time.sleep(0.05)
    for name in local.names:
        local.kill(name)


def _dump(exchange: SeparateExchange, file: Path) -> None:
    binaries = find_programs().postgres_bin
    assert binaries is not None
    address = urlsplit(exchange.dsn)
    environment = {"PATH": os.environ["PATH"], "PGPASSWORD": address.password or ""}
    where = f"postgresql://{address.username}@{address.hostname}:{address.port}{address.path}"
    subprocess.run([binaries / "pg_dump", "--file", file, where], env=environment, check=True)


def _show_processes(place: Path) -> None:
    """What others see of our processes: anybody their command lines, their user the environments."""
    place.mkdir()
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    ours = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    for pid in ours - {os.getpid()}:
        for shown in ("cmdline", "environ"):
            with suppress(OSError):
                (place / f"{pid}.{shown}").write_bytes(Path(f"/proc/{pid}/{shown}").read_bytes())
