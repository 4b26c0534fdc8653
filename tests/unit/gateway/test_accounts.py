"""What the gateway tells the ledger of itself: an auditor's day before it is answered, and what it refused."""

from __future__ import annotations

import pytest

from gateway.accounts import QUIET_S, Accounts
from shared.contracts.messages import MOST_KINDS, OTHERS, RecordReading, RecordRefusals
from shared.domain.ids import encode_time
from shared.errors import Busy
from tests.unit.audit.paper_log import started_entries
from tests.unit.gateway.fakes import FakeBus, FakeClock
from tests.unit.gateway.world import World, code_of


def accounts_in(world: World) -> Accounts:
    accounts: Accounts = world.app.state.gateway.accounts
    return accounts


def readings(world: World) -> list[RecordReading]:
    return [one for one in world.bus.kept if isinstance(one, RecordReading)]


async def told(world: World) -> list[tuple[str, str | None, int]]:
    world.bus.kept.clear()
    await accounts_in(world).tell_refusals()
    return [
        (one.code, one.party, one.count)
        for account in world.bus.kept
        if isinstance(account, RecordRefusals)
        for one in account.refused
    ]


@pytest.mark.parametrize("path", ["/log/tile/entries/000.p/3", "/v1/audit/dossiers"])
async def test_an_auditors_first_reading_of_a_day_is_told_and_no_other_of_that_day(world: World, path: str) -> None:
    world.ledger.paper.append(started_entries(3))
    for _ in range(3):
        assert (await world.get("MA.AUDIT", path)).status_code == 200
    [reading] = readings(world)
    assert (reading.auditor, reading.read_at) == ("MA.AUDIT", encode_time(world.clock.now()))
    assert path in reading.request
    world.clock.advance(86_400)
    await world.get("MA.AUDIT", path)
    assert [one.read_at[:10] for one in readings(world)] == ["2026-11-22", "2026-11-23"]


async def test_what_cannot_be_told_is_not_answered(world: World) -> None:
    world.ledger.paper.append(started_entries(3))
    world.bus.failure = Busy(retry_after_s=2)
    assert code_of(await world.get("MA.AUDIT", "/log/tile/entries/000.p/3")) == "call.busy"
    world.bus.failure = None
    assert (await world.get("MA.AUDIT", "/log/tile/entries/000.p/3")).status_code == 200
    assert len(readings(world)) == 1


async def test_hashes_and_checkpoints_name_nobody_and_are_read_untold(world: World) -> None:
    world.ledger.paper.append(started_entries(3))
    for path in ("/log/checkpoint", "/log/tile/0/000.p/3"):
        assert (await world.get("MA.AUDIT", path)).status_code == 200
    assert readings(world) == []


async def test_refusals_are_counted_by_code_and_by_whoever_proved_to_be_the_caller(world: World) -> None:
    for _ in range(2):
        assert code_of(await world.get("BE.PF", "/v1/dossiers/no-such")) is not None
    assert code_of(await world.get("BE.PF", "/v1/operator/queues")) == "call.not-permitted"
    assert code_of(await world.bare("GET", "/v1/feed")) == "call.unsigned"
    found = await told(world)
    assert ("call.not-permitted", "BE.PF", 1) in found
    assert ("call.unsigned", None, 1) in found
    assert found == sorted(found, key=lambda one: (one[0], one[1] or ""))
    assert await told(world) == [], "what was told is not told again"


async def test_a_claimed_name_does_not_stand_in_the_account(world: World) -> None:
    headers = world.signed("BE.PF", "GET", "/v1/feed")
    headers["Signature"] = headers["Signature"].replace("=:", "=:AAAA", 1)
    await world.bare("GET", "/v1/feed", headers=headers)
    assert [party for _, party, _ in await told(world)] == [None]


async def test_no_number_of_kinds_makes_an_account_grow() -> None:
    bus, clock = FakeBus(), FakeClock()
    accounts = Accounts(bus.submit, clock)
    for number in range(5 * MOST_KINDS):
        accounts.count_refusal(f"code.{number}", None)
        accounts.count_refusal("code.0", "BE.PF#kid")
    await accounts.tell_refusals()
    [account] = bus.kept
    assert isinstance(account, RecordRefusals)
    assert len(account.refused) <= MOST_KINDS + 1
    assert sum(one.count for one in account.refused) == 10 * MOST_KINDS
    assert OTHERS in {one.code for one in account.refused}


async def test_what_the_bus_does_not_take_is_told_with_the_next_account() -> None:
    bus, clock = FakeBus(failure=Busy(retry_after_s=2)), FakeClock()
    accounts = Accounts(bus.submit, clock)
    began = clock.now()
    accounts.count_refusal("call.busy", None)
    await accounts.tell_refusals()
    bus.failure = None
    clock.advance(60)
    accounts.count_refusal("call.busy", None)
    await accounts.tell_refusals()
    [account] = bus.kept
    assert isinstance(account, RecordRefusals)
    assert (account.since, account.until) == (encode_time(began), encode_time(clock.now()))
    assert [(one.code, one.count) for one in account.refused] == [("call.busy", 2)]


async def test_a_gateway_that_refused_nothing_for_ten_minutes_says_so(world: World) -> None:
    accounts, began = accounts_in(world), world.clock.now()

    async def accounts_told() -> list[RecordRefusals]:
        world.bus.kept.clear()
        await accounts.tell_refusals()
        return [one for one in world.bus.kept if isinstance(one, RecordRefusals)]

    world.clock.advance(QUIET_S - 1)
    assert await accounts_told() == []
    world.clock.advance(2)
    world.bus.failure = Busy(retry_after_s=2)
    assert await accounts_told() == []
    world.bus.failure = None
    [quiet] = await accounts_told()
    assert (quiet.refused, quiet.since, quiet.until) == ((), encode_time(began), encode_time(world.clock.now()))
    assert await accounts_told() == []
    world.clock.advance(QUIET_S - 1)
    accounts.count_refusal("call.unsigned", None)
    [loud] = await accounts_told()
    assert [one.code for one in loud.refused] == ["call.unsigned"]
    world.clock.advance(QUIET_S - 1)
    assert await accounts_told() == [], "what was refused was told, so it is not quiet yet"
