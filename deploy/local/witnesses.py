"""Witnesses beside a local exchange: processes of their own, which cosign what its ledger adds.

Rules:
- Each has a directory with its keys, made once, and a port that it keeps, so that the policy which names it holds
  after a restart. All of them must cosign: while one is away, the ledger shows nothing new.
- An exchange that was begun without witnesses can get them; those that it has belong to it from then on.
"""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from deploy.local.endpoint import HOST, load_or_choose
from deploy.local.exchange import READY_WITHIN_S, STOPPED_WITHIN_S, plain_environment
from deploy.local.process import OwnedProcess, ServerFailed, wait_until

MOST_WITNESSES: Final = 5
_COMITY: Final = (sys.executable, "-m", "comity.main")
_DOMAIN: Final = "witness.example"


class LocalWitnesses:
    """`witness-1`, `witness-2` and so on under `directory`; as many as there are already where no number is given."""

    def __init__(self, directory: Path, count: int | None) -> None:
        """Raises ServerFailed for another number than there are."""
        self._directory = directory / "witnesses"
        self._logs = directory / "log"
        there = len(list(self._directory.glob("witness-*")))
        if there and count not in (None, there):
            raise ServerFailed(f"this exchange has {there} witnesses; for another number name another --directory")
        self.names = tuple(f"witness-{number + 1}" for number in range(count or there))
        self._ports: dict[str, int] = {}
        self._processes: dict[str, OwnedProcess] = {}

    def start(self, trust: Path) -> None:
        """They run and know the ledger, and the trust file asks for them. Raises ServerFailed."""
        if not self.names:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(exist_ok=True)
        self._ports = load_or_choose(self._directory / "ports.json", list(self.names)).ports
        shown = {name: self._shown(name) for name in self.names}
        lines = [f"witness {name} {one['vkeys'][0]} {self.url_of(name)}" for name, one in shown.items()]
        policy = self._directory / "policy"
        policy.write_text("\n".join([*lines, f"group all-of-them all {' '.join(shown)}", "quorum all-of-them", ""]))
        _comity("operator", "witnesses", policy, "--data", trust.parent)
        for name, one in shown.items():
            if not one["logs"]:
                _comity("witness", "add", trust, "--data", self._directory / name)
            self.start_process(name)
        for name, process in self._processes.items():
            wait_until(partial(self._is_ready, name), process, name, READY_WITHIN_S)

    def url_of(self, name: str) -> str:
        return f"http://{HOST}:{self._ports[name]}"

    @property
    def addresses(self) -> dict[str, str]:
        return {name: self.url_of(name) for name in self.names}

    def start_process(self, name: str) -> None:
        serve = ["witness", "serve", "--data", str(self._directory / name), "--port", str(self._ports[name])]
        environment, log = plain_environment(), self._logs / f"{name}.log"
        self._processes[name] = OwnedProcess([*_COMITY, *serve], env=environment, cwd=self._directory, log=log)

    def is_running(self, name: str) -> bool:
        return name in self._processes and self._processes[name].is_running()

    def wait_ended(self, name: str, within_s: float) -> int:
        """Its exit code, negative for a signal; KeyError where it was not even started. Raises ServerFailed."""
        code = self._processes[name].wait(within_s)
        del self._processes[name]
        return code

    def stop(self) -> Iterator[tuple[str, int]]:
        """Each with its exit code."""
        for name, process in self._processes.items():
            yield name, process.stop(signal.SIGTERM, STOPPED_WITHIN_S)

    def _is_ready(self, name: str) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url_of(name)}/readyz", timeout=1) as answer:  # noqa: S310 - our own http address
                return bool(answer.status == 200)
        except OSError:
            return False

    def _shown(self, name: str) -> dict[str, Any]:
        """What it says of itself; its keys are made the first time."""
        home = self._directory / name
        if not (home / "key.json").exists():
            _comity("witness", "init", "--name", f"{name}.{_DOMAIN}", "--data", home)
        shown: dict[str, Any] = json.loads(_comity("witness", "show", "--data", home, "--json"))
        return shown


def _comity(*arguments: str | Path) -> str:
    """What the command prints. Raises ServerFailed."""
    command = [*_COMITY, *map(str, arguments)]
    done = subprocess.run(command, env=plain_environment(), capture_output=True, text=True)
    if done.returncode != 0:
        words = " ".join(map(str, arguments[:2]))
        raise ServerFailed(f"comity {words} failed:\n{(done.stdout + done.stderr).strip()}")
    return done.stdout
