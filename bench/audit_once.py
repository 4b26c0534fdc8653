"""`python -m bench.audit_once DIRECTORY`: one audit of a ledger that bench/auditing.py made, in a process of its own.

It prints seconds, leaves, signatures, its own CPU time and that of its workers. Every worker imports it again: like
the command `comity`, it loads what it runs when it runs it.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Final

TOLD_EVERY: Final = 100_000
BUNDLE: Final = 256


def audit(place: Path) -> tuple[float, int, int, float, float]:
    from client.auditor import verify_ledger
    from client.ledger_source import DirectoryLedger
    from shared.keys.trust import parse_trust

    trust = parse_trust((place / "trust.json").read_bytes())
    began, cpu = time.perf_counter(), time.process_time()
    report = verify_ledger(DirectoryLedger(place / "ledger"), trust, _progress)
    if not report.ok:
        raise SystemExit(f"differences: {list(report.differences)[:3]}")
    seconds, own_cpu = time.perf_counter() - began, time.process_time() - cpu
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, report.read, report.signatures, own_cpu, workers.ru_utime + workers.ru_stime


def _progress(read: int, entries: int) -> None:
    if read % TOLD_EVERY < BUNDLE <= read:
        print(f"  {read} of {entries} leaves read", file=sys.stderr, flush=True)


if __name__ == "__main__":
    print(*audit(Path(sys.argv[1])))
