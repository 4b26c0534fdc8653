"""Processes of a benchmark: servers that run until they are stopped, drivers that run one round and leave a result."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

STOP_WITHIN_S: Final = 15.0
READY_WITHIN_S: Final = 60.0


class RoundFailed(Exception):
    """A round that measured nothing: messages lost or repeated, answers that were none, a process that ended."""


class Server:
    """A process that says `ready` on its output, or answers an address, and stops on SIGTERM."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        ready_url: str | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Returns when it is ready. Raises RoundFailed."""
        self._log = log
        self._said = log.with_suffix(".out")
        with log.open("ab") as errors, self._said.open("wb") as said:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=errors,
                cwd=cwd,
                env=env,
            )
        self._wait_ready(ready_url)

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait_ready(self, url: str | None) -> None:
        until = time.monotonic() + READY_WITHIN_S
        while not (self._said.read_bytes().startswith(b"ready") if url is None else _answers(url)):
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RoundFailed(f"a server did not start: {self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)


def drive(
    command: Sequence[str | Path],
    plan: Mapping[str, Any],
    on_window: Callable[[str], None] | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run a driver with this plan to its end; its result. `on_window` hears of the window's opening and closing.

    Raises RoundFailed when the driver fails, or loses or repeats a message.
    """
    with tempfile.TemporaryDirectory() as place:
        plan_file, result_file = Path(place, "plan.json"), Path(place, "result.json")
        plan_file.write_text(json.dumps(plan))
        child = subprocess.Popen(
            [*command, plan_file, result_file],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=env,
        )
        assert child.stdout is not None
        for line in child.stdout:
            if on_window is not None and line.startswith('{"window"'):
                on_window(json.loads(line)["window"])
        if child.wait() != 0:
            raise RoundFailed(f"{command[-1]} ended with {child.returncode}")
        result: dict[str, Any] = json.loads(result_file.read_text())
    wrong = {name: result[name] for name in ("lost", "repeated", "failed") if result.get(name)}
    if wrong:
        raise RoundFailed(f"{command[-1]}: {wrong}")
    return result


def module(name: str, *arguments: str) -> list[str | Path]:
    """The command that runs a module of ours."""
    return [sys.executable, "-m", name, *arguments]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - an http address of this machine
            return bool(answer.status < 500)
    except urllib.error.HTTPError as refused:
        return refused.code < 500
    except OSError:
        return False
