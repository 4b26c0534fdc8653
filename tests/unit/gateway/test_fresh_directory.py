"""A store that is silent costs the calls that wait for the directory one refresh together, not one each."""

from __future__ import annotations

import asyncio

import pytest

from gateway.config import Limits
from gateway.fresh_directory import MOST_STALE_S, FreshDirectory
from shared.errors import Busy, StoreUnavailable
from tests.unit.gateway.fakes import FakeClock, FakeKeyRing
from tests.unit.keys.parties import ExchangeOnTest

CALLS = 10


@pytest.fixture
def keyring() -> FakeKeyRing:
    exchange = ExchangeOnTest()
    return FakeKeyRing(exchange, exchange.directory)


async def test_calls_that_wait_for_a_refresh_that_fails_do_not_repeat_it(keyring: FakeKeyRing) -> None:
    fresh = FreshDirectory(keyring, FakeClock(), Limits())
    keyring.failure = StoreUnavailable(why="no answer")
    answers = await asyncio.gather(*(fresh.get() for _ in range(CALLS)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Busy] * CALLS
    assert keyring.refreshes == 1
    keyring.failure = None
    assert await fresh.get() is keyring.directory(), "the next call asks again"


async def test_a_snapshot_that_is_young_enough_serves_all_who_waited(keyring: FakeKeyRing) -> None:
    clock = FakeClock()
    fresh = FreshDirectory(keyring, clock, Limits())
    await fresh.get()
    keyring.failure = StoreUnavailable(why="no answer")
    clock.advance(Limits().directory_age_s + 1)
    assert Limits().directory_age_s + 1 < MOST_STALE_S
    assert await asyncio.gather(*(fresh.get() for _ in range(CALLS))) == [keyring.directory()] * CALLS
    assert keyring.refreshes == 2
