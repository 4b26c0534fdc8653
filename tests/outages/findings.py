"""What a judge holds against the exchange."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from typing_extensions import override

K = TypeVar("K")


class Harm(StrEnum):
    lost = "lost"
    duplicated = "duplicated"
    stuck = "stuck"
    wrong = "wrong"
    """Something was said or shown that is not so: a state, a receipt, readiness, an answer that never came."""


@dataclass(frozen=True)
class Finding:
    harm: Harm
    what: str

    @override
    def __str__(self) -> str:
        return f"{self.harm}: {self.what}"


def compare_counts(what: str, expected: Mapping[K, int], found: Mapping[K, int]) -> Iterator[Finding]:
    """Too few is lost, too many is duplicated; what should not be there at all is wrong."""
    for key in dict.fromkeys([*expected, *found]):
        wanted, there = expected.get(key, 0), found.get(key, 0)
        if there < wanted:
            yield Finding(Harm.lost, f"{what} of {_shown(key)}: {there} instead of {wanted}")
        elif there > wanted:
            harm = Harm.duplicated if wanted else Harm.wrong
            yield Finding(harm, f"{what} of {_shown(key)}: {there} instead of {wanted}")


def tally(findings: Iterable[Finding]) -> Counter[Harm]:
    return Counter(finding.harm for finding in findings)


def _shown(key: object) -> str:
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)
