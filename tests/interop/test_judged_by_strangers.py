"""A small sample of `make strangers`: roots, a ledger that our own code made, and changed copies of it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.interop.changed_ledgers import CHANGES
from tests.interop.judged_by_strangers import (
    AICS,
    GO,
    PYMERKLE,
    Count,
    Verify,
    compare_roots,
    judge_changed,
    judge_whole,
    root_entries,
    verified_by_go,
    verified_by_python,
)
from tests.interop.sequenced_ledger import SequencedLedger, sequenced_ledger
from tests.interop.strangers import ForeignPython, missing_python, roots_by_go

SEED, LEAVES, CHANGED = 1122, 530, 24


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForeignPython]:
    missing = missing_python()
    if missing:
        pytest.skip(missing)
    running = ForeignPython(tmp_path_factory.mktemp("foreign"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> SequencedLedger:
    return sequenced_ledger(tmp_path_factory.mktemp("sequenced"), LEAVES, random.Random(SEED))


def passed_all(count: Count) -> bool:
    assert not count.failures
    return count.passed == count.attempted > 0


def test_the_roots_of_every_tree_up_to_300_entries_are_those_of_go(go: Path) -> None:
    count = Count()
    compare_roots(count, {GO: ["", *roots_by_go(go, root_entries())[1:]]})
    assert passed_all(count)


def test_the_roots_of_every_tree_up_to_300_entries_are_those_of_aics_tlog_and_of_pymerkle(
    foreign: ForeignPython,
) -> None:
    count, told = Count(), foreign.roots(root_entries())
    compare_roots(count, {AICS: told["aics-tlog"], PYMERKLE: told["pymerkle"]})
    assert passed_all(count)
    assert count.attempted == 3 * 301


@pytest.fixture(params=[GO, AICS])
def verify(request: pytest.FixtureRequest) -> dict[str, Verify]:
    if request.param == GO:
        return {GO: partial(verified_by_go, request.getfixturevalue("go"))}
    return {AICS: partial(verified_by_python, request.getfixturevalue("foreign"))}


def test_a_stranger_believes_what_the_sequencer_signed_and_each_checkpoint_before(
    ledger: SequencedLedger, verify: dict[str, Verify]
) -> None:
    count = Count()
    judge_whole(count, ledger, verify)
    assert passed_all(count)
    assert len(ledger.checkpoints) > 1


def test_a_stranger_refuses_every_changed_copy(ledger: SequencedLedger, verify: dict[str, Verify]) -> None:
    count = Count()
    judge_changed(count, ledger, verify, CHANGED, SEED)
    assert passed_all(count)


def test_a_change_that_a_stranger_believes_is_counted(
    ledger: SequencedLedger, verify: dict[str, Verify], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tests.interop.changed_ledgers.CHANGES", {"nothing": lambda *_: "at all"})
    count = Count()
    judge_changed(count, ledger, verify, 1, SEED)
    assert (count.passed, count.attempted) == (0, 1)


@pytest.mark.parametrize("kind", CHANGES)
def test_every_change_changes_something(ledger: SequencedLedger, tmp_path: Path, kind: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(ledger.directory, copy)
    CHANGES[kind](copy, ledger, random.Random(SEED))
    assert files_of(copy) != files_of(ledger.directory)


def files_of(directory: Path) -> dict[Path, bytes]:
    return {one.relative_to(directory): one.read_bytes() for one in directory.rglob("*") if one.is_file()}
