"""Files of secrets: there whole or not at all, for their owner alone, and changed by one change at a time."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape as glob_escape
from pathlib import Path

from shared.adapters.durable_file import sync_directory


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """One change at a time; the lock goes with the process. Raises OSError; BlockingIOError without `wait`, where
    somebody holds it."""
    descriptor = os.open(lock_of(path), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def lock_of(path: Path) -> Path:
    return path.with_name(f".{path.name}-lock")


def remove_drafts(path: Path) -> None:
    """A draft of a write that was killed may hold a key that has been destroyed since."""
    for draft in path.parent.glob(f".{glob_escape(path.name)}.*"):
        draft.unlink(missing_ok=True)


def put_in_place(path: Path, document: bytes, replace: bool) -> None:
    """Durable on return. Raises FileExistsError unless it may replace one, OSError."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            draft.replace(path)
        else:
            path.hardlink_to(draft)  # fails when the file exists, where a rename would overwrite it
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.parent)
