"""`python -m tests.fuzz --seconds N [TARGET…]`: atheris over every reader of hostile bytes; ends with the count.

The seconds are divided between the targets, two of which run at a time. Corpora and findings stay in `var/fuzz/`. A
finding is repaired, then named and kept in `tests/fuzz/golden/<target>/`, which the unit tests judge for ever.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.fuzz.run import Tally, Workplace
    from tests.fuzz.target import Target

AT_ONCE: Final = 2
ROOT: Final = Path(__file__).parents[2] / "var" / "fuzz"
INSTRUMENTED: Final = ["shared", "client.problems", "gateway.cursors", "witness.policy"]


@dataclass(frozen=True)
class Finished:
    target: str
    tally: Tally
    crashes: int
    place: Workplace


def load_targets() -> dict[str, Target]:
    """All targets, with our code instrumented. Nothing of ours may have been imported before."""
    import atheris

    assert not any(name.partition(".")[0] in ("shared", "client", "gateway", "witness") for name in sys.modules), (
        "imported too early"
    )
    with contextlib.redirect_stderr(io.StringIO()), atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.catalogue import TARGETS
    return TARGETS


def run(targets: list[Target], seconds: float, seed: int, root: Path) -> list[Finished]:
    """Each target in a process of its own, for its share of the time."""
    share_s = seconds * min(AT_ONCE, len(targets)) / len(targets)
    waiting, finished = list(targets), list[Finished]()
    running: dict[int, Target] = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            target = waiting.pop(0)
            running[_start(target, share_s, seed, root)] = target
        process, status = os.wait()
        finished.append(_finish(running.pop(process), os.waitstatus_to_exitcode(status), root))
    return finished


def _start(target: Target, seconds: float, seed: int, root: Path) -> int:
    from tests.fuzz.run import Workplace, fuzz

    place = Workplace(root / target.name)
    place.prepare(target)
    process = os.fork()
    if process:
        return process
    try:
        log = os.open(place.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        fuzz(target, place, seconds, seed)
    finally:
        os._exit(70)


def _finish(target: Target, exit_code: int, root: Path) -> Finished:
    from tests.fuzz.run import Tally, Workplace

    place = Workplace(root / target.name)
    tally = place.read_tally() or Tally()
    crashes = int(exit_code != 0)
    tally.attempted += crashes
    done = Finished(target.name, tally, crashes, place)
    print(
        f"{target.name:<16} {tally.attempted:>8} inputs, {tally.taken:>7} taken, {crashes} crashes, "
        f"{tally.uncaught} uncaught, {tally.read_twice} read twice, {tally.forged} verified though changed",
        flush=True,
    )
    if crashes or tally.findings:
        print(f"  see {place.findings} and {place.folder / 'log'}")
    return done


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31) + 1)
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("targets", nargs="*")
    given = parser.parse_args()
    try:
        targets = load_targets()
    except ModuleNotFoundError as missing:
        if missing.name != "atheris":
            raise
        print("atheris is not installed: make fuzz installs it where it can")
        return 1
    unknown = set(given.targets) - set(targets)
    if unknown:
        print(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(targets)}")
        return 2
    chosen = [target for name, target in targets.items() if not given.targets or name in given.targets]
    print(f"seed {given.seed}")
    finished = run(chosen, given.seconds, given.seed, given.root)
    attempted = sum(one.tally.attempted for one in finished)
    crashes = sum(one.crashes for one in finished)
    uncaught, forged = sum(one.tally.uncaught for one in finished), sum(one.tally.forged for one in finished)
    twice = sum(one.tally.read_twice for one in finished)
    print(f"crashes {crashes}, uncaught exceptions {uncaught}, read twice {twice}, verify(mutated)=true {forged}")
    failed = crashes + uncaught + twice + forged
    print(f"fuzz: passed {attempted - failed} / attempted {attempted}")
    return 0 if attempted and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
