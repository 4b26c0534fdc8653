"""A driver's result is believed only when it says that nothing was lost, repeated or failed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from bench.drivers import RoundFailed, drive


def driver(tmp_path: Path, result: dict[str, Any], exit_code: int = 0) -> list[str | Path]:
    script = tmp_path / "driver.py"
    script.write_text(f"import json, sys\njson.dump({result!r}, open(sys.argv[2], 'w'))\nsys.exit({exit_code})\n")
    return [sys.executable, script]


def test_a_clean_result_is_handed_over(tmp_path: Path) -> None:
    clean = {"lost": 0, "repeated": 0, "failed": {}, "delivered_in_window": 7}
    assert drive(driver(tmp_path, clean), {})["delivered_in_window"] == 7


@pytest.mark.parametrize("wrong", [{"lost": 1}, {"repeated": 1}, {"failed": {"server: status E": 3}}])
def test_a_lost_repeated_or_rejected_message_fails_the_round(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(RoundFailed, match=next(iter(wrong))):
        drive(driver(tmp_path, wrong), {})


def test_a_driver_that_ends_badly_fails_the_round(tmp_path: Path) -> None:
    with pytest.raises(RoundFailed, match="ended with 3"):
        drive(driver(tmp_path, {}, exit_code=3), {})
