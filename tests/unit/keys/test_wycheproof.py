"""Project Wycheproof's vectors hold, as `make vectors` counts them."""

from __future__ import annotations

import pytest

from tests.vectors.judged import Group
from tests.vectors.wycheproof import wycheproof_groups

LEAST = 1900
"""How many vectors there are at least: a package without them must not pass for agreement."""


@pytest.fixture(scope="module")
def groups() -> list[Group]:
    return list(wycheproof_groups())


def test_every_vector_that_applies_holds(groups: list[Group]) -> None:
    assert [failure for group in groups for failure in group.failures] == []


def test_none_is_missing(groups: list[Group]) -> None:
    assert sum(len(group.cases) for group in groups) >= LEAST
    assert all(group.cases for group in groups)
