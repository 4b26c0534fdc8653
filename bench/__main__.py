"""`python -m bench pipeline --rounds 5 --seconds 10`: what `make bench-…` runs.

Exit code 0 when it was measured, whatever the figures say; the last lines say for each whether its goal was reached.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.auditing import measure_audit
from bench.ledger import grow_ladder, measure_ledger
from bench.memory import measure_memory
from bench.page import write_page
from bench.pipeline import measure_pipeline
from bench.report import pipeline_report, write_report
from bench.searching import measure_search
from bench.turns import Sizes

ENVIRONMENTS = Path("var/bench")
RESULTS = Path("bench/results")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("what", choices=["pipeline", "memory", "ledger", "audit", "grow", "search", "page"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", default="", help="peers and parts, with commas between; all without it")
    parser.add_argument("--leaves", default="10000,100000,1000000", help="sizes of the ledger, with commas between")
    parser.add_argument("--kept", type=Path, default=None, help="where ledgers stay, to be gone on with the next time")
    parser.add_argument("--dossiers", type=int, default=10_000, help="of the register that is searched")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    if given.what == "page":
        write_page(given.results)
        return 0
    seed = given.seed if given.seed is not None else time.time_ns() % 1_000_000
    only = frozenset(filter(None, given.only.split(",")))
    place = given.kept or ENVIRONMENTS / "run"
    sizes = Sizes(given.rounds, given.seconds, seed, place, ENVIRONMENTS, only, keeps=given.kept is not None)
    if given.what == "grow":
        if given.kept is None:
            parser.error("say with --kept where the ledgers are to stay")
        grow_ladder(sizes, _numbers(given.leaves), _say)
        return 0
    print(f"seed {seed}, {given.rounds} rounds of {given.seconds:g} s", flush=True)
    if given.what == "memory":
        document, verdicts = measure_memory(sizes, _say)
    elif given.what == "ledger":
        document, verdicts = measure_ledger(sizes, _numbers(given.leaves), _say, given.results / "ledger.json")
    elif given.what == "search":
        with TemporaryDirectory() as made:
            document, verdicts = measure_search(given.dossiers, sizes.rounds, seed, Path(made), _say)
    elif given.what == "audit":
        document, verdicts = measure_audit(sizes, _numbers(given.leaves), _say)
    else:
        report = pipeline_report(sizes, measure_pipeline(sizes, _say))
        document, verdicts = report.document, report.verdicts
        print(report.table)
    write_report(document, given.results / f"{given.what}.json")
    if given.results == RESULTS:
        write_page(RESULTS)
    print("\n".join(verdicts))
    return 0


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
