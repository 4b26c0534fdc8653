"""The sequencer on its real storage (`services/ledger/handler.py`): what it signs, what it survives, when it stops."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, delete, update

from services.ledger.admission import LeafReader
from services.ledger.handler import ROUND_LEAVES, LogSigners, Sequencer, nobody_to_ask
from services.ledger.recent import READ_BACK
from shared.adapters.head_memory import HEAD_FILE, FileHeadMemory
from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.tables import METADATA
from shared.audit.checkpoint import verify_checkpoint
from shared.audit.leaves import encode_entry, encode_leaf
from shared.audit.tree import hash_leaf
from shared.errors import LedgerForked, SettingsRefused, StoreUnavailable
from shared.frame.open import FrameOpener
from shared.ports.ledger import HeadMemory, KeptHead
from shared.ports.unit_of_work import Effects
from shared.runtime.crash_points import SEQUENCER_POINTS, Reach, reach_nothing
from tests.conformance.stores import OpenStore, row_counts, rows_of, units_of
from tests.fakes import START, FakeClock
from tests.merkle import root_of
from tests.unit.audit.paper_log import ORIGIN, keys_of, log_signers
from tests.unit.frame.services import SIGNERS, leaf_opener


class Killed(BaseException):
    """The end of a process, as far as a test can play it."""


@dataclass
class PaperMemory:
    """What a machine remembers of the heads it signed; a full disk keeps nothing."""

    head: KeptHead | None = None
    is_full: bool = False

    def last(self) -> KeptHead | None:
        return self.head

    async def keep(self, head: KeptHead, over: KeptHead | None) -> bool:
        if self.is_full:
            raise StoreUnavailable(why="no space left on device")
        if self.head not in (over, head):
            return False
        self.head = head
        return True


def sequencer(
    store: Store,
    clock: FakeClock | None = None,
    reach: Reach = reach_nothing,
    memory: HeadMemory | None = None,
    opener: FrameOpener | None = None,
    look_back: Callable[[], Awaitable[None]] = nobody_to_ask,
    read_back: int = READ_BACK,
) -> Sequencer:
    signers, ledger = LogSigners(*log_signers(), SIGNERS["ledger"]), SqlLedger(store)
    reader, time = LeafReader(opener or leaf_opener()), clock or FakeClock()
    return Sequencer(ledger, memory or PaperMemory(), ORIGIN, signers, time, reach, reader, look_back, read_back)


def dying_at(point: str) -> Reach:
    def reach(reached: str) -> None:
        if reached == point:
            raise Killed(point)

    return reach


async def let_wait(store: Store, *names: bytes, at: FakeClock | None = None) -> None:
    async with units_of(store, clock=at or FakeClock()).begin() as unit:
        await unit.write(Effects(leaves=[a_leaf(name) for name in names]))
        await unit.commit()


def a_leaf(name: bytes) -> bytes:
    """The leaf of this name, that intake may write."""
    nonce = hashlib.sha256(name).digest()[:16]
    return encode_leaf("exchange.started", START, nonce, service="intake", version="1")


def entry(name: bytes) -> bytes:
    return encode_entry(START, a_leaf(name))


async def signed_sizes(store: Store) -> list[int]:
    """The sizes that were signed. Each note verifies with both keys of the log, over the entries that are stored."""
    hashes = [hash_leaf(entry) for entry in await SqlLedger(store).entries(0, 100_000)]
    sizes = []
    for row in await rows_of(store, "ledger_note"):
        head = verify_checkpoint(row.note, keys_of()).head
        assert head.root == root_of(hashes[: head.size])
        sizes.append(head.size)
    assert sizes == sorted(set(sizes))
    return sizes


# --- what is signed


async def test_a_round_places_what_waits_and_signs_the_head(store: Store) -> None:
    await let_wait(store, b"1", b"2", b"3")
    assert await sequencer(store).run_round() == 3
    assert await signed_sizes(store) == [3]
    assert await sequencer(store).run_round() == 0
    assert await row_counts(store) == {"ledger_leaf": 3, "ledger_checkpoint": 1, "ledger_note": 1}


async def test_nothing_that_waits_is_nothing_signed(store: Store) -> None:
    assert await sequencer(store).run_round() == 0
    assert await row_counts(store) == {}


async def test_a_round_is_bounded_and_the_rest_has_its_turn_next(store: Store) -> None:
    await let_wait(store, *(b"%d" % number for number in range(ROUND_LEAVES + 5)))
    one = sequencer(store)
    assert [await one.run_round() for _ in range(3)] == [ROUND_LEAVES, 5, 0]
    assert await signed_sizes(store) == [ROUND_LEAVES, ROUND_LEAVES + 5]


async def test_a_clock_that_was_set_back_does_not_date_entries_before_their_predecessors(store: Store) -> None:
    clock = FakeClock()
    one = sequencer(store, clock)
    await let_wait(store, b"1")
    await one.run_round()
    clock.jump(START.replace(year=2020))
    await let_wait(store, b"2")
    await one.run_round()
    assert await SqlLedger(store).entries(0, 9) == [entry(b"1"), entry(b"2")]


# --- what it survives


@pytest.mark.parametrize("point", SEQUENCER_POINTS)
async def test_killed_at_any_point_it_places_each_leaf_once_and_signs_one_tree(
    open_store: OpenStore, point: str, tmp_path: Path
) -> None:
    first = open_store()
    await let_wait(first, b"placed before")
    await sequencer(first).run_round()
    await let_wait(first, b"1", b"2")
    with pytest.raises(Killed):
        await sequencer(first, reach=dying_at(point), memory=FileHeadMemory(tmp_path, ORIGIN)).run_round()
    await first.close()
    again = open_store()
    await sequencer(again, memory=FileHeadMemory(tmp_path, ORIGIN)).run_round()
    await let_wait(again, b"3")
    await sequencer(again, memory=FileHeadMemory(tmp_path, ORIGIN)).run_round()
    leaves = (b"placed before", b"1", b"2", b"3")
    assert await SqlLedger(again).entries(0, 9) == [entry(leaf) for leaf in leaves]
    assert await signed_sizes(again) == [1, 3, 4]


async def test_every_point_of_the_sequencer_is_reached_in_a_round(store: Store) -> None:
    reached: list[str] = []
    await let_wait(store, b"1")
    await sequencer(store, reach=reached.append).run_round()
    assert tuple(reached) == SEQUENCER_POINTS


async def test_sequencers_side_by_side_sign_one_tree(open_store: OpenStore) -> None:
    stores = [open_store() for _ in range(3)]
    leaves = [b"%d" % number for number in range(90)]

    async def sequence(store: Store, mine: list[bytes]) -> None:
        one = sequencer(store)
        for leaf in mine:
            await let_wait(store, leaf)
            await one.run_round()

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for number, store in enumerate(stores):
            tasks.create_task(sequence(store, leaves[number::3]))
    await sequencer(stores[0]).run_round()
    entries = await SqlLedger(stores[0]).entries(0, 1000)
    assert sorted(entries) == sorted(entry(leaf) for leaf in leaves)
    assert (await signed_sizes(stores[0]))[-1] == len(leaves)


# --- when it stops

FORGERIES: dict[str, tuple[str, Callable[[Table], Any]]] = {
    "a leaf's hash is changed": (
        "ledger_leaf",
        lambda t: update(t).where(t.c.index == 299).values(entry_hash=b"x" * 32),
    ),
    "a leaf is deleted": ("ledger_leaf", lambda t: delete(t).where(t.c.index == 299)),
    "a tile's root is changed": ("ledger_tile", lambda t: update(t).values(root=b"x" * 32)),
    "a tile is deleted": ("ledger_tile", lambda t: delete(t)),
    "the root that was to be signed is changed": ("ledger_checkpoint", lambda t: update(t).values(root=b"x" * 32)),
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("is_restarted", [True, False], ids=["restarted", "running"])
async def test_a_forged_row_stops_the_sequencer_before_it_signs_again(
    store: Store, forgery: str, is_restarted: bool
) -> None:
    await let_wait(store, *(b"%d" % number for number in range(300)))
    one = sequencer(store)
    await one.run_round()
    notes = await rows_of(store, "ledger_note")
    table, forge = FORGERIES[forgery]
    async with store.write() as connection:
        await connection.execute(forge(METADATA.tables[table]))
    await let_wait(store, b"next")
    for _ in range(2):
        with pytest.raises(LedgerForked):
            await (sequencer(store) if is_restarted else one).run_round()
    assert await rows_of(store, "ledger_note") == notes
    assert (await row_counts(store))["leaf_waiting"] == 1, "what waits is not lost"


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_head_that_was_committed_and_not_signed_is_checked_before_it_is_signed(
    store: Store, forgery: str
) -> None:
    await let_wait(store, *(b"%d" % number for number in range(300)))
    with pytest.raises(Killed):
        await sequencer(store, reach=dying_at("round-committed")).run_round()
    table, forge = FORGERIES[forgery]
    async with store.write() as connection:
        await connection.execute(forge(METADATA.tables[table]))
    with pytest.raises(LedgerForked):
        await sequencer(store).run_round()
    assert await rows_of(store, "ledger_note") == []


# --- what it remembers outside the database


async def test_a_head_is_kept_before_it_is_signed_and_not_signed_if_it_cannot_be_kept(store: Store) -> None:
    memory = PaperMemory(is_full=True)
    one = sequencer(store, memory=memory)
    await let_wait(store, b"1")
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await one.run_round()
    assert await rows_of(store, "ledger_note") == []
    memory.is_full = False
    await one.run_round()
    assert await signed_sizes(store) == [1]


SET_BACK: dict[str, int] = {"to nothing": 0, "by one round": 2}


@pytest.mark.parametrize("how", SET_BACK)
@pytest.mark.parametrize("is_restarted", [True, False], ids=["restarted", "running"])
@pytest.mark.parametrize("is_idle", [True, False], ids=["idle", "with leaves"])
async def test_a_database_that_was_set_back_stops_the_sequencer_before_it_signs_a_second_tree(
    store: Store, tmp_path: Path, how: str, is_restarted: bool, is_idle: bool
) -> None:
    one = sequencer(store, memory=FileHeadMemory(tmp_path, ORIGIN))
    for leaves in ((b"1", b"2"), (b"3",)):
        await let_wait(store, *leaves)
        await one.run_round()
    await set_back(store, SET_BACK[how])
    notes = await rows_of(store, "ledger_note")
    if not is_idle:
        await let_wait(store, b"other 3", b"other 4")
    for _ in range(2):
        with pytest.raises(LedgerForked, match="signed 3 entries"):
            await (sequencer(store, memory=FileHeadMemory(tmp_path, ORIGIN)) if is_restarted else one).run_round()
    assert await rows_of(store, "ledger_note") == notes


async def test_another_tree_that_has_grown_beyond_the_one_that_was_signed_is_a_fork(
    store: Store, tmp_path: Path
) -> None:
    """Set back, and sequenced by a machine that remembers nothing: this one remembers."""
    memory = FileHeadMemory(tmp_path, ORIGIN)
    await let_wait(store, b"1", b"2")
    await sequencer(store, memory=memory).run_round()
    await set_back(store, 0)
    await let_wait(store, b"other 1", b"other 2", b"3")
    await sequencer(store, memory=PaperMemory()).run_round()
    with pytest.raises(LedgerForked, match="first 2 entries"):
        await sequencer(store, memory=FileHeadMemory(tmp_path, ORIGIN)).run_round()


async def test_a_leader_whose_memory_is_behind_goes_on_where_another_machine_stopped(
    store: Store, tmp_path: Path
) -> None:
    behind, other = FileHeadMemory(tmp_path, ORIGIN), PaperMemory()
    memories: list[HeadMemory] = [behind, other, other, behind]
    for part, memory in enumerate(memories):
        await let_wait(store, *(b"%d" % number for number in range(300 * part, 300 * part + 300)))
        await sequencer(store, memory=memory).run_round()
    assert await signed_sizes(store) == [300, 600, 900, 1200]
    kept = behind.last()
    assert kept is not None
    assert kept.size == 1200


def test_a_memory_that_cannot_be_read_or_is_another_logs_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"{}", b'{"origin":"comity.test/log","size":1,"root":"AA"}', b'{"origin":"x","size":1}'):
        (tmp_path / HEAD_FILE).write_bytes(content)
        with pytest.raises(SettingsRefused):
            FileHeadMemory(tmp_path, "comity.test/log")


async def set_back(store: Store, size: int) -> None:
    """As a database restored from a backup of that size. (Trees this small have no full tiles.)"""
    for table, column in (("ledger_leaf", "index"), ("ledger_checkpoint", "size"), ("ledger_note", "size")):
        rows = METADATA.tables[table]
        beyond = rows.c[column] >= size if column == "index" else rows.c[column] > size
        async with store.write() as connection:
            await connection.execute(delete(rows).where(beyond))
