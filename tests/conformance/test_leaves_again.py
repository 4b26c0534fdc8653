"""A leaf has one place for ever, whatever the columns of the database say, and however late its frame comes again."""

from typing import Any

import pytest
from sqlalchemy import update

from shared.adapters.sql.engine import Store
from shared.adapters.tables import METADATA
from shared.errors import LedgerForked
from tests.conformance.stores import rows_of
from tests.conformance.test_foreign_rows import entries, put, reasons
from tests.conformance.test_sequencer import PaperMemory, entry, let_wait, sequencer, signed_sizes
from tests.fakes import FakeClock

DAY_S = 86_400.0
_LEAF = METADATA.tables["ledger_leaf"]


async def forget_digests(store: Store) -> None:
    """As the writer to the database does, so that the column knows no leaf."""
    async with store.write() as connection:
        await connection.execute(update(_LEAF).values(leaf_digest=b"x" * 32))


async def placed_row(store: Store, clock: FakeClock, memory: PaperMemory) -> Any:
    """A waiting frame that has its place by now."""
    await let_wait(store, b"1", b"2", at=clock)
    [row] = await rows_of(store, "leaf_waiting")
    await sequencer(store, clock, memory=memory).run_round()
    return row


@pytest.mark.parametrize("later_s", [0.0, 61.0, 3600.0, 30 * DAY_S])
@pytest.mark.parametrize("is_restarted", [True, False], ids=["restarted", "running"])
async def test_a_copy_is_refused_though_the_column_that_knows_it_was_changed(
    store: Store, later_s: float, is_restarted: bool
) -> None:
    clock, memory = FakeClock(), PaperMemory()
    one = sequencer(store, clock, memory=memory)
    await let_wait(store, b"1", b"2")
    [row] = await rows_of(store, "leaf_waiting")
    await one.run_round()
    await forget_digests(store)
    clock.advance(later_s)
    await put(store, "leaf_waiting", {"frame": row.frame})
    again = sequencer(store, clock, memory=memory) if is_restarted else one
    assert [await again.run_round() for _ in range(2)] == [0, 0]
    assert await entries(store) == [entry(b"1"), entry(b"2")]
    assert [reason.split(":")[0] for reason in await reasons(store)] == ["ledger.leaf-refused"]
    assert await signed_sizes(store) == [2]


async def test_what_waited_through_an_outage_is_placed_however_long_it_was(store: Store) -> None:
    clock, memory = FakeClock(), PaperMemory()
    await placed_row(store, clock, memory)
    await let_wait(store, b"3", at=clock)
    clock.advance(30 * DAY_S)
    await let_wait(store, b"4", at=clock)
    assert await sequencer(store, clock, memory=memory).run_round() == 2
    assert await reasons(store) == []


async def test_of_a_frame_older_than_all_that_is_read_back_nothing_is_placed_until_more_is_read(store: Store) -> None:
    clock, memory = FakeClock(), PaperMemory()
    row = await placed_row(store, clock, memory)
    await let_wait(store, b"held back", at=clock)
    [held] = await rows_of(store, "leaf_waiting")
    async with store.write() as connection:
        await connection.execute(METADATA.tables["leaf_waiting"].delete())
    clock.advance(DAY_S)
    for part in range(3):
        await let_wait(store, *(b"%d" % number for number in range(10 * part + 10, 10 * part + 20)), at=clock)
        await sequencer(store, clock, memory=memory).run_round()
    await forget_digests(store)
    clock.advance(DAY_S)
    await put(store, "leaf_waiting", {"frame": row.frame}, {"frame": held.frame})
    await let_wait(store, b"fresh", at=clock)
    short = sequencer(store, clock, memory=memory, read_back=10)
    assert [await short.run_round() for _ in range(2)] == [1, 0], "its neighbours are placed"
    assert all("longer ago than the ledger reads back" in reason for reason in await reasons(store))
    assert await sequencer(store, clock, memory=memory, read_back=1000).run_round() == 1
    assert [one.partition(b"\n")[2] for one in (await entries(store))[-2:]] == [
        entry(b"fresh").partition(b"\n")[2],
        entry(b"held back").partition(b"\n")[2],
    ]
    assert len(await reasons(store)) == 1, "the copy stays where it is"


async def test_a_frame_that_is_dated_ahead_is_placed_when_its_time_has_come(store: Store) -> None:
    """Else a copy would be looked for among entries that came after its place."""
    clock, ahead, memory = FakeClock(), FakeClock(), PaperMemory()
    ahead.advance(120)
    await let_wait(store, b"1", at=ahead)
    assert await sequencer(store, clock, memory=memory).run_round() == 0
    assert ["ahead" in reason for reason in await reasons(store)] == [True]
    clock.advance(120)
    assert await sequencer(store, clock, memory=memory).run_round() == 1
    assert await reasons(store) == []


@pytest.mark.parametrize("part", ["logged_at", "leaf"])
async def test_an_entry_that_was_changed_to_hide_a_place_stops_the_ledger(store: Store, part: str) -> None:
    clock, memory = FakeClock(), PaperMemory()
    row = await placed_row(store, clock, memory)
    changed = b"2020" + entry(b"1")[4:] if part == "logged_at" else entry(b"other")
    await forget_digests(store)
    async with store.write() as connection:
        await connection.execute(update(_LEAF).where(_LEAF.c.index == 0).values(entry=changed))
    clock.advance(DAY_S)
    await put(store, "leaf_waiting", {"frame": row.frame})
    with pytest.raises(LedgerForked, match="not those of the tree"):
        await sequencer(store, clock, memory=memory).run_round()


async def test_entries_are_read_back_over_tiles_of_every_size(store: Store) -> None:
    clock, memory = FakeClock(), PaperMemory()
    row = await placed_row(store, clock, memory)
    for part in range(3):
        names = [b"%d" % number for number in range(1000 * part + 10, 1000 * part + 710)]
        await let_wait(store, *names, at=clock)
        await sequencer(store, clock, memory=memory).run_round()
    await forget_digests(store)
    await put(store, "leaf_waiting", {"frame": row.frame})
    assert await sequencer(store, clock, memory=memory).run_round() == 0
    assert (await signed_sizes(store))[-1] == 2102
