"""A parked item comes back when it is due, to one worker; a dead letter keeps its frame and its reason."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from shared.adapters.sql.engine import Store
from tests.conformance.rows import NOW, a_dead_letter, a_parked_item, new_id
from tests.conformance.stores import OpenStore, rows_of, units_of

SECOND = timedelta(seconds=1)


async def test_parked_items_come_back_when_they_are_due_the_longest_waiting_first(store: Store) -> None:
    early, late, later = (a_parked_item(attempts=number) for number in (1, 2, 3))
    async with units_of(store).begin() as unit:
        await unit.park([(late, NOW + SECOND, "b"), (later, NOW + 2 * SECOND, "c"), (early, NOW, "a")])
        await unit.commit()
    assert await units_of(store).list_due(10, NOW - timedelta(microseconds=1)) == []
    assert await units_of(store).list_due(10, NOW) == [early]
    assert await units_of(store).list_due(10, NOW + 5 * SECOND) == [early, late, later]
    assert await units_of(store).list_due(2, NOW + 5 * SECOND) == [early, late]
    assert await units_of(store, "routing").list_due(10, NOW + 5 * SECOND) == []


async def test_an_item_parked_again_waits_for_its_new_time_with_its_new_reason(store: Store) -> None:
    item = a_parked_item()
    async with units_of(store).begin() as unit:
        await unit.park([(item, NOW, "first")])
        await unit.commit()
    again = replace(item, attempts=2)
    async with units_of(store).begin() as unit:
        await unit.park([(again, NOW + SECOND, "second")])
        await unit.commit()
    [row] = await rows_of(store, "intake_parked")
    assert (row.reason, row.due_at, row.first_at) == ("second", NOW + SECOND, NOW)
    assert await units_of(store).list_due(10, NOW) == []
    assert await units_of(store).list_due(10, NOW + SECOND) == [again]


async def test_of_two_workers_at_one_parked_item_one_holds_it_and_the_other_goes_on(open_store: OpenStore) -> None:
    item, other_item = a_parked_item(), a_parked_item()
    one, other = open_store(), open_store()
    async with units_of(one).begin() as unit:
        await unit.park([(item, NOW, "why"), (other_item, NOW, "why")])
        await unit.commit()

    async def hold_as_other() -> list[bool]:
        async with units_of(other).begin() as unit:
            return [await unit.hold_parked(item.id), await unit.hold_parked(other_item.id)]

    async with units_of(one).begin() as unit:
        assert await unit.hold_parked(item.id)
        holding = asyncio.create_task(hold_as_other())
        if not one.is_sqlite:  # there, the other waits for the only writer
            assert await asyncio.wait_for(holding, timeout=20) == [False, True]
        await unit.unpark([item.id])
        await unit.commit()
    assert await holding == [False, True]
    async with units_of(one).begin() as unit:
        assert not await unit.hold_parked(new_id())


async def test_dead_letters_keep_the_frame_and_the_reason(store: Store) -> None:
    letter, whole_frame = a_dead_letter(), replace(a_dead_letter(), id=None, frame=b"\x00\xff" * 100_000)
    async with units_of(store).begin() as unit:
        await unit.bury([])
        await unit.bury([letter, whole_frame])
        await unit.commit()
    kept = [
        (row.item, row.frame, row.ordinal, row.reason, row.at) for row in await rows_of(store, "intake_dead_letter")
    ]
    assert kept == [(one.id, one.frame, one.ordinal, one.reason, one.at) for one in (letter, whole_frame)]
