"""What an operator may see and order; what nobody else may."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.contracts.messages import RetryNotificationLetter, RetryRoutingLetter
from shared.errors import BusUnavailable, Busy, ComityError, KeyEventRefused, StoreUnavailable
from shared.ports.operations import LedgerFigures, MessagingFigures, SetAside
from tests.unit.gateway.fakes import NOW
from tests.unit.gateway.world import World, code_of

LETTER = SetAside(
    service="routing",
    number=7,
    item="019aaa00-0000-7000-8000-000000000001",
    type="envelope-admitted",
    at=NOW,
    attempts=3,
    retries=1,
    reason="store.refused: The database can never hold what was to be written (22001).",
    earlier=("ZeroDivisionError at handler.py:12",),
)
PATHS = ["/v1/operator/queues", "/v1/operator/dead-letters", "/v1/operator/dead-letters/routing-7"]


@pytest.fixture
def world() -> World:
    world = World()
    world.operations.set_aside = [replace(LETTER, service="intake", number=number) for number in (1, 2, 3)] + [LETTER]
    world.operations.waiting = [
        MessagingFigures("intake", 2, NOW + timedelta(seconds=4), 5, NOW - timedelta(seconds=90), 3),
        MessagingFigures("routing", 0, None, 0, None, 1),
        MessagingFigures("notification", 0, None, 0, None, 0),
    ]
    world.operations.tree = LedgerFigures(10, 8, NOW - timedelta(seconds=3), 4, 1)
    world.operations.depths = {"intake": (12, 0), "routing": (0, 1), "notification": (0, 0)}
    return world


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("caller", ["MA.PGR", "MA.AUDIT"])
async def test_only_an_operator_looks_inside(world: World, path: str, caller: str) -> None:
    assert code_of(await world.get(caller, path)) == "call.not-permitted"


@pytest.mark.parametrize("caller", ["MA.PGR", "MA.AUDIT"])
async def test_only_an_operator_retries(world: World, caller: str) -> None:
    path = "/v1/operator/dead-letters/routing-7/retry"
    async with world.client() as client:
        answer = await client.post(path, headers=world.signed(caller, "POST", path))
    assert code_of(answer) == "call.not-permitted"
    assert world.bus.kept == []


async def test_queues_say_how_much_waits_where_and_for_how_long(world: World) -> None:
    told = (await world.get("operator", "/v1/operator/queues")).json()
    intake, routing, _ = told["queues"]
    assert intake == {
        "service": "intake",
        "waiting": 12,
        "given_up": 0,
        "parked": 2,
        "next_due": "2026-11-22T09:30:04.000000Z",
        "outbox": 5,
        "outbox_age_s": 90.0,
        "dead_letters": 3,
    }
    assert (routing["given_up"], routing["outbox_age_s"], routing["next_due"]) == (1, None, None)
    assert (told["ledger"]["size"], told["ledger"]["signed_size"], told["ledger"]["age_s"]) == (10, 8, 3.0)
    assert told["unread"] == []


async def test_a_broker_that_is_down_is_named_and_the_rest_is_told(world: World) -> None:
    world.operations.broker_failure = BusUnavailable(why="connection refused")
    told = (await world.get("operator", "/v1/operator/queues")).json()
    assert [one["part"] for one in told["unread"]] == ["broker"]
    assert "connection refused" in told["unread"][0]["why"]
    assert [(one["waiting"], one["dead_letters"]) for one in told["queues"]] == [(None, 3), (None, 1), (None, 0)]


async def test_a_database_that_is_down_is_named_and_the_rest_is_told(world: World) -> None:
    world.operations.failure = StoreUnavailable(why="no answer")
    told = (await world.get("operator", "/v1/operator/queues")).json()
    assert [one["part"] for one in told["unread"]] == ["database"]
    assert [(one["waiting"], one["dead_letters"]) for one in told["queues"]] == [(12, None), (0, None), (0, None)]
    assert told["ledger"] is None


async def test_dead_letters_are_listed_page_by_page_each_once(world: World) -> None:
    seen, path = [], "/v1/operator/dead-letters?limit=2"
    for _ in range(5):
        page = (await world.get("operator", path)).json()
        seen += [one["id"] for one in page["items"]]
        assert len(page["items"]) <= 2
        if page["next"] is None:
            break
        path = f"/v1/operator/dead-letters?limit=2&after={page['next']}"
    assert seen == ["intake-3", "intake-2", "intake-1", "routing-7"]


async def test_a_letter_tells_its_reasons_and_no_content(world: World) -> None:
    told = (await world.get("operator", "/v1/operator/dead-letters/routing-7")).json()
    assert told == {
        "id": "routing-7",
        "service": "routing",
        "type": "envelope-admitted",
        "item": LETTER.item,
        "at": "2026-11-22T09:30:00.000000Z",
        "attempts": 3,
        "retries": 1,
        "reason": LETTER.reason,
        "earlier": list(LETTER.earlier),
    }


@pytest.mark.parametrize("path", ["routing-8", "ledger-7", "routing-07", "routing-", "7", "routing-7x"])
async def test_a_letter_that_is_none_is_not_there(world: World, path: str) -> None:
    assert code_of(await world.get("operator", f"/v1/operator/dead-letters/{path}")) == "call.not-there"


@pytest.mark.parametrize("query", ["service=gateway", "limit=0", "limit=501", "after=AAAA", f"reason={'x' * 129}"])
async def test_a_list_is_asked_for_in_its_form(world: World, query: str) -> None:
    assert code_of(await world.get("operator", f"/v1/operator/dead-letters?{query}")) == "call.malformed"


async def test_a_retry_is_an_order_to_the_letters_own_service_with_the_operators_signed_call(world: World) -> None:
    for letter, form in (("routing-7", RetryRoutingLetter), ("notification-2", RetryNotificationLetter)):
        path = f"/v1/operator/dead-letters/{letter}/retry"
        async with world.client() as client:
            answer = await client.post(path, headers=world.signed("operator", "POST", path))
        assert answer.status_code == 202
        order = world.bus.kept[-1]
        assert isinstance(order, form)
        assert order.letter == int(letter.split("-")[1])
        assert path in order.request
        assert "operator#" in order.request


async def test_a_retry_that_the_bus_does_not_take_is_busy_and_not_accepted(world: World) -> None:
    world.bus.failure = Busy(retry_after_s=2)
    path = "/v1/operator/dead-letters/routing-7/retry"
    async with world.client() as client:
        answer = await client.post(path, headers=world.signed("operator", "POST", path))
    assert code_of(answer) == "call.busy"


@pytest.mark.parametrize(
    "failure",
    [StoreUnavailable(why="no answer"), KeyEventRefused(why="it is signed by nobody")],
    ids=["down", "forged"],
)
async def test_an_operator_is_answered_without_a_directory_and_nobody_else_is(
    world: World, failure: ComityError
) -> None:
    assert (await world.get("MA.PGR", "/v1/dossiers")).status_code == 200
    world.keyring.failure = failure
    world.operations.failure = StoreUnavailable(why="no answer")
    world.clock.advance(60)
    told = (await world.get("operator", "/v1/operator/queues")).json()
    assert [one["part"] for one in told["unread"]] == ["database"]
    assert code_of(await world.get("MA.PGR", "/v1/dossiers")) == "call.busy"
    assert code_of(await world.get("MA.PGR", "/v1/operator/queues")) == "call.busy"
