"""`python -m deploy.credentials`: every secret file that a deployment mounts, made from an exchange's keys.

Rules:
1. Each service gets a directory of its own, with its own keys and addresses, and no other's. Its password of the
   database is not that of the broker: who runs the one learns nothing that opens the other.
2. What is there is kept: a run after the first adds only what is missing. A password is changed by deleting its file
   and those that carry it (`comity_database`, `comity_broker`, `definitions.json`) and running this again.
3. The directory is closed to everybody else (mode 700); the files in it can be read (mode 444), because a container
   mounts each one by itself and reads it as a user that does not exist on this machine.
4. The exchange's own directory is only read. Keep it offline: nothing that runs needs it.

Not here: making the exchange's keys (`comity operator init`), and what a cluster keeps its secrets in.
"""

import argparse
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.certificates import CA_FILE, CertificatesFailed, make_certificates
from deploy.kubernetes_secrets import describe_administrator, describe_secrets

SERVICES: Final = ("gateway", "intake", "routing", "notification", "ledger")
OWNER: Final = "owner"
KEYS: Final = {service: (f"{service}.json", *(("log.json",) if service == "ledger" else ())) for service in SERVICES}
"""The key files of each service."""
PREFIX: Final = "comity_"
"""What the names of roles in PostgreSQL and of users in RabbitMQ begin with."""
DATABASE: Final = "comity"
ADMINISTRATOR: Final = "comity_admin"
"""The user of RabbitMQ's operator, which a cluster has and a single machine has not."""


class CredentialsRefused(Exception):
    """What was asked for cannot be made."""


@dataclass(frozen=True)
class Target:
    """Where the services find the servers, and for which servers certificates are made here."""

    database: str
    broker: str
    certified: Mapping[str, Sequence[str]]
    is_cluster: bool


TARGETS: Final = {
    "compose": Target(
        "postgres:5432", "rabbitmq:5671", {"postgres": ["postgres"], "rabbitmq": ["rabbitmq"]}, is_cluster=False
    ),
    # PostgreSQL's certificate is its operator's own.
    "kubernetes": Target(
        "comity-postgres-rw:5432",
        "comity-rabbitmq:5671",
        {
            "rabbitmq": [
                "comity-rabbitmq",
                "comity-rabbitmq.comity",
                "comity-rabbitmq.comity.svc",
                "*.comity-rabbitmq-nodes.comity",
                "*.comity-rabbitmq-nodes.comity.svc",
            ]
        },
        is_cluster=True,
    ),
}


def make_credentials(target: str, exchange: Path, directory: Path, public_url: str) -> None:
    """Raises CredentialsRefused when the exchange's files are not there, CertificatesFailed, OSError."""
    place = TARGETS[target]
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    for file in ("trust.json", "roster.json"):
        _copy(exchange / file, directory / file)
    make_certificates(directory, place.certified)
    for service in (OWNER, *SERVICES):
        _address(directory, place.database, "database", service, f"postgresql+asyncpg://{{}}/{DATABASE}")
    for service in SERVICES:
        _address(directory, place.broker, "broker", service, "amqps://{}/")
        for file in KEYS[service]:
            _copy(exchange / "keys" / file, directory / service / file)
    if place.is_cluster:
        password = _keep(directory / "passwords" / "broker" / ADMINISTRATOR, _new_password())
        for file, text in describe_administrator(ADMINISTRATOR, password, place.broker).items():
            _keep(directory / "rabbitmq" / file, text)
        _keep(directory / "kustomization.yaml", describe_secrets(KEYS, OWNER, PREFIX, public_url))
    else:
        _keep(directory / "passwords" / "database" / "postgres", _new_password())
        settings = f"COMITY_DEPLOYMENT={directory.absolute()}\nCOMITY_PUBLIC_URL={public_url}\n"
        _keep(directory / "compose.env", settings)
    _define_broker(directory, place)
    for path in directory.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o444)


def _address(directory: Path, server: str, kind: str, service: str, form: str) -> None:
    """Write under which address, with which name and password, this service finds this server."""
    user = f"{PREFIX}{service}"
    password = _keep(directory / "passwords" / kind / user, _new_password())
    _keep(directory / service / f"comity_{kind}", form.format(f"{user}:{password}@{server}"))


def _define_broker(directory: Path, place: Target) -> None:
    """Through the command, as an operator has it: it knows every user's rights. Raises CredentialsRefused."""
    definitions = directory / "rabbitmq" / "definitions.json"
    if definitions.exists():
        return
    command = [sys.executable, "-m", "comity.main", "broker", "definitions", "--user-prefix", PREFIX]
    command += ["--passwords", str(directory / "passwords" / "broker"), "--output", str(definitions)]
    command += ["--administrator", ADMINISTRATOR] if place.is_cluster else []
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise CredentialsRefused(f"the broker's definitions could not be made: {(done.stdout + done.stderr).strip()}")


def _new_password() -> str:
    return secrets.token_hex(24)


def _keep(file: Path, text: str) -> str:
    """What the file holds; the first time, `text` is written there."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(text)
    return file.read_text()


def _copy(source: Path, to: Path) -> None:
    """Raises CredentialsRefused."""
    if not source.exists():
        raise CredentialsRefused(f"{source} is not there; make the exchange's keys first: comity operator init")
    if not to.exists():
        to.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, to)
    elif to.read_bytes() != source.read_bytes():
        raise CredentialsRefused(f"{to} is of another exchange than {source}; name an empty directory")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.credentials",
        description="Make the secret files of a deployment from the keys of an exchange.",
    )
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--exchange", type=Path, required=True, help="what `comity operator init --data` made")
    parser.add_argument("--out", type=Path, required=True, help="directory for the secret files, such as var/compose")
    parser.add_argument(
        "--public-url", required=True, help="the address that callers sign, such as https://exchange.example"
    )
    given = parser.parse_args(arguments)
    try:
        make_credentials(given.target, given.exchange, given.out, given.public_url.rstrip("/"))
    except (CredentialsRefused, CertificatesFailed, OSError) as refused:
        print(f"deploy.credentials: {refused}", file=sys.stderr)
        return 1
    print(f"Secrets in {given.out}; the certificates are believed by {given.out / CA_FILE}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
