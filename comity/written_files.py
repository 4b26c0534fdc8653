"""Files that a command writes for its user: for the owner's eyes, under safe names, and never in place of another."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from shared.errors import RequestFileInvalid


def write_new_files(directory: Path, files: Iterable[tuple[str, bytes]]) -> list[Path]:
    """Raises RequestFileInvalid, also for a file that exists."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as broken:
        raise RequestFileInvalid(file=directory, why=broken.strerror) from None
    written = []
    for name, data in files:
        path = directory / name
        write_new_file(path, data)
        written.append(path)
    return written


def write_new_file(path: Path, data: bytes) -> None:
    """Raises RequestFileInvalid, also for a file that exists; one that was begun and does not fit is removed."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            try:
                file.write(data)
                file.flush()
            except OSError:
                path.unlink(missing_ok=True)
                raise
    except OSError as broken:
        raise RequestFileInvalid(file=path, why=broken.strerror) from None


def named_documents(
    documents: Iterable[tuple[str, str | None, bytes]], taken: Iterable[str]
) -> list[tuple[str, bytes]]:
    """Part, true name, data → name, data. Names were checked when the body was read: no path and no control character.
    One that would be hidden, read by a shell at its next start, or that is taken, goes under the name of its part."""
    used = {name.casefold() for name in taken}
    files = []
    for part, name, data in documents:
        chosen = part if name is None else name
        if chosen.casefold() in used or chosen.startswith((".", "-")):
            chosen = f"{part}-{chosen}"
        used.add(chosen.casefold())
        files.append((chosen, data))
    return files
