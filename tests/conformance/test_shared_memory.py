"""What several processes of one machine remember together: it never goes backwards, whichever of them was idle.

The database's writer sets it back while one process sleeps; a row is deleted before anybody read it a second time.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import delete

from services.intake.directory import RecordDocuments
from services.intake.handler import IntakeHandler
from shared.adapters.directory_memory import FileDirectoryMemory, memory_file
from shared.adapters.head_memory import HEAD_FILE, FileHeadMemory
from shared.adapters.sql.directory import SqlKeyRing
from shared.adapters.sql.engine import Store
from shared.adapters.tables import METADATA
from shared.contracts.messages import RecordInstruments, RecordKeyEvent
from shared.domain.ids import encode_time
from shared.errors import DirectoryBehind, DirectoryUntrusted, LedgerForked, SettingsRefused, StoreUnavailable
from shared.ports.keyring import KeptDirectory
from shared.ports.ledger import KeptHead
from shared.runtime.batch import Settler
from tests.conformance.rows import NOW
from tests.conformance.stores import row_counts, units_of
from tests.conformance.test_kept_directory import ROSTER, drop_events, service
from tests.conformance.test_keyring import publication, record
from tests.conformance.test_sequencer import let_wait, sequencer, set_back, signed_sizes
from tests.conformance.test_settling import a_frame
from tests.conformance.test_signed_once import Machine
from tests.fakes import FakeClock
from tests.unit.audit.paper_log import ORIGIN
from tests.unit.frame.services import opener
from tests.unit.keys.parties import EXCHANGE, ExchangeOnTest, suspended_by_the_third

_INSTRUMENTS = METADATA.tables["instruments"]


# --- ledgers


async def test_a_ledger_that_waited_knows_what_the_leader_signed_and_does_not_sign_other_trees(
    store: Store, tmp_path: Path
) -> None:
    machine = Machine(tmp_path)
    standby, leader = machine.process(store), machine.process(store)
    for name in (b"1", b"2", b"3"):
        await let_wait(store, name)
        await leader.run_round()
        if name == b"1":
            await standby.run_round()
    await set_back(store, 1)
    await let_wait(store, b"x")
    for one in (leader, standby, standby):
        with pytest.raises(LedgerForked, match="signed 3 entries"):
            await one.run_round()
    machine.assert_signed_one_tree(least=3)


async def test_a_ledger_on_another_machine_remembers_what_it_saw_signed(store: Store, tmp_path: Path) -> None:
    """It signed nothing itself."""
    leader, standby = Machine(tmp_path / "one"), Machine(tmp_path / "two")
    for machine in (leader, standby):
        machine.state.mkdir()
    leading, waiting = leader.process(store), standby.process(store)
    for name in (b"1", b"2"):
        await let_wait(store, name)
        await leading.run_round()
        await waiting.run_round()
    await set_back(store, 1)
    await let_wait(store, b"x")
    for one in (waiting, standby.process(store)):
        with pytest.raises(LedgerForked, match="signed 2 entries"):
            await one.run_round()
    assert not standby.signed


async def test_ledgers_that_lead_in_turn_go_on_with_one_tree(store: Store, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    both = [machine.process(store) for _ in range(2)]
    for place, turn in enumerate((0, 1, 1, 0, 1, 0, 0)):
        await let_wait(store, b"%d" % place)
        await both[turn].run_round()
    assert await signed_sizes(store) == [1, 2, 3, 4, 5, 6, 7]


async def test_who_begins_to_lead_asks_what_others_hold_before_it_signs(store: Store) -> None:
    asked: list[int] = []

    async def look_back() -> None:
        asked.append(len(await signed_sizes(store)))
        one.hold_against(KeptHead(9, bytes(32)))

    one = sequencer(store, look_back=look_back)
    await let_wait(store, b"1")
    with pytest.raises(LedgerForked, match="a witness or the published copy holds a signed checkpoint of 9 entries"):
        await one.run_round()
    assert asked == [0]
    assert await signed_sizes(store) == []


async def test_a_head_is_not_signed_over_one_that_another_process_kept_meanwhile(tmp_path: Path) -> None:
    one, other = FileHeadMemory(tmp_path, ORIGIN), FileHeadMemory(tmp_path, ORIGIN)
    first, second, forked = (KeptHead(size, bytes([root]) * 32) for size, root in ((1, 1), (2, 2), (2, 3)))
    assert await one.keep(first, None)
    assert await other.keep(second, other.last())
    assert not await one.keep(forked, first), "it was held against the first one alone"
    assert await one.keep(second, first), "the same head is no other"
    with pytest.raises(LedgerForked):
        await other.keep(first, second)
    assert other.last() == one.last() == second


@pytest.mark.parametrize("content", [None, "of before", "of another tree", "{"])
async def test_a_file_that_is_taken_away_or_changed_takes_nothing_from_a_process_that_runs(
    tmp_path: Path, content: str | None
) -> None:
    memory, file = FileHeadMemory(tmp_path, ORIGIN), tmp_path / HEAD_FILE
    await memory.keep(KeptHead(1, bytes(32)), None)
    before = file.read_text()
    await memory.keep(KeptHead(2, bytes([2]) * 32), memory.last())
    if content is None:
        file.unlink()
    else:
        another = file.read_text().replace("Ag", "Aw")
        file.write_text({"of before": before, "of another tree": another}.get(content, content))
    if content in (None, "of before"):
        assert memory.last() == KeptHead(2, bytes([2]) * 32)
        assert await memory.keep(KeptHead(3, bytes(32)), memory.last())
        assert FileHeadMemory(tmp_path, ORIGIN).last() == KeptHead(3, bytes(32))
    else:
        with pytest.raises(LedgerForked):
            memory.last()


# --- services that judge by the directory


async def test_a_process_that_was_idle_does_not_undo_what_a_busy_one_knew(store: Store, tmp_path: Path) -> None:
    exchange = suspended_by_the_third()
    await record(store, *exchange.documents[:1])
    idle, busy = service(store, exchange, tmp_path), service(store, exchange, tmp_path)
    assert (await idle.refresh()).index == 1
    await record(store, *exchange.documents[1:], first=2)
    assert (await busy.refresh()).index == 3
    await drop_events(store, after=2)
    for keyring in (busy, idle, service(store, exchange, tmp_path)):
        with pytest.raises(DirectoryBehind, match="2 key events, and 3 were known"):
            await keyring.refresh()
    assert json.loads((tmp_path / memory_file("intake")).read_bytes())["index"] == 3
    await record(store, exchange.documents[2], first=3)
    assert (await idle.refresh()).index == 3, "it goes on by itself when they are back"


async def test_processes_that_follow_at_the_same_time_agree(store: Store, tmp_path: Path) -> None:
    exchange = suspended_by_the_third()
    keyrings = [service(store, exchange, tmp_path) for _ in range(4)]
    for number, document in enumerate(exchange.documents, start=1):
        await record(store, document, first=number)
        assert {one.index for one in await asyncio.gather(*(one.refresh() for one in keyrings))} == {number}
    assert json.loads((tmp_path / memory_file("intake")).read_bytes())["index"] == 3


async def test_the_memory_of_a_service_is_not_written_backwards_and_keeps_the_newest_roster(tmp_path: Path) -> None:
    old, new = (FileDirectoryMemory(tmp_path, "intake", EXCHANGE, at) for at in (ROSTER, NOW))
    first, second = KeptDirectory(1, "one", 0, None), KeptDirectory(2, "two", 1, "law")
    assert await old.keep(first, None)
    assert await new.keep(second, first)
    assert not await old.keep(KeptDirectory(2, "other", 0, None), first)
    with pytest.raises(DirectoryBehind):
        await old.keep(first, old.last())
    assert old.last() == second
    assert await old.keep(KeptDirectory(3, "three", 1, "law"), second)
    with pytest.raises(SettingsRefused, match="put it back"):
        FileDirectoryMemory(tmp_path, "intake", EXCHANGE, ROSTER)


# --- what intake committed itself


def intake(store: Store, exchange: ExchangeOnTest, ring: SqlKeyRing) -> Settler:
    handler = IntakeHandler("comity.test/log", RecordDocuments(exchange.operator_keys, 2))
    return Settler("intake", handler, units_of(store, "intake"), opener("intake"), ring, FakeClock(NOW))


def an_event(document: bytes) -> bytes:
    return a_frame("gateway", "intake", RecordKeyEvent(event=document, received_at=encode_time(NOW)))


async def test_an_event_that_is_deleted_before_it_was_ever_read_again_is_missed(store: Store, tmp_path: Path) -> None:
    """By a trigger on the table, as it were, the moment that intake has committed it."""
    exchange = suspended_by_the_third()
    ring = service(store, exchange, tmp_path)
    await intake(store, exchange, ring).settle([an_event(exchange.documents[0])])
    assert (await row_counts(store))["key_event"] == 1
    await drop_events(store, after=0)
    for one in (ring, service(store, exchange, tmp_path)):
        with pytest.raises(DirectoryBehind, match="0 key events, and 1 were known"):
            await one.refresh()
    with pytest.raises(DirectoryUntrusted):
        await intake(store, exchange, ring).settle([an_event(exchange.documents[1])])


async def test_a_registry_that_is_deleted_before_it_was_ever_read_again_is_missed(store: Store, tmp_path: Path) -> None:
    exchange = ExchangeOnTest()
    ring = service(store, exchange, tmp_path)
    order = RecordInstruments(document=publication(exchange, 1), received_at=encode_time(NOW))
    await intake(store, exchange, ring).settle([a_frame("gateway", "intake", order)])
    async with store.write() as connection:
        await connection.execute(delete(_INSTRUMENTS))
    with pytest.raises(DirectoryBehind, match="0 registries of instruments, and 1 were known"):
        await service(store, exchange, tmp_path).refresh()


async def test_an_event_that_was_committed_and_could_not_be_remembered_is_not_acknowledged_nor_forgotten(
    store: Store, tmp_path: Path
) -> None:
    exchange, state = suspended_by_the_third(), tmp_path / "state"
    state.mkdir()
    ring = service(store, exchange, state)
    state.rename(tmp_path / "away")
    frame = an_event(exchange.documents[0])
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        await intake(store, exchange, ring).settle([frame])
    with pytest.raises(StoreUnavailable):
        await intake(store, exchange, ring).settle([frame])
    (tmp_path / "away").rename(state)
    await drop_events(store, after=0)
    with pytest.raises(DirectoryUntrusted, match="0 key events, and 1 were known"):
        await intake(store, exchange, ring).settle([frame])
