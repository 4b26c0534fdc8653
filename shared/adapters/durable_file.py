"""Small files that must not be lost: there whole or not at all, and on the disk when the call returns."""

from __future__ import annotations

import os
from pathlib import Path


def write_durably(file: Path, content: bytes) -> None:
    """Written beside, synced, renamed, and the directory synced. One writer at a time. Raises OSError: then the file is
    whole, and what it was before or, where the directory alone could not be synced, what it was to become."""
    draft = file.with_suffix(".new")
    with draft.open("wb") as written:
        written.write(content)
        written.flush()
        os.fsync(written.fileno())
    draft.rename(file)
    directory = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
