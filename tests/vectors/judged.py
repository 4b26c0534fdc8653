"""What a run of vectors comes to: groups of judged cases, and the line that ends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One vector: does our code come to what it says? `why` tells what came instead."""

    name: str
    holds: bool
    why: str = ""


@dataclass(frozen=True)
class Group:
    """Vectors of one source, judged one way."""

    name: str
    cases: tuple[Case, ...]

    @property
    def passed(self) -> int:
        return sum(case.holds for case in self.cases)

    @property
    def failures(self) -> Iterator[str]:
        return (f"{self.name}: {case.name}: {case.why}" for case in self.cases if not case.holds)


def expect(name: str, came: object, wanted: object) -> Case:
    return Case(name, came == wanted, f"{came} instead of {wanted}")


def report(name: str, groups: Iterable[Group]) -> int:
    """Print each group, each failure, and `name: passed P / attempted A`; the exit code."""
    passed = attempted = 0
    for group in groups:
        print(f"{group.name:<58} {group.passed:>5} / {len(group.cases)}", flush=True)
        for failure in group.failures:
            print(f"  {failure}")
        passed, attempted = passed + group.passed, attempted + len(group.cases)
    print(f"{name}: passed {passed} / attempted {attempted}")
    return 0 if passed == attempted > 0 else 1
