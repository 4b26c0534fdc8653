"""A disk of the database's own, which can be full: nothing of it may grow until there is room again.

A file system in memory, made as small as what lies on it: ENOSPC for every page more. Mounting it needs root; elsewhere
the campaign says that this kind of fault is left out.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOM_BYTES: Final = 2 * 1024**3


@dataclass(frozen=True)
class SmallDisk:
    """`place` is the directory that it is mounted on."""

    place: Path

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.place)], check=True)

    @contextmanager
    def full(self) -> Iterator[None]:
        used = shutil.disk_usage(self.place).used
        self._resize(used)
        try:
            yield
        finally:
            self._resize(ROOM_BYTES)

    def _resize(self, size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.place)], check=True)


def mount_small_disk(place: Path) -> SmallDisk | None:
    """On this directory, which is made; None where this program may not mount."""
    place.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM_BYTES}", "comity-faults", str(place)]
    done = subprocess.run(mount, capture_output=True, check=False)
    return SmallDisk(place) if done.returncode == 0 else None
