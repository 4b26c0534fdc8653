"""The ports and the password of one private server, kept in its directory so that a restart finds the same ones."""

import json
import os
import random
import secrets
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

HOST = "127.0.0.1"
USER = "comity"

# Below the range from which systems hand out client ports: while a server is down for a restart test, no outgoing
# connection can take its port.
_LOWEST_PORT, _HIGHEST_PORT = 20_000, 32_000
_ATTEMPTS = 200
_claims: list[socket.socket] = []


@dataclass(frozen=True)
class Endpoint:
    """Where one server answers, and the password of its one user."""

    ports: dict[str, int]
    password: str


@dataclass(frozen=True)
class Certificate:
    """What a server shows of itself: PEM files of its certificate and its private key."""

    file: Path
    key: Path


def load_or_choose(file: Path, port_names: list[str]) -> Endpoint:
    """Read the endpoint kept in `file`; the first time, choose free ports and a password and write them there.

    Raises OSError when no free port is found.
    """
    kept = Endpoint(ports={}, password=secrets.token_hex(16))
    if file.exists():
        kept = Endpoint(**json.loads(file.read_text()))
    new = [name for name in port_names if name not in kept.ports]
    endpoint = Endpoint(ports={**kept.ports, **{name: claim_port() for name in new}}, password=kept.password)
    if new:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            json.dump(asdict(endpoint), stream)
    return endpoint


def keep_password(file: Path) -> str:
    """The password kept in `file`, made and written there the first time."""
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secrets.token_hex(16))
    return file.read_text()


def answers(port: int) -> bool:
    """Whether anything accepts connections on this port now."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def claim_port() -> int:
    """A port that nobody listens on, and that no other process which asks here is given while this one lives.

    The claim is a UDP socket of the same number: a server takes its time until it listens, and listens no more while it
    is down. Raises OSError when no free port is found.
    """
    for _ in range(_ATTEMPTS):
        port = random.randint(_LOWEST_PORT, _HIGHEST_PORT)  # noqa: S311 - spreads parallel runs apart, guards nothing
        claim = socket.socket(type=socket.SOCK_DGRAM)
        if _takes(claim, port) and _is_free(port):
            _claims.append(claim)
            return port
        claim.close()
    raise OSError(f"no free port between {_LOWEST_PORT} and {_HIGHEST_PORT}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return _takes(probe, port)


def _takes(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind((HOST, port))
    except OSError:
        return False
    return True
