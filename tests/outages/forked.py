"""Processes of services, forked from a server that has imported the program already: they start in a fraction of the
time, and what runs in them is `comity serve SERVICE` with the environment that an operator would give it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from deploy.local.exchange import Launch
from deploy.local.process import ServerFailed
from tests.exchange_process import FORKS

_PR_SET_PDEATHSIG: Final = 1
_KILLED_WITHIN_S: Final = 10.0
_POLL_S: Final = 0.01

Twist = Callable[[], None]
"""Changes the program in its process before it runs: how a test makes a build that is broken on purpose."""


def become(service: str, environment: Mapping[str, str], cwd: Path, log: Path, twists: tuple[Twist, ...]) -> None:
    """Become `comity serve SERVICE`. It ends with the server of forks, which ends with the process that asked."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for twist in twists:
        twist()
    from comity.serve import app

    app([service])


class ForkedService:
    """`deploy.local.exchange.ServiceProcess`."""

    def __init__(
        self, service: str, environment: Mapping[str, str], cwd: Path, log: Path, twists: tuple[Twist, ...] = ()
    ) -> None:
        self.log = log
        log.touch()
        self._reading = threading.Lock()
        arguments = (service, dict(environment), cwd, log, twists)
        self._process = FORKS.Process(target=become, args=arguments, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def is_running(self) -> bool:
        return self._exit_code() is None

    def stop(self, ask: signal.Signals, timeout_s: float) -> int:
        if self.is_running():
            with suppress(ProcessLookupError):
                os.kill(self.pid, ask)
        try:
            return self.wait(timeout_s)
        except ServerFailed:
            self.kill()
            return -signal.SIGKILL

    def wait(self, within_s: float) -> int:
        until = time.monotonic() + within_s
        while (code := self._exit_code()) is None:
            if time.monotonic() > until:
                raise ServerFailed(f"process {self.pid} did not end within {within_s:.0f} s")
            time.sleep(_POLL_S)
        return code

    def kill(self) -> None:
        if self.is_running():
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.wait(_KILLED_WITHIN_S)

    def last_lines(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def _exit_code(self) -> int | None:
        """The code comes through a pipe, once: of two threads that read it together, one would find nothing there."""
        with self._reading:
            return self._process.exitcode


def launch_forks(twists: tuple[Twist, ...] = ()) -> Launch:
    """For `LocalExchange`: every process is forked, and changed by these."""
    return partial(_launch, twists)


def _launch(
    twists: tuple[Twist, ...], service: str, environment: Mapping[str, str], cwd: Path, log: Path
) -> ForkedService:
    return ForkedService(service, environment, cwd, log, twists)


def wait_for(what: str, is_so: Callable[[], bool], within_s: float, every_s: float = 0.02) -> None:
    """Poll until it is so. Raises TimeoutError with what was waited for."""
    until = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError(f"{what}: not within {within_s:.0f} s")
        time.sleep(every_s)
