"""What the specifications point to is there: files, tests, sections of other pages, codes of errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import shared.errors as errors

ROOT = Path(__file__).parents[3]
PAGES = [
    ROOT / "docs" / "spec" / f"{name}.md"
    for name in ("envelope", "api-signatures", "keys", "frames", "threat-model", "proof-bundle")
]
CODES = {one.code for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.ComityError)}
FAMILIES = "call|client|envelope|frame|keys|instruments|proof"


def anchors(page: Path) -> set[str]:
    """As code hosts make them: lower case, punctuation gone, spaces to hyphens."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    for name in re.findall(r"`((?:tests|shared|docs|client)/[\w./-]+)`", page.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_code_that_is_named_exists(page: Path) -> None:
    assert set(named_codes(page)) <= CODES


def named_codes(page: Path) -> Iterator[str]:
    yield from re.findall(rf"`((?:{FAMILIES})\.(?!json`)[a-z-]+)`", page.read_text(encoding="utf-8"))


def test_codes_are_looked_for_at_all() -> None:
    assert len(set(named_codes(PAGES[0]))) > 10
