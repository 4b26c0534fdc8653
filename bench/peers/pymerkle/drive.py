"""pymerkle's trees, told line by line what to do (bench/orders.py): `drive.py sqlite FILE` or `drive.py memory -`."""

from __future__ import annotations

import os
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from pymerkle import InmemoryTree, SqliteTree

from bench.orders import Spent, obey

ROUND_LEAVES = 1000
ENTRY_BYTES = 430
"""About what an entry of ours takes that tells of a delivery."""


class Peer:
    """Entries are made before the clock starts; a round ends when its root is known, as nothing else can be signed."""

    def __init__(self, kind: str, file: str) -> None:
        self._file = None if kind == "memory" else file
        self._tree: Any = self._opened()

    def grow(self, to: int) -> dict[str, Any]:
        missing = to - self._tree.get_size()
        entries = (entry() for _ in range(missing))
        if self._file is None:
            for one in entries:
                self._tree.append_entry(one)
        else:
            while some := list(islice(entries, 100_000)):
                self._tree.append_entries(some)
        return {"size": self._tree.get_size()}

    def append(self, leaves: int) -> dict[str, Any]:
        """After one root that is not timed: a tree that was just opened, or grown, computes much of it anew."""
        self._tree.get_root()
        spent = Spent()
        for _ in range(leaves // ROUND_LEAVES):
            entries = [entry() for _ in range(ROUND_LEAVES)]
            with spent:
                if self._file is None:
                    for one in entries:
                        self._tree.append_entry(one)
                else:
                    self._tree.append_entries(entries)
                self._tree.get_root()
        return {**spent.told(), "size": self._tree.get_size()}

    def prove(self, indexes: list[int]) -> dict[str, Any]:
        """Each time in seconds; of a tree on disk in a process that has just opened it, as the first one tells."""
        if self._file is not None:
            self._tree.close()
            self._tree = self._opened()
        seconds = []
        for index in indexes:
            began = time.perf_counter()
            self._tree.prove_inclusion(index + 1)
            seconds.append(time.perf_counter() - began)
        return {"seconds": seconds}

    def _opened(self) -> Any:
        return InmemoryTree() if self._file is None else SqliteTree(self._file)


def entry() -> bytes:
    return os.urandom(64).hex().encode() + bytes(ENTRY_BYTES - 128)


if __name__ == "__main__":
    peer = Peer(sys.argv[1], sys.argv[2])
    obey({"grow": peer.grow, "append": peer.append, "prove": peer.prove})
