"""`python -m bench pipeline --rounds 5 --seconds 10`: what `make bench-…` runs."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from bench.pipeline import measure_pipeline
from bench.report import pipeline_report, write_report
from bench.turns import Sizes

ENVIRONMENTS = Path("var/bench")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("what", choices=["pipeline"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", default="", help="peers, with commas between; all without it")
    parser.add_argument("--results", type=Path, default=Path("bench/results"))
    given = parser.parse_args(arguments)
    seed = given.seed if given.seed is not None else time.time_ns() % 1_000_000
    print(f"seed {seed}, {given.rounds} rounds of {given.seconds:g} s", flush=True)
    only = frozenset(filter(None, given.only.split(",")))
    sizes = Sizes(given.rounds, given.seconds, seed, ENVIRONMENTS / "run", ENVIRONMENTS, only)
    report = pipeline_report(sizes, measure_pipeline(sizes, lambda line: print(line, flush=True)))
    write_report(report.document, given.results / "pipeline.json")
    print(report.table)
    print("\n".join(report.verdicts))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
