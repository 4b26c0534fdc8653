"""The peers as they run in a benchmark: each starts its servers once, and is asked for a round at a time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench.drivers import RoundFailed, Server, drive, module
from deploy.local import PrivatePostgres, PrivateRabbitMQ
from deploy.local.endpoint import claim_port

HERE: Final = Path(__file__).parent / "peers"
CHAIN_HOPS: Final = (("chain.1", "chain.2"), ("chain.2", "chain.3"))


@dataclass(frozen=True, slots=True)
class Round:
    """Messages per second, and how long each took, in seconds."""

    rate: float
    latency_s: list[float]


class PeerMissing(Exception):
    """A peer whose environment could not be made, with the reason."""


def environment_of(peer: str, environments: Path) -> Path:
    """The Python of a peer's own environment. Raises PeerMissing."""
    place = environments / peer
    if not (place / ".ready").exists():
        why = place / "why-not"
        said = why.read_text().strip().splitlines()[-1] if why.exists() else "run `make bench-peers`"
        raise PeerMissing(f"its environment could not be made: {said}")
    return (place / "bin" / "python").absolute()


class BareChain:
    """Three plain hops of aio-pika."""

    def __init__(self, broker: PrivateRabbitMQ) -> None:
        self._url = broker.url

    @contextmanager
    def serving(self, place: Path) -> Iterator[None]:
        """Its two middle processes run."""
        hops = []
        try:
            for source, target in CHAIN_HOPS:
                command = module("bench.peers.chain", "hop", self._url, source, target)
                hops.append(Server(command, place / f"{source}.log"))
            yield
        finally:
            for hop in hops:
                hop.stop()

    def run(self, seconds: float, warm_up_s: float, outstanding: int) -> Round:
        plan = {"url": self._url, "warm_up_s": warm_up_s, "seconds": seconds, "outstanding": outstanding}
        return _round(drive(module("bench.peers.chain", "drive"), plan))


class FastStream:
    """Two plain hops of FastStream, in its own environment. Raises PeerMissing."""

    def __init__(self, broker: PrivateRabbitMQ, environments: Path) -> None:
        self._url = broker.url
        self._python = environment_of("faststream", environments)

    @contextmanager
    def serving(self, place: Path) -> Iterator[None]:
        with Server([self._python, HERE / "faststream" / "hop.py", self._url], place / "faststream.log"):
            yield

    def run(self, seconds: float, warm_up_s: float, outstanding: int) -> Round:
        plan = {"url": self._url, "warm_up_s": warm_up_s, "seconds": seconds, "outstanding": outstanding, "bytes": 1024}
        return _round(drive([self._python, HERE / "faststream" / "drive.py"], plan))


class As2:
    """django-pyas2 under gunicorn on PostgreSQL, in its own environment: four senders, each waiting for its receipt.

    Raises PeerMissing.
    """

    WORKERS: Final = 4
    MOST_A_SECOND: Final = 120
    """More than were ever seen here; they are built before they are needed."""

    def __init__(self, postgres: PrivatePostgres, environments: Path, place: Path) -> None:
        self._python = environment_of("as2", environments)
        self._port = claim_port()
        self._place = place.absolute()
        self._place.mkdir(parents=True)
        (self._place / "media").mkdir()
        postgres.create_database("as2")
        account = urlsplit(postgres.dsn("as2"))
        self._settings = {
            "AS2_PORT": str(account.port),
            "AS2_USER": str(account.username),
            "AS2_PASSWORD": str(account.password),
            "AS2_DATABASE": "as2",
            "AS2_MEDIA": str(self._place / "media"),
        }

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The database has its keys, gunicorn runs."""
        environment = {**own_environment(self._python), **self._settings}
        prepare: list[str | Path] = [self._python, "prepare.py", self._place / "keys.json"]
        done = subprocess.run(prepare, cwd=HERE / "as2", env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise RoundFailed(f"the AS2 server cannot be prepared: {done.stderr[-2000:]}")
        environment["DJANGO_SETTINGS_MODULE"] = "as2_settings"
        bind = f"127.0.0.1:{self._port}"
        command: list[str | Path] = [
            self._python,
            "-m",
            "gunicorn",
            "--workers",
            str(self.WORKERS),
            "--bind",
            bind,
            "--log-level",
            "error",
        ]
        application = "django.core.wsgi:get_wsgi_application()"
        url = f"http://{bind}/pyas2/as2receive"
        with Server([*command, application], self._place / "server.log", url, HERE / "as2", environment):
            yield

    def run(self, seconds: float, warm_up_s: float, body_bytes: int, messages: int) -> Round:
        """Of `messages` as many are sent as the time allows; they are built before."""
        plan = {
            "port": self._port,
            "keys": str(self._place / "keys.json"),
            "warm_up_s": warm_up_s,
            "seconds": seconds,
            "bytes": body_bytes,
            "messages": messages,
        }
        environment = {**own_environment(self._python), **self._settings}
        return _round(drive([self._python, "drive.py"], plan, cwd=HERE / "as2", env=environment))


class BareApi:
    """FastAPI alone."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{claim_port()}"

    @contextmanager
    def serving(self, place: Path) -> Iterator[None]:
        command = module("bench.peers.bare_api", self.url.rpartition(":")[2])
        with Server(command, place / "bare-api.log", f"{self.url}/livez"):
            yield


def own_environment(python: Path) -> dict[str, str]:
    """What a peer's process is given: nothing of ours on its path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COMITY_"))}
    return {**kept, "PATH": f"{python.parent}:{kept.get('PATH', os.defpath)}"}


def _round(result: dict[str, object]) -> Round:
    seconds, delivered, latency = result["seconds"], result["delivered_in_window"], result["latency_s"]
    if not isinstance(seconds, float) or not isinstance(delivered, int) or not isinstance(latency, list):
        raise RoundFailed("a driver's result has another form")
    if not delivered:
        raise RoundFailed("nothing was delivered within the window")
    return Round(delivered / seconds, latency)
