from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.audit.paper_log import ORIGIN, log_signers
from tests.unit.witness.watching import NAME, Log, Witness
from witness.keys import WitnessKeys, init_witness
from witness.memory import add_log


@pytest.fixture
def keys(tmp_path: Path) -> WitnessKeys:
    keys = init_witness(tmp_path / "w", NAME)
    add_log(tmp_path / "w", ORIGIN, [signer.vkey for signer in log_signers()], None)
    return keys


@pytest.fixture
def log() -> Log:
    log = Log()
    for count in (3, 4, 300):
        log.grow(count)
    return log


@pytest.fixture
async def witness(keys: WitnessKeys, tmp_path: Path) -> AsyncIterator[Witness]:
    one = Witness(tmp_path / "w")
    yield one
    await one.close()
