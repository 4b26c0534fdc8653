"""The vectors that the specifications point to are what the script in this repository makes, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vectors.__main__ import HERE, made


@pytest.fixture(scope="module")
def again() -> dict[str, str]:
    return made()


def test_vectors_made_again_are_the_same_bytes(again: dict[str, str]) -> None:
    different = [path for path, text in again.items() if (HERE / path).read_text(encoding="utf-8") != text]
    assert different == [], "python -m tests.vectors makes them"


def test_no_exact_vector_is_left_that_nothing_makes(again: dict[str, str]) -> None:
    kept = {str(file.relative_to(HERE)) for file in HERE.glob("*/*.json") if is_exact(file)}
    assert kept == set(again)


def is_exact(file: Path) -> bool:
    return file.parent.name in ("envelope", "frames", "keys", "calls", "proofs")
