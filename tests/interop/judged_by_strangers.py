"""`python -m tests.interop.judged_by_strangers --n N [--seed S]`: our ledger before other people's verifiers.

What is attempted, each counted for each stranger:
1. the root of every tree of 0 to 300 entries is the one that RFC 6962 defines (of none: not Go's x/mod, too old);
2. a ledger that the sequencer placed and signed, exported step by step, verifies: checkpoint, every tile, every entry,
   and each checkpoint that was exported before is continued;
3. each proof that our gateway made convinces aics-tlog;
4. each of N changed copies is refused.
The last line is `strangers: passed P / attempted A`; the exit code is 0 only if all passed and at least two came.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from shared.audit.tiles import Tile, build_tiles
from shared.audit.tree import EMPTY_ROOT, hash_leaf
from tests.interop.changed_ledgers import changed
from tests.interop.sequenced_ledger import SequencedLedger, sequenced_ledger
from tests.interop.strangers import (
    ForeignPython,
    Refused,
    build_go_verifier,
    missing_go,
    missing_python,
    roots_by_go,
    verify_with_go,
)
from tests.merkle import root_of

ROOTS = 300
LEAVES = 1500
GO, AICS, PYMERKLE = "Go x/mod", "aics-tlog", "pymerkle"
Verify = Callable[[Path, SequencedLedger], object]


@dataclass
class Count:
    passed: int = 0
    attempted: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, passed: bool, what: str) -> None:
        self.attempted += 1
        self.passed += passed
        if not passed:
            self.failures.append(what)


def compare_roots(count: Count, told: Mapping[str, Sequence[str]]) -> None:
    """`told` holds by stranger the roots from none on; an empty text is not compared."""
    hashes = [hash_leaf(entry) for entry in root_entries()]
    for size in range(ROOTS + 1):
        made = build_tiles(0, hashes[:size], _no_tile).root if size else EMPTY_ROOT
        count.add(made == root_of(hashes[:size]), f"our root of {size} entries is not RFC 6962's")
        for who, roots in told.items():
            if roots[size]:
                count.add(roots[size] == made.hex(), f"{who}: another root of {size} entries")


def _no_tile(tile: Tile) -> bytes:
    raise LookupError(tile.path)


def root_entries() -> list[bytes]:
    return [b"entry %d" % number for number in range(ROOTS)]


def judge_changed(count: Count, ledger: SequencedLedger, verify: dict[str, Verify], n: int, seed: int) -> None:
    """Every stranger sees each of `n` changed copies."""
    chance = random.Random(seed)
    place = ledger.directory.with_name("changed")
    for _ in range(n):
        what = changed(ledger, place, chance)
        for who, believes in verify.items():
            try:
                believes(place, ledger)
            except Refused:
                count.add(True, "")
            else:
                count.add(False, f"{who} believed {what}")


def verified_by_go(program: Path, directory: Path, ledger: SequencedLedger) -> object:
    files = []
    for number, note in enumerate(ledger.checkpoints):
        files.append(ledger.directory.with_name(f"checkpoint-{number}"))
        files[-1].write_bytes(note)
    return verify_with_go(program, directory, ledger.vkeys, earlier=files)


def verified_by_python(foreign: ForeignPython, directory: Path, ledger: SequencedLedger) -> object:
    return foreign.verify(directory, ledger.vkeys, ledger.checkpoints, ledger.proofs)


def judge_whole(count: Count, ledger: SequencedLedger, verify: dict[str, Verify]) -> None:
    for who, believes in verify.items():
        whole = len(ledger.checkpoints) + (len(ledger.proofs) if who == AICS else 0) + 1
        try:
            believes(ledger.directory, ledger)
            refused = ""
        except Refused as broken:
            refused = str(broken)
        for _ in range(whole):
            count.add(not refused, f"{who} refuses the ledger: {refused}")


def install_go() -> None:
    """Debian's, where this user may."""
    if missing_go() and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["update", "-qq"], ["install", "-qq", "-y", "golang-go", "golang-golang-x-mod-dev"]):
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(["apt-get", *command], env=environment, capture_output=True, timeout=600, check=False)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.interop.judged_by_strangers")
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--leaves", type=int, default=LEAVES)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    given = parser.parse_args(arguments)
    print(f"seed {given.seed}, {given.leaves} leaves, {given.n} changed copies", flush=True)
    count, roots, verify = Count(), {}, dict[str, Verify]()
    install_go()
    with tempfile.TemporaryDirectory() as place_, ExitStack() as closing:
        place = Path(place_)
        for missing in filter(None, (missing_go(), missing_python())):
            print(f"left out: {missing}", flush=True)
        if not missing_go():
            program = build_go_verifier(place)
            roots[GO] = ["", *roots_by_go(program, root_entries())[1:]]
            verify[GO] = partial(verified_by_go, program)
        if not missing_python():
            foreign = ForeignPython(place)
            closing.callback(foreign.stop)
            told = foreign.roots(root_entries())
            roots |= {AICS: told["aics-tlog"], PYMERKLE: told["pymerkle"]}
            verify[AICS] = partial(verified_by_python, foreign)
        compare_roots(count, roots)
        print(f"roots of 0 to {ROOTS} entries: {', '.join(roots)}", flush=True)
        ledger = sequenced_ledger(place, given.leaves, random.Random(given.seed))
        judge_whole(count, ledger, verify)
        told_of = f"{given.leaves} leaves, {len(ledger.checkpoints)} checkpoints, {len(ledger.proofs)} proofs"
        print(f"the ledger, {told_of}: {', '.join(verify)}", flush=True)
        judge_changed(count, ledger, verify, given.n, given.seed)
    for failure in count.failures[:20]:
        print(f"FAILED  {failure}")
    print(f"strangers: passed {count.passed} / attempted {count.attempted}")
    return 0 if len(roots) > 1 and not count.failures else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
