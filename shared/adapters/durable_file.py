"""Small files that must not be lost: there whole or not at all, and on the disk when the call returns."""

from __future__ import annotations

import os
from pathlib import Path


def write_durably(file: Path, content: bytes, mode: int = 0o666) -> None:
    """Written beside, synced, renamed, and the directory synced. One writer at a time; `mode` is for a new file, less
    the umask. Raises OSError: then the file is whole, and what it was before or, where the directory alone could not be
    synced, what it was to become."""
    draft = file.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as written:
        written.write(content)
        written.flush()
        os.fsync(written.fileno())
    draft.rename(file)
    directory = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
