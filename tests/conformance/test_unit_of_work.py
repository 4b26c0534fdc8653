"""A unit of work is all or nothing and claims each item once (`shared/ports/unit_of_work.py`), on either database."""

import asyncio
import random
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy.engine import make_url

from shared.adapters.sql.engine import Store
from shared.adapters.tables.messaging import MESSAGING
from shared.contracts.records import LegRecord
from shared.errors import StoreConflict, StoreUnavailable
from shared.ports.unit_of_work import Effects, ParkedItem, UnitOfWork
from tests.conformance.rows import NOW, a_dead_letter, a_leg, a_parked_item, everything, new_id
from tests.conformance.stores import BLOCKED_S, OpenStore, row_counts, rows_of, stored, two_units, units_of, write


async def do_everything(unit: UnitOfWork, known_leg: LegRecord, parked: ParkedItem) -> None:
    await unit.claim([new_id()])
    effects = everything()
    effects.updates.append(replace(known_leg, version=2))
    await unit.write(effects)
    await unit.park([(a_parked_item(), NOW, "later")])
    await unit.unpark([parked.id])
    await unit.bury([a_dead_letter()])


# --- all or nothing


async def test_nothing_of_a_unit_is_seen_before_its_commit_and_all_of_it_after(store: Store) -> None:
    leg, parked = a_leg(), a_parked_item()
    await write(store, Effects(inserts=[leg]))
    async with units_of(store).begin() as unit:
        await unit.park([(parked, NOW, "not yet")])
        await unit.commit()
    before = await row_counts(store), await rows_of(store, "leg"), await rows_of(store, "intake_parked")
    async with units_of(store).begin() as unit:
        await do_everything(unit, leg, parked)
        during = await row_counts(store), await rows_of(store, "leg"), await rows_of(store, "intake_parked")
        await unit.commit()
    assert during == before
    assert await row_counts(store) == {
        "claim": 1,
        "decision": 1,
        "leg": 2,
        "part": 2,
        "part_chunk": 1,
        "leaf_waiting": 1,
        "intake_inbox": 1,
        "intake_outbox": 1,
        "intake_parked": 1,
        "intake_dead_letter": 1,
    }
    assert {row.version for row in await rows_of(store, "leg")} == {1, 2}
    assert parked.id not in {row.item for row in await rows_of(store, "intake_parked")}


@pytest.mark.parametrize("error", [None, RuntimeError("the handler failed"), asyncio.CancelledError()])
async def test_leaving_without_commit_undoes_everything(store: Store, error: BaseException | None) -> None:
    leg, parked = a_leg(), a_parked_item()
    await write(store, Effects(inserts=[leg]))
    before = await row_counts(store)
    with suppress(RuntimeError, asyncio.CancelledError):
        async with units_of(store).begin() as unit:
            await do_everything(unit, leg, parked)
            if error:
                raise error
    assert await row_counts(store) == before
    assert (await stored(store, leg.key()))[leg.key()] == leg


async def test_a_unit_in_which_a_write_failed_does_not_say_that_it_committed(postgres_url: str) -> None:
    """PostgreSQL answers a commit after an error with a rollback, and calls that a success."""
    leg = a_leg()
    async with two_units(postgres_url) as (unit, _):
        await unit.claim([new_id()])
        with pytest.raises(StoreConflict):
            await unit.write(Effects(inserts=[leg, replace(leg, version=2)]))
        with pytest.raises(StoreUnavailable):
            await unit.commit()


async def test_a_commit_is_still_there_when_the_store_is_opened_anew(open_store: OpenStore) -> None:
    first = open_store()
    await write(first, everything())
    counts = await row_counts(first)
    await first.close()
    assert await row_counts(open_store()) == counts


# --- claims


async def test_a_claim_returns_exactly_the_items_that_were_new(store: Store) -> None:
    old, new = [new_id() for _ in range(30)], [new_id() for _ in range(100)]
    async with units_of(store).begin() as unit:
        assert await unit.claim(old) == set(old)
        await unit.commit()
    asked = [*old, *new, *new[:5]]
    random.Random(1).shuffle(asked)
    async with units_of(store).begin() as unit:
        assert await unit.claim(asked) == set(new)
        assert await unit.claim(asked) == set()
        await unit.commit()
    async with units_of(store).begin() as unit:
        assert await unit.claim([]) == set()
        assert await unit.claim(asked) == set()


async def test_each_service_has_an_inbox_of_its_own(store: Store) -> None:
    item = new_id()
    for service in MESSAGING:
        async with units_of(store, service).begin() as unit:
            assert await unit.claim([item]) == {item}
            await unit.commit()


@pytest.mark.parametrize("first_commits", [True, False])
async def test_of_two_units_at_the_same_items_one_gets_each(open_store: OpenStore, first_commits: bool) -> None:
    mine, shared, yours = ([new_id() for _ in range(5)] for _ in range(3))
    one, other = units_of(open_store()), units_of(open_store())

    async def claim_as_other() -> set[str]:
        async with other.begin() as unit:
            claimed = await unit.claim([*shared, *yours])
            await unit.commit()
            return claimed

    async with one.begin() as unit:
        assert await unit.claim([*mine, *shared]) == {*mine, *shared}
        claiming = asyncio.create_task(claim_as_other())
        assert not (await asyncio.wait([claiming], timeout=BLOCKED_S))[0], "it answered before it could know"
        if first_commits:
            await unit.commit()
    assert await claiming == (set(yours) if first_commits else {*shared, *yours})


async def test_units_that_claim_the_same_items_in_opposite_order_wait_and_do_not_deadlock(postgres_url: str) -> None:
    items = [new_id() for _ in range(3000)]

    async def claim(unit: UnitOfWork, asked: list[str]) -> set[str]:
        claimed = await unit.claim(asked)
        await unit.commit()
        return claimed

    async with two_units(postgres_url) as (one, other):
        claims = await asyncio.gather(claim(one, items), claim(other, items[::-1]))
    assert sorted(map(len, claims)) == [0, 3000]


def test_the_two_dialects_are_what_is_tested(store_url: str) -> None:
    assert make_url(store_url).drivername in ("sqlite+aiosqlite", "postgresql+asyncpg")
