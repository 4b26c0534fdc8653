"""`python -m deploy.local.up`: a whole exchange on this machine until Ctrl-C, for development and for looking at it.

Rules:
- All of it lies under one directory: keys, servers, processes, logs. Started again, it goes on where it was; removed,
  the next start is a new exchange.
- What ends unasked is started again, and told in one line (`supervisor`).
- Ctrl-C or SIGTERM stops all in order, exit 0; a second one kills. What cannot be done is told in one sentence, exit 1.

Its operators' passphrase lies beside the keys: this is no exchange to trust with anything.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Final

from deploy.local.exchange import MOST_REPLICAS, SERVICES, LocalExchange, plain_environment
from deploy.local.process import ServerFailed
from deploy.local.programs import find_programs
from deploy.local.supervisor import Supervisor
from deploy.local.witnesses import MOST_WITNESSES, LocalWitnesses

DIRECTORY: Final = Path("var/up")
ORIGIN: Final = "comity.example/up"
PASSPHRASE: Final = "development only, not a secret"  # noqa: S105  # it guards keys that lie beside it
ABOUT_FILE: Final = "exchange.json"
"""What a program needs to use this exchange: its address, trust file and operators' keys; written when it is ready."""


def main() -> int:
    arguments = _arguments()
    directory: Path = arguments.directory.absolute()
    stop = _Stop()
    try:
        replicas = dict.fromkeys(SERVICES, arguments.replicas) | {"ledger": 1}
        return _run(directory, replicas, arguments.witnesses, stop)
    except (ServerFailed, OSError) as failed:
        print(f"The exchange does not start: {_sentence(failed)}", file=sys.stderr, flush=True)
        return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.up", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help=f"where all of it lies ({DIRECTORY})")
    numbers = range(1, MOST_REPLICAS + 1)
    parser.add_argument(
        "--replicas", type=int, default=1, choices=numbers, metavar="N", help="of each service but the ledger"
    )
    parser.add_argument(
        "--witnesses",
        type=int,
        choices=range(1, MOST_WITNESSES + 1),
        metavar="N",
        help="that cosign the ledger; without it as many as the exchange has, none at first",
    )
    return parser.parse_args()


class _Stop:
    """Asked once: stop in order. Asked twice: end at once, and every leash kills what it holds."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked.is_set():
            os.write(2, b"\nkilled\n")
            os._exit(1)
        os.write(2, b"\nstopping; once more kills\n")
        self.asked.set()


def _run(directory: Path, replicas: Mapping[str, int], witness_count: int | None, stop: _Stop) -> int:
    missing = find_programs().missing
    if missing:
        raise ServerFailed(missing)
    directory.mkdir(parents=True, exist_ok=True)
    witnesses = LocalWitnesses(directory, witness_count)
    data = _make_keys(directory)
    exchange = LocalExchange(directory, data, replicas)
    supervisor = Supervisor(exchange, witnesses, _tell)
    began = time.monotonic()
    try:
        number = len(exchange.names) + len(witnesses.names)
        _tell("comity", f"starting RabbitMQ, PostgreSQL and {number} processes in {_shown(directory)}")
        witnesses.start(data / "trust.json")
        exchange.start(is_given_up=stop.asked.is_set)
        if not stop.asked.is_set():
            _describe(exchange, witnesses, directory, time.monotonic() - began)
            supervisor.start()
        stop.asked.wait()
    finally:
        supervisor.stop()
        for name, code in [*exchange.stop().items(), *witnesses.stop()]:
            if code != 0:
                _tell(name, f"stopped with exit code {code} (log: {name}.log)")
    _tell("comity", "stopped")
    return 0


def _make_keys(directory: Path) -> Path:
    """The exchange's keys, made the first time by the command that an operator uses. Raises ServerFailed."""
    data, making = directory / "data", directory / "data.making"
    if data.exists():
        return data
    shutil.rmtree(making, ignore_errors=True)
    passphrase = directory / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(PASSPHRASE + "\n")
    operators = [argument for key in _operator_keys(directory) for argument in ("--operator-key", str(key))]
    command = [sys.executable, "-m", "comity.main", "operator", "init", "--data", str(making), "--origin", ORIGIN]
    environment = {**plain_environment(), "COMITY_PASSPHRASE": PASSPHRASE, "COMITY_HOME": str(directory / "operator")}
    done = subprocess.run([*command, *operators], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise ServerFailed(f"its keys could not be made: {(done.stderr or done.stdout).strip()}")
    making.rename(data)  # so that an interrupted start leaves no half of them
    _tell("comity", f"made keys for a new exchange, {ORIGIN}; its operators' passphrase is {PASSPHRASE!r}")
    return data


def _operator_keys(directory: Path) -> list[Path]:
    return [directory / f"operator-{number}.json" for number in (1, 2)]


def _describe(exchange: LocalExchange, witnesses: LocalWitnesses, directory: Path, took_s: float) -> None:
    """Write the file that programs read, and tell people the same."""
    about = {
        "url": exchange.url,
        "data": str(exchange.data),
        "operator_keys": [str(key) for key in _operator_keys(directory)],
        "passphrase_file": str(directory / "passphrase"),
        "written_to": [str(directory / name) for name in ("data", "rabbitmq", "postgres", "processes", "log")],
        "processes": {name: exchange.url_of(name) for name in exchange.names},
        "witnesses": witnesses.addresses,
    }
    (directory / ABOUT_FILE).write_text(json.dumps(about, indent=1) + "\n")
    _tell("comity", f"ready after {took_s:.0f} s")
    print(f"\n  {'API':<15} {exchange.url}")
    for name, address in {**exchange.addresses, **witnesses.addresses}.items():
        print(f"  {name:<15} {address}/readyz  (/livez, /metrics)")
    print(f"  {'logs':<15} {_shown(directory / 'log')}/<process>.log")
    python = _shown(Path(sys.executable))
    print(f"\nIn another terminal, from this directory:\n  {python} -m comity.main demo --exchange {_shown(directory)}")
    print("Ctrl-C stops all of it. What happens meanwhile:\n", flush=True)


def _tell(name: str, what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {name:<15} {what}", flush=True)


def _sentence(failed: BaseException) -> str:
    if isinstance(failed, OSError) and failed.strerror:
        return f"{failed.strerror.lower()}: {failed.filename}" if failed.filename else failed.strerror.lower()
    return str(failed)


def _shown(path: Path) -> str:
    """As a person would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


if __name__ == "__main__":
    sys.exit(main())
