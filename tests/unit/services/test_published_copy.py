"""The copy of the ledger that the settings name (`services/ledger/main.py`): what others hold, whoever signed it."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.ledger.main import load_published
from shared.errors import SettingsRefused
from shared.ports.ledger import KeptHead
from tests.unit.audit.paper_log import PaperLog, keys_of, started_entries


def test_the_head_of_the_copy_is_what_both_keys_of_the_log_signed(tmp_path: Path) -> None:
    log = PaperLog()
    log.append(started_entries(3))
    (tmp_path / "checkpoint").write_bytes(log.files["checkpoint"])
    assert load_published(tmp_path, keys_of()) == KeptHead(3, log.head().root)


def test_without_a_copy_nothing_is_held_against_the_database(tmp_path: Path) -> None:
    assert load_published(None, keys_of()) is None
    assert load_published(tmp_path, keys_of()) is None, "named, and not exported yet"


@pytest.mark.parametrize("origin", ["comity.example/other", ""])
def test_a_copy_of_another_log_or_a_broken_one_stops_the_start(tmp_path: Path, origin: str) -> None:
    log = PaperLog(origin or "comity.example/log")
    log.append(started_entries(3))
    note = log.files["checkpoint"]
    (tmp_path / "checkpoint").write_bytes(note if origin else note[:-20])
    with pytest.raises(SettingsRefused, match="no checkpoint of this ledger"):
        load_published(tmp_path, keys_of())
