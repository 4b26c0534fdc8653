"""`python -m tests [--but FOLDER] [FOLDER…]`: the folders in order, each with its time, and the totals at the end.

Unit tests and faults run on two workers. So do the folders that talk to servers, file by file: each worker starts a
RabbitMQ and a PostgreSQL of its own, and the files of one worker share and kill them one after another. The others run
one test after another: what they judge, as how an exchange fares under load, a test beside them would change. A folder
without tests is left out; one that fails does not keep the next from running.
"""

import argparse
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

TWO_BY_FILE = ["-n", "2", "--dist", "loadfile"]
FOLDERS = {
    "unit": ["-n", "2"],
    "conformance": TWO_BY_FILE,
    "connected": TWO_BY_FILE,
    "migration": [],
    "interop": [],
    "dishonest": [],
    "faults": ["-n", "2"],
    "outages": [],
    "acceptance": TWO_BY_FILE,
    "load": [],
}
_HERE = Path(__file__).parent
_COUNTED = re.compile(r"(\d+) (passed|failed|skipped|errors?)\b")
_SUMMARY = re.compile(r" in \d+(\.\d+)?s")


@dataclass(frozen=True)
class FolderRun:
    """What became of one folder."""

    folder: str
    seconds: float
    exit_code: int
    summary: str
    """The last line of pytest's own report."""

    @property
    def counts(self) -> Counter[str]:
        """passed, failed, skipped; an error in a fixture counts as a failure."""
        counts: Counter[str] = Counter()
        for number, outcome in _COUNTED.findall(self.summary):
            counts["failed" if outcome.startswith("error") else outcome] += int(number)
        return counts


def run_folder(folder: str) -> FolderRun:
    """Run one folder, passing pytest's output on as it comes."""
    print(f"\n=== {folder}", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", *FOLDERS[folder], f"tests/{folder}"]
    began, summary = time.monotonic(), "no summary: pytest did not finish"
    with subprocess.Popen(command, cwd=_HERE.parent, stdout=subprocess.PIPE, text=True, errors="replace") as pytest:
        for line in pytest.stdout or ():
            print(line, end="", flush=True)
            if _SUMMARY.search(line):
                summary = line.strip(" =\n")
    return FolderRun(folder, time.monotonic() - began, pytest.returncode, summary)


def main(arguments: list[str]) -> int:
    """Run the folders wanted, all by default; the exit code is 0 only if every one passed and any test ran."""
    parser = argparse.ArgumentParser(prog="python -m tests")
    parser.add_argument("folders", nargs="*", metavar="FOLDER")
    parser.add_argument("--but", action="append", default=[], metavar="FOLDER", help="not this one")
    given = parser.parse_args(arguments)
    unknown = [folder for folder in [*given.folders, *given.but] if folder not in FOLDERS]
    if unknown:
        print(f"no such folder: {', '.join(unknown)}; there are {', '.join(FOLDERS)}")
        return 2
    wanted = [folder for folder in given.folders or FOLDERS if folder not in given.but]
    present = [folder for folder in wanted if any((_HERE / folder).rglob("test_*.py"))]
    runs = [run_folder(folder) for folder in present]
    print()
    for run in runs:
        print(f"{run.folder:<12} {run.seconds:6.1f} s  {run.summary}")
    total = sum((run.counts for run in runs), Counter[str]())
    print(f"total: {total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 0 if total["passed"] and all(run.exit_code == 0 for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
