"""Which PostgreSQL backend works for which process of the exchange: by the port of the connection between them.

A backend's title names the port of its client (`postgres: user database 127.0.0.1(57108) idle`), and the kernel's
tables name the process that holds that port: the database's CPU time is told per service without asking the database.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.machine import each_child

_CLIENT: Final = re.compile(rb"\((\d+)\)")
_PROC: Final = Path("/proc")


def database_cpu(postmaster: int, services: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds so far of the backends of each service, and of all other PostgreSQL processes as `upkeep`."""
    held = {port: name for name, pid in services.items() for port in _local_ports(pid)}
    spent = dict.fromkeys([*services, "upkeep"], 0.0)
    for pid, used in each_child(postmaster).items():
        spent[held.get(_client_port(pid), "upkeep")] += used.cpu_s
    return spent


def _client_port(backend: int) -> int:
    try:
        named = _CLIENT.search((_PROC / str(backend) / "cmdline").read_bytes())
    except OSError:
        return 0
    return int(named[1]) if named else 0


def _local_ports(pid: int) -> set[int]:
    inodes = set()
    for descriptor in (_PROC / str(pid) / "fd").iterdir():
        try:
            target = os.readlink(descriptor)
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    rows = (_PROC / str(pid) / "net" / "tcp").read_text().splitlines()[1:]
    return {int(fields[1].partition(":")[2], 16) for fields in map(str.split, rows) if fields[9] in inodes}
