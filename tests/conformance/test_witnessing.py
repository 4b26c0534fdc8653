"""The ledger and its witnesses (`services/ledger/witnesses.py`): real storage, real witnesses, bad roads between."""

import asyncio
import errno
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import delete

from shared.adapters.durable_file import write_durably
from shared.adapters.sql.engine import Store
from shared.adapters.tables import METADATA
from shared.errors import LedgerForked
from tests.conformance.stores import row_counts, rows_of
from tests.conformance.test_sequencer import PaperMemory, set_back
from tests.conformance.witnessed import NAMES, SOON_S, Stage, a_stage
from witness import memory as witness_memory


@pytest.fixture
async def stage(store: Store, tmp_path: Path) -> AsyncIterator[Stage]:
    """Either witness is enough."""
    made = await a_stage(store, tmp_path, "any")
    yield made
    await made.stop()


@pytest.fixture
async def strict(store: Store, tmp_path: Path) -> AsyncIterator[Stage]:
    """Both witnesses must sign."""
    made = await a_stage(store, tmp_path, "all")
    yield made
    await made.stop()


# --- what is served


async def test_a_checkpoint_is_served_with_every_cosignature(strict: Stage) -> None:
    for count in (1, 4, 300):
        await strict.until_served(await strict.grow(count), *NAMES)
    assert await row_counts(strict.store) == {
        "ledger_leaf": 305,
        "ledger_tile": 1,
        "ledger_checkpoint": 3,
        "ledger_note": 3,
        "ledger_cosignature": 6,
        "ledger_quorum": 3,
    }
    assert strict.figure("comity_ledger_quorum_size") == 305
    assert strict.figure("comity_ledger_cosignatures_total", witness="w1") == 3


async def test_a_witness_that_is_down_delays_nothing_that_the_policy_does_not_require(stage: Stage) -> None:
    stage.roads.down = {"w2"}
    for _ in range(3):
        await stage.until_served(await stage.grow(), "w1")
    await stage.until(lambda: stage.figure("comity_ledger_witness_silent", witness="w2") == 1)
    stage.roads.down = set()
    await stage.until_served(3, *NAMES)
    assert stage.figure("comity_ledger_witness_silent", witness="w2") == 0


async def test_nothing_is_served_without_the_quorum_and_the_rounds_go_on(strict: Stage) -> None:
    await strict.until_served(await strict.grow(), *NAMES)
    strict.roads.down = {"w2"}
    for _ in range(3):
        await strict.grow()
    await strict.until(lambda: strict.figure("comity_ledger_quorum_missing_seconds") > 0.2)
    assert await strict.served() == (1, [*NAMES])
    assert len(await rows_of(strict.store, "ledger_note")) == 4, "the log signs what it places"
    strict.roads.down = set()
    await strict.until_served(4, *NAMES)
    await strict.until(lambda: strict.figure("comity_ledger_quorum_missing_seconds") == 0)


async def test_a_witness_that_was_killed_goes_on_where_it_was(strict: Stage) -> None:
    await strict.until_served(await strict.grow(7), *NAMES)
    strict.roads.to["w1"] = await strict.roads.to["w1"].restarted()
    await strict.until_served(await strict.grow(9), *NAMES)


async def test_an_answer_that_was_lost_is_asked_for_again(strict: Stage) -> None:
    """The witness has it on its disk, and was killed, or the line was cut, before it could say so."""
    await strict.until_served(await strict.grow(3), *NAMES)
    witness = strict.roads.to["w1"]
    unheard: list[int] = []

    def cut(_: httpx2.Request) -> httpx2.Response:
        unheard.append(1)
        raise httpx2.ReadError("the line was cut")

    strict.roads.after["w1"] = cut
    await strict.grow(4)
    await strict.until(lambda: bool(unheard))
    assert witness.memory.logs()[0].size == 7
    strict.roads.to["w1"] = await witness.restarted()
    del strict.roads.after["w1"]
    await strict.until_served(7, *NAMES)


async def test_a_ledger_that_was_killed_asks_for_what_it_lacked(strict: Stage) -> None:
    strict.roads.down = {"w2"}
    await strict.grow(5)
    await strict.until(lambda: strict.figure("comity_ledger_cosignatures_total", witness="w1") == 1)
    await strict.stop()
    assert await strict.served() == (0, [])
    strict.roads.down = set()
    await strict.start()
    await strict.until_served(5, *NAMES)


async def test_on_the_full_disk_of_a_witness_the_others_go_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: Path, content: bytes) -> None:
        if "w1" in file.parts:
            raise OSError(errno.ENOSPC, "No space left on device")
        write_durably(file, content)

    with monkeypatch.context() as patched:
        patched.setattr(witness_memory, "write_durably", full)
        await stage.until_served(await stage.grow(), "w2")
        await stage.until(lambda: stage.figure("comity_ledger_witness_silent", witness="w1") == 1)
    await stage.until_served(1, *NAMES)


# --- forks


async def rounds_for_ever(stage: Stage) -> None:
    while True:
        await stage.sequencer.run_round()
        await asyncio.sleep(0.05)


async def test_a_database_that_was_set_back_is_found_by_what_a_witness_shows(strict: Stage) -> None:
    """The machine is lost, and its memory of heads with it; a backup is restored on another."""
    for _ in range(3):
        await strict.until_served(await strict.grow(), *NAMES)
    await strict.stop()
    await set_back(strict.store, 1)
    strict.memory = PaperMemory()
    strict.roads.down = {"w1"}
    await strict.start()
    with pytest.raises(LedgerForked, match="holds a signed checkpoint of 3 entries"):
        await strict.grow()
    assert len(await rows_of(strict.store, "ledger_note")) == 1, "no second tree was signed"


async def test_a_fork_finds_no_witness_and_stops_the_ledger_that_has_it(strict: Stage) -> None:
    """The witnesses are out of reach when it starts, and it has signed another tree when they come back."""
    await strict.until_served(await strict.grow(5), *NAMES)
    await strict.stop()
    await set_back(strict.store, 0)
    async with strict.store.write() as connection:
        await connection.execute(delete(METADATA.tables["ledger_cosignature"]))
        await connection.execute(delete(METADATA.tables["ledger_quorum"]))
    strict.memory, strict.leaves, strict.roads.down = PaperMemory(), 1000, set(NAMES)
    await strict.start()
    await strict.grow(7)
    strict.roads.down = set()
    await strict.until(lambda: strict.figure("comity_ledger_witness_refusals_total", witness="w1", reason="fork") > 0)
    assert await strict.served() == (0, [])
    async with asyncio.timeout(SOON_S):
        with pytest.raises(LedgerForked, match="first 5 entries"):
            await rounds_for_ever(strict)
    kept = [file for name in NAMES for file in (strict.roads.to[name].directory / "evidence").iterdir()]
    assert kept, "the witnesses hold what the log signed against itself"
