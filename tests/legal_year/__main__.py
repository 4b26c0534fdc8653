"""`make legal-year N=10000`: a simulated year of dossiers, each clock event where the law puts it, and an auditor's
verdict on its ledger."""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from tests.legal_year.year import play_year


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = secrets.randbits(32) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))  # missed limits are played
    began = time.perf_counter()
    year = play_year(given.n, seed)
    passed, attempted = year.judge()
    for line in (*year.refusals[:20], *year.wrong):
        print(line)
    events = sum(heard.total() for heard in year.heard.values())
    print(f"{events} clock events in {time.perf_counter() - began:.0f} s", flush=True)
    began = time.perf_counter()
    with TemporaryDirectory() as folder:
        report = year.audit(Path(folder))
    for difference in report.differences[:20]:
        print(f"the auditor: entry {difference.index}, {difference.what}: {difference.why}")
    verdict = "finds nothing" if report.ok else "FINDS DIFFERENCES"
    print(f"the auditor {verdict} in {report.size} entries, in {time.perf_counter() - began:.0f} s")
    is_sound = report.ok and not year.refusals and not year.wrong
    print(f"legal-year: passed {passed} / attempted {attempted}")
    return 0 if passed == attempted and is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
