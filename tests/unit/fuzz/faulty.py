"""`python -m tests.unit.fuzz.faulty DIRECTORY`: the campaign over targets with known faults; it must find each."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from shared.errors import EnvelopeMalformed
from tests.fuzz.__main__ import run
from tests.fuzz.target import Target, require_genuine, require_same


def _refuses(data: bytes) -> None:
    raise EnvelopeMalformed(why="it always is")


def _forgets_an_error(data: bytes) -> None:
    if not data.startswith(b"{"):
        raise KeyError(data)


def _believes_anything(data: bytes) -> None:
    require_genuine(data == b"genuine", "another text")


def _reads_twice(data: bytes) -> None:
    require_same(data.strip(), data, "a text")


def _dies(data: bytes) -> None:
    if data != b"genuine":
        os.abort()


JUDGES = {
    "refuses": _refuses,
    "forgets": _forgets_an_error,
    "believes": _believes_anything,
    "twice": _reads_twice,
    "dies": _dies,
}


if __name__ == "__main__":
    targets = [Target(name, judge, lambda: [b"genuine"]) for name, judge in JUDGES.items()]
    for done in run(targets, seconds=3, seed=1, root=Path(sys.argv[1])):
        tally = done.tally
        print("found", done.target, done.crashes, tally.uncaught > 0, tally.forged > 0, tally.read_twice > 0)
