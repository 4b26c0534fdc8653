"""A directory that one process at a time may use."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from shared.errors import SettingsRefused


def own_directory(directory: Path, use: str) -> IO[str]:
    """The lock, which goes with the process or when it is closed. `use` says what another process would do there.

    Raises SettingsRefused when another process has it, or the lock cannot be made.
    """
    try:
        lock = (directory / "lock").open("w")
    except OSError as failed:
        raise SettingsRefused(why=f"{failed.filename} cannot be written: {failed.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise SettingsRefused(why=f"another process {use} in {directory}") from None
    return lock
