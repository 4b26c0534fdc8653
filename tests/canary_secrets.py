"""The exchange's own secrets: passwords of its servers, and the private keys of its services.

They lie in the directories of the processes that use them, and in the configuration of the servers; nowhere else. A
wrong password is no business of a log either: somebody's typing error is nearly the right one.
"""

from __future__ import annotations

import json
import multiprocessing
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from deploy.local import LocalExchange
from deploy.local.exchange import DATABASE
from shared.keys.base64url import parse_b64u
from tests.forked_exchange import serve

REFUSED_WITHIN_S: Final = 60.0
WAITS: Final = b"waits-for-servers"
"""What a service says whose servers do not answer; it ends only for an address that is none."""


def known_secrets(local: LocalExchange) -> list[str | bytes]:
    """Every password in a file of secrets, and every private seed; each once."""
    found: dict[str | bytes, None] = {}
    for path in belongings(local):
        found.update(dict.fromkeys(_passwords(path) if path.parent.name == "secrets" else _seeds(path)))
    assert found, "the exchange has no secrets"
    return list(found)


def belongings(local: LocalExchange) -> list[Path]:
    """The files in which secrets belong."""
    processes = local.directory / "processes"
    return sorted([*processes.glob("*/secrets/*"), *processes.glob("*/keys/*.json")])


def _passwords(path: Path) -> Iterator[str]:
    password = urlsplit(path.read_text()).password
    if password:
        yield unquote(password)


def _seeds(path: Path) -> Iterator[bytes]:
    for seed in json.loads(path.read_text()).values():
        yield parse_b64u(seed, 32)


def provoke_refusals(local: LocalExchange, place: Path) -> list[str]:
    """Start intake with addresses that cannot serve, each with a password of its own; what it says lies in `place`.

    Returns the passwords.
    """
    place.mkdir()
    forks = multiprocessing.get_context("forkserver")
    passwords, started = [], []
    for number, (setting, address) in enumerate(_wrong_addresses(local)):
        password = f"Wr0ng-{secrets.token_hex(8)}"
        passwords.append(password)
        good = {"database": local.postgres.dsn(DATABASE), "broker": local.rabbitmq.url}
        environment = _environment(local, {**good, setting: address.replace("PASSWORD", password)})
        said, log = place / f"{number}.out", place / f"{number}.log"
        process = forks.Process(target=serve, args=(["intake"], environment, said, log), daemon=True)
        process.start()
        started.append((process, log))
    until = time.monotonic() + REFUSED_WITHIN_S
    for process, log in started:
        while process.is_alive() and not (log.exists() and WAITS in log.read_bytes()):
            assert time.monotonic() < until, f"it says nothing of its servers: {log}"
            time.sleep(0.02)
        words = log.read_text()
        assert "Traceback" not in words, words
        assert WAITS.decode() in words or process.exitcode == 1, words
        process.kill()
        process.join()
    return passwords


def _wrong_addresses(local: LocalExchange) -> Iterator[tuple[str, str]]:
    ports = {"database": local.postgres.port, "broker": local.rabbitmq.port}
    for setting, scheme in (("database", "postgresql+asyncpg"), ("broker", "amqp")):
        host = f"127.0.0.1:{ports[setting]}"
        yield setting, f"{scheme}://comity:PASSWORD@{host}/{DATABASE if setting == 'database' else ''}"
        yield setting, f"{scheme}://comity:PASSWORD@127.0.0.1:1/x"  # nobody listens
        yield setting, f"{scheme}://comity:PASSWORD@no-such-host.invalid/x"
        yield setting, f"{scheme}://comity:PASSWORD/more@{host}/x"  # a slash that was not escaped
        yield setting, f"{scheme}://comity:PASSWORD@127.0.0.1:port/x"
        yield setting, f"comity:PASSWORD@{host}/x"
    yield "broker", f"amqps://comity:PASSWORD@127.0.0.1:{ports['broker']}/"  # TLS where none is spoken


def _environment(local: LocalExchange, addresses: Mapping[str, str]) -> dict[str, str]:
    own = {"DATA": str(local.directory / "processes" / "intake-1"), "PORT": "0", "LOG_LEVEL": "debug"}
    return {f"COMITY_{name.upper()}": value for name, value in {**own, **addresses}.items()}
