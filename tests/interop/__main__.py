"""`python -m tests.interop [--n N] [--seed S]`: strangers' software against ours, all of it.

The tests of this folder and those that let strangers verify our signatures; then N changed envelopes, half as many
changed calls and a tenth as many changed key events before both implementations. What cannot run on this machine is
named, with what to install. The last line is `interop: passed P / attempted A`; the exit code is 0 only if everything
was attempted and passed.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from tests.interop.changed_calls import differences_over_calls
from tests.interop.changed_envelopes import differences
from tests.interop.changed_events import differences_over_events
from tests.interop.javascript import JavaScript, missing_javascript
from tests.unit.envelope.workshop import seal

TESTS = Path(__file__).parents[1]
STRANGERS = (TESTS / "interop", TESTS / "unit" / "envelope" / "test_envelope_strangers.py")


class Count:
    """What pytest ran: a test counts once, and one that was skipped was not attempted."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self.left_out: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            self.left_out.add(report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr))
        elif report.failed:
            self.failed += 1
        elif report.when == "call":
            self.passed += 1

    def judge(self, what: str, attempted: int, differences: Iterable[str]) -> None:
        wrong = list(differences)
        print(f"{attempted} {what}, {len(wrong)} read differently", flush=True)
        for sentence in wrong[:20]:
            print(f"wrong: {sentence}")
        self.passed += attempted - len(wrong)
        self.failed += len(wrong)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.interop", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--n",
        type=int,
        default=2000,
        help="changed envelopes; calls and events in proportion",
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="repeats the same changes")
    asked = parser.parse_args(arguments)
    count = Count()
    pytest.main(["-q", "-p", "no:cacheprovider", *map(str, STRANGERS)], plugins=[count])
    if missing_javascript() is None:
        print(f"seed {asked.seed}", flush=True)
        with JavaScript() as there:
            count.judge("changed envelopes", asked.n, differences(there, seal().submission, asked.n, asked.seed))
            count.judge("changed calls", asked.n // 2, differences_over_calls(there, asked.n // 2, asked.seed))
            count.judge("changed key events", asked.n // 10, differences_over_events(there, asked.n // 10, asked.seed))
    for reason in sorted(count.left_out):
        print(f"left out: {reason.removeprefix('Skipped: ')}")
    print(f"interop: passed {count.passed} / attempted {count.passed + count.failed}")
    return 0 if count.passed and not count.failed and not count.left_out else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
