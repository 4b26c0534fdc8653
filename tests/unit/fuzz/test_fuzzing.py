"""What the fuzzer is aimed at holds for genuine texts, for every kept finding, and for a few seconds of its search."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.catalogue import TARGETS
from tests.fuzz.run import Tally, judge
from tests.fuzz.target import Target

GOLDEN = Path(__file__).parents[2] / "fuzz" / "golden"
NEEDS_ATHERIS = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is not installed: `make fuzz` installs it where it can"
)
SHORT_S = 4


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_genuine_texts_are_taken_and_attacks_refused(target: Target) -> None:
    """Else the fuzzer would search where nothing is."""
    for texts, taken in ((target.seeds(), True), (target.attacks(), False)):
        tally = Tally()
        assert [judge(target, text, tally) for text in texts] == [None] * len(texts)
        assert tally.taken == (len(texts) if taken else 0)
    assert target.seeds()


@pytest.mark.parametrize("file", sorted(GOLDEN.rglob("*.bin")), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_what_was_found_once_is_no_finding_any_more(file: Path) -> None:
    assert judge(TARGETS[file.parent.name], file.read_bytes(), Tally()) is None


@NEEDS_ATHERIS
def test_a_short_search_finds_nothing(tmp_path: Path) -> None:
    said = _python("-m", "tests.fuzz", "--seconds", str(SHORT_S), "--root", str(tmp_path))
    *_, found, last = said.stdout.splitlines()
    assert found == "crashes 0, uncaught exceptions 0, read twice 0, verify(mutated)=true 0", said.stdout
    counted = re.fullmatch(r"fuzz: passed (\d+) / attempted (\d+)", last)
    assert counted is not None
    assert counted[1] == counted[2]
    assert int(counted[1]) > 100 * len(TARGETS)
    assert said.returncode == 0


@NEEDS_ATHERIS
def test_a_search_finds_what_is_wrong(tmp_path: Path) -> None:
    said = _python("-m", "tests.unit.fuzz.faulty", str(tmp_path))
    found = {line.split()[1]: line.split()[2:] for line in said.stdout.splitlines() if line.startswith("found ")}
    assert found == {
        "refuses": ["0", "False", "False", "False"],
        "forgets": ["0", "True", "False", "False"],
        "believes": ["0", "False", "True", "False"],
        "twice": ["0", "False", "False", "True"],
        "dies": ["1", "False", "False", "False"],
    }, said.stderr
    assert list((tmp_path / "dies" / "findings").glob("crash-*")), "the input that killed it is not kept"


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[3]
    return subprocess.run([sys.executable, *arguments], cwd=root, capture_output=True, text=True, timeout=120)
