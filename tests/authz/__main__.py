"""`python -m tests.authz [--n 1000] [--seed S]`: the table of rights against a real exchange, whole, and the times of
what is refused.

The last line is `authz: passed P / attempted A`. An attempt is one address called by one caller, about what is there or
about what is not; or one comparison of times, of N calls on either side; or the gateway that must be found out by them.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from tests.authz.estate import Estate, open_estate
from tests.authz.play import play_all
from tests.authz.timing import measure_all, measure_careless


async def play(place: Path, calls: int, chance: random.Random) -> int:
    began = time.monotonic()
    async with open_estate(place) as estate:
        print(f"an exchange with a past, in {time.monotonic() - began:.0f} s", flush=True)
        score = await play_all(estate)
        outcomes = ", ".join(f"{outcome} {count}" for outcome, count in sorted(score.outcomes.items()))
        print(f"answers: {outcomes}", flush=True)
        wrong_times, timed = await _compare_times(estate, calls, chance)
    for sentence in (score.wrong + wrong_times)[:20]:
        print(f"wrong: {sentence}"[:600])
    print(f"authz: passed {score.passed + timed - len(wrong_times)} / attempted {score.attempted + timed}")
    return 1 if score.wrong or wrong_times else 0


async def _compare_times(estate: Estate, calls: int, chance: random.Random) -> tuple[list[str], int]:
    """What is wrong, and how many comparisons there were."""
    measured = await measure_all(estate, calls, chance)
    wrong = [f"the time tells: {one.sentence}" for one in measured if one.is_told]
    careless = await measure_careless(estate, calls, chance)
    if not careless.is_told:
        wrong.append(f"not found out: {careless.sentence}")
    for one in (*measured, careless):
        print(one.sentence, flush=True)
    return wrong, len(measured) + 1


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.authz")
    parser.add_argument("--n", type=int, default=1000, help="calls on either side of a comparison of times")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="repeats the order of the calls")
    asked = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="comity-authz-") as folder:
        return asyncio.run(play(Path(folder), asked.n, random.Random(asked.seed)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
