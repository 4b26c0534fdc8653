"""The feed: in order, without a gap, at once when something comes, and never held longer than asked."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from gateway import polling
from gateway.app import drain
from gateway.config import Limits
from shared.contracts.api import FeedPage
from shared.contracts.records import FeedEntry
from tests.promptness import in_time
from tests.unit.gateway.fakes import MESSAGE, NOW
from tests.unit.gateway.world import World, code_of, until

SOON_S = 10.0
"""Before a call that waits for twenty seconds would end by itself."""
DOSSIER = "019aaa00-0000-7000-8000-0000000000d0"


def entry(position: int, authority: str = "BE.PF", type_: str = "message.received") -> FeedEntry:
    return FeedEntry(authority, position, NOW, type_, MESSAGE, DOSSIER, {"kind": "request"})


@pytest.fixture
def only_hints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks again by itself before a waiting call is over."""
    monkeypatch.setattr(polling, "READ_AGAIN_S", 25.0)


async def feed(world: World, name: str = "BE.PF", **query: Any) -> FeedPage:
    path = "/v1/feed" + ("?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else "")
    response = await world.get(name, path)
    assert response.status_code == 200, response.text
    page = FeedPage.model_validate_json(response.content)
    assert f"after={page.next}&" in response.headers["link"]
    assert response.headers["cache-control"] == "no-store"
    return page


async def test_a_reader_that_follows_the_cursor_sees_everything_once_and_in_order(world: World) -> None:
    world.queries.feeds["BE.PF"] = [entry(position) for position in range(1, 8)]
    page, seen = await feed(world, limit=3), []
    while page.items:
        seen += [item.cursor for item in page.items]
        assert page.next == page.items[-1].cursor
        page = await feed(world, limit=3, after=page.next)
    assert len(set(seen)) == 7
    world.queries.feeds["BE.PF"].append(entry(8))
    assert len((await feed(world, after=page.next)).items) == 1


async def test_an_entry_says_what_happened_to_which_message(world: World) -> None:
    world.queries.feeds["BE.PF"] = [entry(1)]
    [item] = (await feed(world)).items
    assert (item.type, item.message, item.dossier, item.data) == (
        "message.received",
        MESSAGE,
        DOSSIER,
        {"kind": "request"},
    )
    assert item.at == "2026-11-22T09:30:00.000000Z"


async def test_an_empty_feed_has_a_cursor_to_go_on_from(world: World) -> None:
    page = await feed(world)
    world.queries.feeds["BE.PF"] = [entry(1)]
    assert len((await feed(world, after=page.next)).items) == 1


async def test_each_authority_reads_its_own_feed(world: World) -> None:
    world.queries.feeds["BE.PF"] = [entry(1)]
    assert (await feed(world, "FR.BEPI")).items == ()


async def test_a_waiting_call_is_answered_when_something_comes(world: World, only_hints: None) -> None:
    waiting = asyncio.create_task(feed(world, wait=20))
    await until(lambda: len(world.wakeups.waiting["BE.PF"]) == 1)
    assert not waiting.done()
    world.queries.feeds["BE.PF"] = [entry(1)]
    world.wakeups.hint("BE.PF")
    assert len((await asyncio.wait_for(waiting, SOON_S)).items) == 1
    assert not world.wakeups.waiting["BE.PF"]


async def test_a_lost_hint_costs_a_second_at_most(world: World) -> None:
    world.wakeups.lossy = True

    async def wait_without_hint() -> None:
        world.queries.feeds["BE.PF"] = []
        waiting = asyncio.create_task(feed(world, wait=20))
        await until(lambda: len(world.wakeups.waiting["BE.PF"]) == 1)
        world.queries.feeds["BE.PF"] = [entry(1)]
        assert len((await waiting).items) == 1

    assert await in_time(1.5, wait_without_hint)


async def test_a_hint_that_comes_during_the_read_is_not_lost(
    world: World, only_hints: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The read sees nothing, and while it is under way the entry is written and announced."""
    read = world.queries.feed
    reads = 0

    async def overtaken(authority: str, after: int, limit: int) -> list[FeedEntry]:
        nonlocal reads
        reads += 1
        found = await read(authority, after, limit)
        if reads == 1:
            world.queries.feeds["BE.PF"] = [entry(1)]
            world.wakeups.hint("BE.PF")
            await asyncio.sleep(0)
        return found

    monkeypatch.setattr(world.queries, "feed", overtaken)
    assert len((await asyncio.wait_for(feed(world, wait=20), SOON_S)).items) == 1


async def test_a_waiting_call_ends_when_its_time_is_over(world: World) -> None:
    began = time.monotonic()
    assert (await feed(world, wait=0.3)).items == ()
    assert time.monotonic() - began >= 0.3
    assert await in_time(1, lambda: feed(world, wait=0.3))


async def test_a_waiting_call_ends_when_the_process_is_to_stop(world: World) -> None:
    waiting = asyncio.create_task(feed(world, wait=20))
    await until(lambda: len(world.wakeups.waiting["BE.PF"]) == 1)
    drain(world.app)
    assert (await asyncio.wait_for(waiting, SOON_S)).items == ()


async def test_a_waiting_call_ends_when_its_client_has_gone(world: World) -> None:
    gone = asyncio.Event()
    messages: list[Any] = []

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message)

    headers = world.signed("BE.PF", "GET", "/v1/feed?wait=20")
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/feed",
        "raw_path": b"/v1/feed",
        "query_string": b"wait=20",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    call = asyncio.create_task(world.app(scope, receive, send))
    async with asyncio.timeout(10):
        while not world.wakeups.waiting["BE.PF"]:
            await asyncio.sleep(0.01)
    gone.set()
    await asyncio.wait_for(call, SOON_S)
    assert not world.wakeups.waiting["BE.PF"]


async def test_one_party_holds_only_so_many_waiting_calls() -> None:
    world = World(Limits(polls_per_party=2))
    waiting = [asyncio.create_task(feed(world, wait=5)) for _ in range(2)]
    await until(lambda: len(world.wakeups.waiting["BE.PF"]) == 2)
    response = await world.get("BE.PF", "/v1/feed")
    assert response.status_code == 429
    assert code_of(response) == "call.too-many"
    assert response.headers["retry-after"]
    assert (await feed(world, "FR.BEPI")).items == ()
    world.queries.feeds["BE.PF"] = [entry(1)]
    world.wakeups.hint("BE.PF")
    await asyncio.gather(*waiting)
    assert len((await feed(world)).items) == 1


@pytest.mark.parametrize(
    "query", ["after=MQ", "after=%C3%A9", "after=ZjE6LTE", "limit=0", "limit=501", "wait=26", "wait=-1", "wait=nan"]
)
async def test_a_malformed_question_is_refused(world: World, query: str) -> None:
    response = await world.get("BE.PF", f"/v1/feed?{query}")
    assert response.status_code == 400
    assert code_of(response) == "call.malformed"
