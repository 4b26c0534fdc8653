"""Programs as processes of their own: run to their end, or listening on a port for as long as a block lasts."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

START_S: Final = 30.0


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, timeout=START_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while True:
        assert process.poll() is None, f"it ended with {process.returncode}"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until, "it does not answer"
            time.sleep(0.05)
        else:
            return


@contextmanager
def serving(port: int, *command: str | Path, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that listens on this port; it ends with the block, whatever happens in it."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COMITY_")}
    with (cwd / "served.log").open("wb") as log:
        process = subprocess.Popen([*map(str, command)], cwd=cwd, stdout=log, stderr=log, env=plain)
        try:
            wait_for(port, process)
            yield process
        finally:
            process.kill()
            process.wait()
