"""The document says what the code does, and that no leaf names anybody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.audit.leaf_catalogue import CATALOGUE
from shared.audit.leaf_fields import HOLDS, Kind

DOCUMENT = (Path(__file__).parents[3] / "docs/spec/leaves.md").read_text()


def documented_types() -> dict[str, list[tuple[str, str, str]]]:
    sections = re.split(r"^### `([a-z.-]+)`$", DOCUMENT, flags=re.MULTILINE)
    rows = re.compile(r"^\| `(\w+)` \| ([a-z0-9 ]+) \| (required|optional) \| \S.* \|$", re.MULTILINE)
    return {type_: rows.findall(text) for type_, text in zip(sections[1::2], sections[2::2], strict=True)}


def test_the_document_and_the_code_name_the_same_types_and_fields() -> None:
    in_code = {
        type_: [(field.name, str(field.kind), "required" if field.required else "optional") for field in fields]
        for type_, fields in CATALOGUE.items()
    }
    assert documented_types() == in_code


def test_the_document_explains_everything_that_a_field_may_hold() -> None:
    table = DOCUMENT.partition("## What fields hold")[2].partition("\n## ")[0]
    assert re.findall(r"^\| ([a-z0-9 ]+) \|", table, re.MULTILINE)[1:] == [str(kind) for kind in Kind]


# --- nobody is named

WORDS = {Kind.TEXT, Kind.OBJECT, Kind.OBJECT_OR_NULL}
"""Kinds of fields that words fit into; the others hold ids, digests, times, numbers and codes."""


def test_every_field_that_could_hold_words_is_declared_to_name_nobody() -> None:
    table = DOCUMENT.partition("## Nobody is named")[2].partition("\n## ")[0]
    declared = re.findall(r"^\| `([a-z.-]+)` \| `(\w+)` \| \S.* \|$", table, re.MULTILINE)
    assert declared == [(type_, field.name) for type_ in CATALOGUE for field in CATALOGUE[type_] if field.kind in WORDS]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in WORDS])
def test_no_other_field_takes_a_name(kind: Kind) -> None:
    for name in ("Fatima El Idrissi", "El Idrissi", "فاطمة الإدريسي", "Jean-Pierre"):
        for value in (name, [name], [{"code": name, "count": 1}], [{"measures": {"M1": name}}], {"name": name}):
            assert not HOLDS[kind](value)
