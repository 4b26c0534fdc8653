"""Forgetting what was received (`UnitOfWork.forget_claims`), on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.adapters.sql.engine import Store
from tests.conformance.rows import new_id
from tests.conformance.stores import rows_of, units_of
from tests.fakes import START

LONG_AFTER = START + timedelta(days=3650)


async def claimed(store: Store, count: int) -> set[str]:
    async with units_of(store).begin() as unit:
        new = await unit.claim([new_id() for _ in range(count)])
        await unit.commit()
    return new


async def forget(store: Store, most: int, before: datetime = LONG_AFTER) -> int:
    async with units_of(store).begin() as unit:
        gone = await unit.forget_claims(before, most)
        await unit.commit()
    return gone


async def test_only_old_claims_go_and_no_more_than_asked_for(store: Store) -> None:
    await claimed(store, 5)
    assert await forget(store, 10, before=START - timedelta(days=3650)) == 0
    assert await forget(store, 2) == 2
    assert len(await rows_of(store, "intake_inbox")) == 3
    assert await forget(store, 10) == 3


async def test_what_was_not_committed_is_remembered(store: Store) -> None:
    items = await claimed(store, 3)
    async with units_of(store).begin() as unit:
        assert await unit.forget_claims(LONG_AFTER, 10) == 3
    async with units_of(store).begin() as unit:
        assert await unit.claim(sorted(items)) == set()
