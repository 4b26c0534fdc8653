"""The peers as they run in a benchmark: each starts its servers once, and is asked for a round at a time."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.drivers import RoundFailed, Server, drive, module
from deploy.local import PrivateRabbitMQ

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


class BareApi:
    """FastAPI alone."""

    def __init__(self) -> None:
        self.port = free_port()

    @contextmanager
    def serving(self, place: Path) -> Iterator[None]:
        url = f"http://127.0.0.1:{self.port}/livez"
        with Server(module("bench.peers.bare_api", str(self.port)), place / "bare-api.log", url):
            yield


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
