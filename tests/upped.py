"""`make up` as a process of its own, and what it prints; for tests that call an exchange of separate services."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, Self

START_S: Final = 180.0
STOP_S: Final = 60.0
ROOT: Final = Path(__file__).parents[1]


class UppedExchange:
    """`python -m deploy.local.up` on this directory."""

    def __init__(self, directory: Path, replicas: int = 1, witnesses: int = 0) -> None:
        self.directory = directory
        self.replicas = replicas
        self.witnesses = witnesses
        self.said_file = directory.with_name(f"{directory.name}.out")
        command = [sys.executable, "-m", "deploy.local.up", "--directory", str(directory), "--replicas", str(replicas)]
        command += ["--witnesses", str(witnesses)] if witnesses else []
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        with self.said_file.open("wb") as out:
            self._process = subprocess.Popen(
                command, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, env=environment, start_new_session=True
            )

    @property
    def said(self) -> str:
        return self.said_file.read_text()

    @property
    def about(self) -> dict[str, Any]:
        """What it tells programs of itself."""
        about: dict[str, Any] = json.loads((self.directory / "exchange.json").read_text())
        return about

    def wait_said(self, pattern: str, within_s: float = START_S) -> str:
        """Until a line of what it printed matches; that line."""
        until = time.monotonic() + within_s
        while (found := re.search(pattern, self.said, re.MULTILINE)) is None:
            assert time.monotonic() < until, f"it did not say {pattern!r}:\n{self.said}"
            assert self._process.poll() is None, f"it ended with {self._process.returncode}:\n{self.said}"
            time.sleep(0.05)
        return found[0]

    def wait_ready(self) -> None:
        self.wait_said(r"comity +ready after")

    def ask(self) -> None:
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def wait_ended(self, within_s: float = STOP_S) -> int:
        return self._process.wait(within_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Its leashes end all that it started."""
        self._process.kill()
        self._process.wait()


def comity(*arguments: str | Path, timeout_s: float = 60.0, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command, as a user types it, with nothing set but these."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COMITY_", "PYTHONDONT"))}
    command = [sys.executable, "-m", "comity.main", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**environment, "NO_COLOR": "1", **settings},
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
