"""Small files that must not be lost: there whole or not at all, and on the disk when the call returns."""

from __future__ import annotations

import os
from pathlib import Path


def write_durably(file: Path, content: bytes, mode: int = 0o666) -> None:
    """`write_whole`, and the directory synced. Raises OSError: then the file is whole, and what it was before or, where
    the directory alone could not be synced, what it was to become."""
    write_whole(file, content, mode)
    sync_directory(file.parent)


def write_whole(file: Path, content: bytes, mode: int = 0o666) -> None:
    """Written beside, synced, renamed; its name is durable once its directory is synced. One writer at a time; `mode`
    is for a new file, less the umask. Raises OSError."""
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)  # of a write that was killed, perhaps with other rights
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as written:
        written.write(content)
        written.flush()
        os.fsync(written.fileno())
    draft.replace(file)


def sync_directory(directory: Path) -> None:
    """Until the disk has the names in it. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
