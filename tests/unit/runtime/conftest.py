"""A migrated file for each test, and one process of the service on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.runtime import pump
from tests.conformance.stores import migrated_file  # noqa: F401  # a fixture
from tests.unit.runtime.workplace import Workplace, open_workplace


@pytest.fixture
def file(migrated_file: Path, tmp_path: Path) -> Path:  # noqa: F811  # the fixture above
    made = tmp_path / "exchange.sqlite3"
    made.write_bytes(migrated_file.read_bytes())
    return made


@pytest.fixture(autouse=True)
def impatient_pump(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pump that finds nothing looks again at once, so that it stops at once."""
    monkeypatch.setattr(pump, "TAKE_WAIT_S", 0.02)


@pytest.fixture
async def place(file: Path) -> AsyncIterator[Workplace]:
    async with open_workplace(file) as made:
        yield made
