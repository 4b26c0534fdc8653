"""One server process of ours: started in a session of its own, stopped or killed with its children, never outliving us.

Three ways lead to its end: `stop` (asks, waits, then kills), `kill` (SIGKILL to it and its children, as a crash would),
and the leash: a shell that holds a pipe to this Python process and signals the server when that pipe closes. The leash
covers the ends of which no `finally` and no atexit hears: SIGKILL, SIGTERM, a crash of the interpreter. A parent-death
signal would not do: it is bound to the starting thread, and servers are started from worker threads too.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_LEASH = 'read -r _; kill -s "$1" -- "-$2" 2>/dev/null'
_KILLED_WITHIN_S = 10.0
_POLL_S = 0.01


class ServerFailed(Exception):
    """A private server did not start or did not stop; the message ends with the last lines of its log."""


class OwnedProcess:
    """A server process that this Python process started and answers for."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
        orphan_signal: str = "KILL",
    ) -> None:
        """Start it. Its output is appended to `log`; `orphan_signal` is what its leash sends if we end first."""
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._leash = subprocess.Popen(
            ["sh", "-c", _LEASH, "leash", orphan_signal, str(self.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self, ask: signal.Signals, timeout_s: float) -> int:
        """Ask with a signal, wait at most `timeout_s`, then kill what is left; the exit code, negative for a signal.

        A process that has ended is no error.
        """
        self._unleash()
        self._process.send_signal(ask)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._kill_family()
            return -signal.SIGKILL

    def wait(self, within_s: float) -> int:
        """Wait until it has ended by itself; the exit code, negative for a signal. Raises ServerFailed."""
        try:
            code = self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise ServerFailed(f"process {self.pid} did not end within {within_s:.0f} s") from None
        self._unleash()
        return code

    def kill(self) -> None:
        """End it and its children with SIGKILL, at once and unannounced; return when all of them are gone."""
        self._unleash()
        self._kill_family()

    def last_lines(self) -> str:
        """The end of its log, for an error message."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def _unleash(self) -> None:
        # Before the process is reaped: afterwards its number may belong to somebody else.
        self._leash.kill()
        self._leash.communicate()

    def _kill_family(self) -> None:
        # Listed while their parent lives: orphans could no longer be told from other people's processes.
        children = _descendants(self.pid)
        self._process.kill()
        for child in children:
            child.kill()
        self._process.wait(_KILLED_WITHIN_S)
        give_up_at = time.monotonic() + _KILLED_WITHIN_S
        while alive := [child.pid for child in children if child.is_running()]:
            if time.monotonic() > give_up_at:
                raise ServerFailed(f"processes {alive} survived SIGKILL")
            time.sleep(_POLL_S)


class Started(Protocol):
    def is_running(self) -> bool: ...

    def last_lines(self) -> str: ...


def wait_until(is_ready: Callable[[], bool], process: Started, name: str, within_s: float) -> None:
    """Poll until a server is ready. Raises ServerFailed if it ends first, or is not ready in time."""
    give_up_at = time.monotonic() + within_s
    while not is_ready():
        if not process.is_running():
            raise ServerFailed(f"{name} ended while starting:\n{process.last_lines()}")
        if time.monotonic() > give_up_at:
            raise ServerFailed(f"{name} was not ready within {within_s:.0f} s:\n{process.last_lines()}")
        time.sleep(_POLL_S)


@dataclass(frozen=True)
class _Child:
    """A process by number and start time, since numbers are used again."""

    pid: int
    started: str

    def is_running(self) -> bool:
        """A zombie that nobody has reaped holds no port, file or memory, and counts as gone."""
        state, started = _stat(self.pid)
        return started == self.started and state not in "ZX"

    def kill(self) -> None:
        if self.is_running():
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def _descendants(pid: int) -> list[_Child]:
    """Children and their children, as the kernel lists them; none where there is no /proc."""
    found: list[_Child] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            direct = [int(child) for child in children.read_text().split()]
        except OSError:  # the thread has ended meanwhile
            continue
        for child in direct:
            found += [_Child(child, _stat(child)[1]), *_descendants(child)]
    return found


def _stat(pid: int) -> tuple[str, str]:
    """State and start time of a process, from the fields after its name (proc(5)); state X when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "X", ""
    return fields[0], fields[19]
