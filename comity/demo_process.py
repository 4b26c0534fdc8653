"""Processes of the demonstration: the command `comity`, started and stopped as an operator does it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from comity.demo_step import StepFailed
from comity.words import _

START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 15.0


def comity() -> list[str]:
    return [sys.executable, "-m", "comity.main"]


def plain_environment() -> Mapping[str, str]:
    """Ours without settings of Comity; with byte code files, without which each of some 60 commands would compile all
    it imports.
    """
    dropped = ("COMITY_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


def start_comity(log: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    """`comity ARGUMENTS`, which writes its errors to `log`."""
    with log.open("a") as told:
        return subprocess.Popen(
            [*comity(), *map(str, arguments)], stdout=subprocess.PIPE, stderr=told, text=True, env=plain_environment()
        )


def first_line(process: subprocess.Popen[str]) -> str:
    """What it prints first, or nothing when it ends or says nothing in time."""
    import select

    if process.stdout is None or not select.select([process.stdout], [], [], START_TIMEOUT_S)[0]:
        return ""
    return process.stdout.readline()


def stop_comity(process: subprocess.Popen[str], what: str, log: Path) -> None:
    """Ask it to stop, as an operator would. `what` names it in the reader's language. Raises StepFailed unless it stops
    cleanly and in time.
    """
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise StepFailed(
            _("not stopped within {seconds} s: {what}", seconds=f"{STOP_TIMEOUT_S:.0f}", what=what)
        ) from None
    if code != 0:
        raise StepFailed(_("stopped with exit code {code}: {what}; see {file}", code=code, what=what, file=log))
