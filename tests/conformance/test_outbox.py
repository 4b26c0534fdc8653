"""What is to be published stands in the outbox until it is confirmed; a relay takes what is overdue, each row once."""

import asyncio

from shared.adapters.sql.engine import Store
from shared.ports.unit_of_work import Effects
from tests.conformance.rows import a_notice, new_id
from tests.conformance.stores import OpenStore, let_outbox_pass, rows_of, units_of, write


async def test_what_is_written_to_publish_stands_in_the_outbox_until_it_is_confirmed(store: Store) -> None:
    async with units_of(store).begin() as unit:
        rows = [row for _ in range(3) for row in await unit.write(Effects(publishes=[a_notice(new_id())]))]
        await unit.commit()
    assert len({row.id for row in rows}) == 3
    await let_outbox_pass(store, 11)
    async with units_of(store).begin() as unit:
        await unit.forget_outbox([rows[1].id])
        await unit.forget_outbox([])
        left = await unit.take_overdue_outbox(10)
        await unit.commit()
    assert {row.id: row for row in left} == {row.id: row for row in (rows[0], rows[2])}


async def test_an_outbox_row_is_overdue_after_ten_seconds_and_then_taken_once(store: Store) -> None:
    units = units_of(store)
    await write(store, Effects(publishes=[a_notice()]))
    await let_outbox_pass(store, 8)

    async def take() -> int:
        async with units.begin() as unit:
            taken = len(await unit.take_overdue_outbox(10))
            await unit.commit()
            return taken

    assert await units.oldest_outbox_age_s() == 0
    assert await take() == 0
    await let_outbox_pass(store, 4)
    assert 1.5 < await units.oldest_outbox_age_s() < 10
    assert await take() == 1
    assert await units.oldest_outbox_age_s() == 0
    assert await take() == 0
    await let_outbox_pass(store, 8)
    assert await take() == 0, "it is due again ten seconds after it was taken, not before"
    await let_outbox_pass(store, 4)
    assert await take() == 1


async def test_a_relay_that_dies_with_its_rows_leaves_them_to_the_next(store: Store) -> None:
    await write(store, Effects(publishes=[a_notice()]))
    await let_outbox_pass(store, 11)
    async with units_of(store).begin() as unit:
        assert len(await unit.take_overdue_outbox(10)) == 1
    async with units_of(store).begin() as unit:
        assert len(await unit.take_overdue_outbox(10)) == 1


async def test_two_relays_take_each_row_once_between_them(open_store: OpenStore) -> None:
    one, other = open_store(), open_store()
    for _ in range(30):
        await write(one, Effects(publishes=[a_notice(new_id())]))
    await let_outbox_pass(one, 11)

    async def take_as_other() -> list[str]:
        async with units_of(other).begin() as unit:
            rows = await unit.take_overdue_outbox(30)
            await unit.commit()
            return [row.id for row in rows]

    async with units_of(one).begin() as unit:
        mine = [row.id for row in await unit.take_overdue_outbox(12)]
        taking = asyncio.create_task(take_as_other())
        if not one.is_sqlite:
            assert len(await asyncio.wait_for(taking, timeout=20)) == 18
        await unit.commit()
    assert sorted(mine + await taking) == sorted(row.id for row in await rows_of(one, "intake_outbox"))
    assert len(mine) == 12
