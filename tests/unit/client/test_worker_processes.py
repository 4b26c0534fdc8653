"""Whoever stops or kills a command meets none of its worker processes again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

PARENT = """
import os, signal, time
from client.worker_processes import start_processes
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores it
with start_processes(1) as pool:
    worker = pool.submit(os.getpid).result()
    try:
        print("started", flush=True)
        while True:  # signal.pause() would sleep on through a signal that came a moment before it
            time.sleep(0.05)
    except KeyboardInterrupt:
        print("stopped, and the same worker answers:", pool.submit(os.getpid).result() == worker, flush=True)
"""
ENDS_WITHIN_S = 30


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    """A process of its own session, with one worker, which holds its pipes as well."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", PARENT]
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    yield process
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def test_ctrl_c_is_answered_by_the_parent_alone(parent: subprocess.Popen[str]) -> None:
    os.killpg(parent.pid, signal.SIGINT)  # as a terminal does
    assert parent.communicate(timeout=ENDS_WITHIN_S) == ("stopped, and the same worker answers: True\n", "")


def test_a_worker_process_ends_when_its_parent_is_killed(parent: subprocess.Popen[str]) -> None:
    parent.kill()
    said, _ = parent.communicate(timeout=ENDS_WITHIN_S)  # until nobody holds the pipes any more
    assert said == ""
