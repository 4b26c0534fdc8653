"""Files of secrets: there whole or not at all, for their owner alone, and changed by one change at a time."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape as glob_escape
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One change at a time; the lock goes with the process. Raises OSError."""
    descriptor = os.open(path.with_name(f".{path.name}-lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


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
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
