"""`python -m tests.dishonest --n 2000 [--seed S] [--only TEXT] [--blind WATCHER]`: an operator that lies, and who sees.

Ends with `dishonest-operator: passed D / attempted A`: attempted are lies that can be detected. The exit code is 0 only
if all were, one was attempted, and nothing was found in the truth. `--blind` leaves a watcher's finding out, to see the
campaign fail.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import structlog

from tests.dishonest import watchers
from tests.dishonest.campaign import TRUTHS, Lie, Outcome, all_lies, attempts, inner, listed
from tests.dishonest.declared import Seen
from tests.dishonest.memory import remember
from tests.dishonest.page import undetectable
from tests.dishonest.players import Players
from tests.dishonest.story import Past, live
from tests.dishonest.window import Loop

MEMORY = Path("/dev/shm")  # many small files that live for a second
UNPLAYED_NAMED = 20


def report(seen: Sequence[tuple[Lie, Outcome]], listed: Sequence[tuple[Lie, Outcome]]) -> int:
    """Print what came of them; how many were not seen."""
    found = [outcome for _, outcome in seen if outcome.by is not None]
    for lie, outcome in seen:
        if outcome.by is None:
            print(f"NOT SEEN  {lie.name}: {outcome.what}")
    if found:
        times = [outcome.after.total_seconds() for outcome in found if outcome.after is not None]
        median, worst = timedelta(seconds=statistics.median(times)), timedelta(seconds=max(times))
        print(f"\ntime to detection: median {median}, worst {worst}")
        first = Counter(outcome.by for outcome in found)
        print("seen first by: " + ", ".join(f"{by} {count}" for by, count in first.most_common()))
    print("\nnot detectable, and why (docs/spec/dishonest-operator.md):")
    for line in undetectable():
        print(f"  {line}")
    if listed:
        caught = [(lie, outcome) for lie, outcome in listed if outcome.by is not None]
        print(f"  of these {len(listed)} were played, and {len(caught)} seen all the same:")
        for lie, outcome in caught:
            print(f"    {lie.name}: by {outcome.by}, {outcome.why}")
    return len(seen) - len(found)


def report_unplayed(seen: Sequence[tuple[Lie, Outcome]], lies: Sequence[Lie]) -> None:
    """Print which lies that can be detected were none of these: in a run that is long enough, those of which the story
    has nothing to write on."""
    unplayed = {lie.name for lie in lies if isinstance(lie.worth, Seen)} - {lie.name for lie, _ in seen}
    if unplayed:
        print(f"\nkinds that were not played: {len(unplayed)}: {', '.join(sorted(unplayed)[:UNPLAYED_NAMED])}")


def report_inner(silent: Sequence[tuple[Lie, Outcome]], truth: Outcome) -> int:
    """Print which lies that are said to have no effect had one; how many."""
    told = [(lie, outcome) for lie, outcome in silent if outcome.told != truth.told]
    for lie, outcome in told:
        print(f"NOT WITHOUT EFFECT  {lie.name}: {outcome.what}; seen by {outcome.by or 'nobody'} {outcome.why}")
    print(f"\nsaid to have no effect: {len(silent)} played, {len(told)} after which anybody was answered otherwise")
    return len(told)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.dishonest", description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=2000, help="how many lies that can be detected")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="repeats the same lies")
    parser.add_argument("--only", default="", help="lies whose name this pattern finds")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="lies played side by side")
    parser.add_argument("--blind", choices=watchers.NAMES, default=None, help="a watcher that looks and says nothing")
    asked = parser.parse_args(arguments)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # services complain aloud of what is done here
    print(f"seed {asked.seed}", flush=True)
    lies = [lie for lie in all_lies() if re.search(asked.only, lie.name)]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="comity-dishonest-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        place = Path(folder)
        past = lived_through(place)
        with Players(past, place, asked.seed, asked.blind, asked.processes) as players:
            truths = [outcome for _, outcome in players.play([(one, 0) for one in TRUTHS]) if outcome is not None]
            truth, found = truths[0], ", ".join(one.why for one in truths if one.by is not None)
            print(f"the truth: {found or 'nothing found'}, {time.monotonic() - began:.0f} s", flush=True)
            seen: list[tuple[Lie, Outcome]] = []
            for lie, outcome in attempts(asked.n, lies, asked.seed, players.play, truth.told):
                seen.append((lie, outcome))
                said = f"{outcome.by}, {outcome.after}: {outcome.why}" if outcome.by else "NOT SEEN"
                print(f"{len(seen):>5} {lie.name[:60]:<60} {said.splitlines()[0][:90]}", flush=True)
            few = min(asked.n // 40, 2 * len(lies))
            on_list = list(listed(few, lies, asked.seed, players.play))
            silent = list(inner(few, lies, asked.seed, players.play))
    report_unplayed(seen, lies)
    missed = report(seen, on_list) + report_inner(silent, truth)
    print(f"\n{len({lie.name for lie, _ in seen})} kinds of lies, {time.monotonic() - began:.0f} s, seed {asked.seed}")
    print(f"dishonest-operator: passed {len(seen) - missed} / attempted {len(seen)}")
    return 0 if seen and not missed and not found else 1


def lived_through(place: Path) -> Past:
    """The story, and what everybody remembers of it. No thread of it is left."""
    past, loop = live(place), Loop()
    remember(past, loop)
    loop.close()
    return past


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
