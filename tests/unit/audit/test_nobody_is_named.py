"""No leaf names anybody: fields that could hold words are declared, with what they hold, and the others cannot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.audit.leaf_fields import HOLDS, Kind
from shared.audit.leaves import CATALOGUE

DOCUMENT = (Path(__file__).parents[3] / "docs/spec/leaves.md").read_text()
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
