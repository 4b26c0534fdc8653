"""What the machine is, how fast it is just now, and what each process took of it. Reads /proc; Linux only.

The spin score is how many thousand steps of a fixed loop this process makes in a tenth of a second: on a shared machine
it halves from one minute to the next, and a round whose score is far from its neighbours' is to be read with care.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SPIN_S: Final = 0.1
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Used:
    """What a group of processes has used so far: CPU seconds; resident bytes now."""

    cpu_s: float
    rss_bytes: int


def spin_score() -> float:
    """Thousands of steps in a tenth of a second, on one core, alone or not."""
    until, steps = time.perf_counter() + _SPIN_S, 0
    while time.perf_counter() < until:
        for _ in range(1000):
            pass
        steps += 1
    return float(steps)


def load_average() -> float:
    return os.getloadavg()[0]


def describe() -> dict[str, str]:
    """The machine in words, for the page: nothing that names it."""
    return {
        "processor": _field("/proc/cpuinfo", "model name"),
        "cores": str(os.cpu_count()),
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 1024 / 1024:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
    }


def used_by(roots: Iterable[int], *, with_children: bool = True) -> Used:
    """These processes together, and what they started. Those that have ended since are not counted."""
    wanted = set(roots)
    if with_children:
        wanted = _families(wanted)
    found = [one for one in map(_read, wanted) if one is not None]
    return Used(sum(one.cpu_s for one in found), sum(one.rss_bytes for one in found))


def each_child(root: int) -> dict[int, Used]:
    """The processes below one, by their number; without the root."""
    below = _families({root}) - {root}
    return {pid: one for pid in below if (one := _read(pid)) is not None}


def _families(roots: set[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = set(roots), list(roots)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def _read(pid: int) -> Used | None:
    fields = _stat(pid)
    if fields is None:
        return None
    return Used((int(fields[11]) + int(fields[12])) / _TICKS, _proportional_bytes(pid))


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the name, which may hold spaces: state, parent, …"""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _proportional_bytes(pid: int) -> int:
    """Resident memory with shared pages shared out: the backends of a database would count its buffers once each."""
    try:
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def _field(file: str, name: str) -> str:
    for line in Path(file).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"
