"""Flags have one set of rules: whoever adds one must say from which entries on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from shared.domain import admissibility

RULES_1: Final = frozenset(
    {
        *("basis-is-group", "basis-reciprocity", "channel-not-admitted", "date-in-the-future", "date-in-the-past"),
        *("dates-out-of-order", "filing-not-electronic", "ground-of-other-measure", "ground-outside-instrument"),
        *("hard-copy-follows", "instrument-unknown", "late", "measure-not-listed", "not-done-before", "not-in-force"),
        *("party-not-bound", "preservation-short", "registry-missing", "yields-to-treaty"),
    }
)


def test_a_new_flag_makes_no_older_entry_differ() -> None:
    written = Path(admissibility.__file__).read_text(encoding="utf-8")
    flags = {*re.findall(r'Flag\(\s*"([a-z-]+)"', written), admissibility.NO_REGISTRY}
    assert flags == RULES_1, "an auditor would miss it in every older entry: docs/spec/leaves.md, `flag_rules`"
