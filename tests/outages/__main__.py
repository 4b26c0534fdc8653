"""`python -m tests.outages --n 100 [--seed S] [--only TEXT] [--broken BUILD]`: faults under load, each one judged.

Ends with `lost L, duplicated D, stuck S, wrong W` and `faults: passed P / attempted A`; the exit code is 0 only if
every fault passed and one was attempted. `--broken` runs a build that is broken on purpose: a campaign on it must fail.
"""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.outages.arena import build_arena
from tests.outages.campaign import Campaign, Verdict, report_coverage
from tests.outages.faults import FullDisk, all_faults, draw_faults
from tests.outages.findings import Harm, tally
from tests.outages.twists import BROKEN, freeze_where_asked


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.outages", description=__doc__)
    parser.add_argument("--n", type=int, default=100, help="how many faults")
    parser.add_argument("--seed", type=int, default=None, help="of a campaign to be played again")
    parser.add_argument("--only", default="", help="kinds of faults whose name has this in it")
    parser.add_argument("--broken", choices=sorted(BROKEN), default=None, help="a build that is broken on purpose")
    parser.add_argument("--keep", type=Path, default=None, help="a directory to run in, which is kept")
    given = parser.parse_args(arguments)
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    twists = (freeze_where_asked, *([BROKEN[given.broken]] if given.broken else []))
    began = time.monotonic()
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="comity-faults-", ignore_cleanup_errors=True) as place:
        directory = (given.keep or Path(place)).absolute()
        arena = build_arena(directory, seed, twists=twists, with_disk=True)
        kinds = [fault for fault in all_faults() if given.only in fault.kind]
        if arena.disk is None:
            print("no full disk: mounting a small one needs root", flush=True)
            kinds = [fault for fault in kinds if not isinstance(fault, FullDisk)]
        if not kinds:
            parser.error(f"no kind of fault has {given.only!r} in its name")
        with arena:
            campaign = Campaign(arena, seed)
            for number, fault in enumerate(draw_faults(given.n, random.Random(seed), kinds), start=1):
                verdict = campaign.play(fault)
                verdicts.append(verdict)
                said = "ok" if verdict.passed else "FAILED"
                print(f"{number:>4} {verdict.kind:<44} {verdict.seconds:6.1f} s  {said}", flush=True)
                for finding in verdict.findings[:20]:
                    print(f"       {finding}", flush=True)
            calls, messages = len(arena.history.calls), len({one.message for one in arena.history.submissions})
    print(f"\n{report_coverage(verdicts)}\n")
    harms = tally(finding for verdict in verdicts for finding in verdict.findings)
    print(f"{messages} messages, {calls} calls, {time.monotonic() - began:.0f} s, seed {seed}")
    print(", ".join(f"{harm} {harms[harm]}" for harm in Harm))
    print(f"faults: passed {sum(one.passed for one in verdicts)} / attempted {len(verdicts)}")
    return 0 if verdicts and all(one.passed for one in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
