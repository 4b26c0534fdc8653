"""The body of a submission is read within its bounds: one content type, no compression, so many bytes, so much time."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.bodies import Incoming
from gateway.config import Limits
from shared.contracts.api import KEY_EVENT_CONTENT_TYPE, MAX_SUBMISSION_BYTES
from shared.errors import Busy
from shared.keys.public import OPERATOR
from tests.unit.gateway.letters import CONTENT_TYPE, PATH, a_letter
from tests.unit.gateway.world import SECOND_OPERATOR, World, code_of


async def post(world: World, body: bytes, name: str = "MA.PGR") -> Any:
    return await world.post(name, PATH, body, CONTENT_TYPE)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/vnd.comity.message+json; v=2"])
async def test_another_content_type_is_refused(world: World, content_type: str) -> None:
    response = await world.post("MA.PGR", PATH, a_letter().submission, content_type)
    assert response.status_code == 415
    assert code_of(response) == "call.wrong-content-type"
    assert response.json()["facts"] == {"given": content_type, "expected": CONTENT_TYPE}


async def test_a_compressed_body_is_refused(world: World) -> None:
    body = gzip.compress(a_letter().submission)
    headers = {**world.signed("MA.PGR", "POST", PATH, body, CONTENT_TYPE), "Content-Encoding": "gzip"}
    response = await world.bare("POST", PATH, content=body, headers=headers)
    assert response.status_code == 415
    assert code_of(response) == "call.wrong-content-type"


async def test_a_body_beyond_the_limit_is_refused(world: World) -> None:
    response = await post(world, b" " * (MAX_SUBMISSION_BYTES + 1))
    assert response.status_code == 413
    assert code_of(response) == "call.too-large"


@pytest.mark.parametrize("announced", [None, "10"])
async def test_the_limit_holds_without_a_length_and_with_a_false_one(world: World, announced: str | None) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    headers = world.signed("MA.PGR", "POST", PATH, b"{}", CONTENT_TYPE)
    if announced is not None:
        headers["Content-Length"] = announced
    response = await world.bare("POST", PATH, content=endless(), headers=headers)
    assert code_of(response) == "call.too-large"
    assert sent <= MAX_SUBMISSION_BYTES + 65_536


async def test_a_body_that_does_not_come_ends_the_call() -> None:
    world = World(Limits(body_timeout_s=0.1))

    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)

    headers = world.signed("MA.PGR", "POST", PATH, b"{}", CONTENT_TYPE)
    response = await world.bare("POST", PATH, content=stuck(), headers=headers)
    assert response.status_code == 408
    assert code_of(response) == "call.too-slow"


async def test_a_body_that_comes_slowly_and_steadily_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """For longer than one that stands still. The clock is held while it comes: the machine's may jump."""
    letter = a_letter().submission
    world = World(Limits(body_timeout_s=0.2, body_bytes_per_s=len(letter)))
    loop = asyncio.get_running_loop()

    async def slowly() -> AsyncIterator[bytes]:
        times = [loop.time()]
        with monkeypatch.context() as held:
            held.setattr(loop, "time", lambda: times[-1])
            for start in range(0, len(letter), len(letter) // 10 + 1):
                yield letter[start : start + len(letter) // 10 + 1]
                times.append(times[-1] + 0.05)
                await asyncio.sleep(0)

    headers = world.signed("MA.PGR", "POST", PATH, letter, CONTENT_TYPE)
    assert (await world.bare("POST", PATH, content=slowly(), headers=headers)).status_code == 202


async def test_a_body_that_drips_is_ended() -> None:
    world = World(Limits(body_timeout_s=0.2, body_bytes_per_s=1000))

    async def drips() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.02)

    headers = world.signed("MA.PGR", "POST", PATH, b"{}", CONTENT_TYPE)
    assert code_of(await world.bare("POST", PATH, content=drips(), headers=headers)) == "call.too-slow"


async def test_bodies_that_are_not_whole_yet_are_bounded_together() -> None:
    letter = a_letter().submission
    world = World(Limits(incoming_bytes=len(letter) - 1))

    async def pieces() -> AsyncIterator[bytes]:
        yield letter[:100]
        yield letter[100:]

    headers = world.signed("MA.PGR", "POST", PATH, letter, CONTENT_TYPE)
    refused = await world.bare("POST", PATH, content=pieces(), headers=headers)
    assert (refused.status_code, code_of(refused)) == (503, "call.busy")
    headers = world.signed("MA.PGR", "POST", PATH, letter, CONTENT_TYPE)
    assert (await world.bare("POST", PATH, content=letter, headers=headers)).status_code == 202, "one piece never waits"


def test_one_party_leaves_room_for_the_bodies_of_others() -> None:
    incoming = Incoming(100)
    for _ in range(5):
        incoming.take("MA.PGR", 10)
    with pytest.raises(Busy):
        incoming.take("MA.PGR", 10)
    incoming.take("BE.PF", 20)
    incoming.give_back("MA.PGR", 50)
    incoming.take("BE.PF", 20)


async def test_one_operators_key_leaves_room_for_the_bodies_of_the_others() -> None:
    world = World(Limits(incoming_bytes=100))
    path, kind = "/v1/operator/key-events", KEY_EVENT_CONTENT_TYPE
    is_held, may_end = asyncio.Event(), asyncio.Event()

    async def pieces(size: int) -> AsyncIterator[bytes]:
        yield b"{"
        yield b" " * size
        is_held.set()
        await may_end.wait()

    async def post(name: str, size: int) -> str:
        headers = world.signed(name, "POST", path, b"{}", kind)
        return code_of(await world.bare("POST", path, content=pieces(size), headers=headers))

    held = asyncio.create_task(post(OPERATOR, 49))
    await is_held.wait()
    assert await post(OPERATOR, 10) == "call.busy"
    other = asyncio.create_task(post(SECOND_OPERATOR, 24))
    may_end.set()
    assert [await held, await other] == ["call.digest-mismatch"] * 2


async def test_a_body_that_was_changed_on_the_way_is_refused(world: World) -> None:
    letter = a_letter()
    headers = world.signed("MA.PGR", "POST", PATH, letter.submission, CONTENT_TYPE)
    response = await world.bare("POST", PATH, content=letter.submission.replace(b"wraps", b"wrapz"), headers=headers)
    assert response.status_code == 400
    assert code_of(response) == "call.digest-mismatch"


async def test_a_body_that_was_cut_on_the_way_is_refused(world: World) -> None:
    letter = a_letter()
    headers = world.signed("MA.PGR", "POST", PATH, letter.submission, CONTENT_TYPE)
    response = await world.bare("POST", PATH, content=letter.submission[:-100], headers=headers)
    assert code_of(response) == "call.digest-mismatch"
