"""Nobody is answered who did not sign, and a signature counts for one call, by a current key, at about this time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi.routing import APIRoute

from gateway.app import ROUTERS
from gateway.config import Limits
from gateway.description import describe
from shared.apisig.sign import sign_request
from shared.errors import KeyEventRefused, StoreUnavailable
from shared.keys.private import generate_ed25519
from tests.unit.gateway.world import URL, World, code_of, until

OPEN = {"/.well-known/comity", "/problems/{code}", "/livez", "/readyz", "/metrics"}


def routes_of() -> list[tuple[str, str]]:
    """Method and path of everything that can be called."""
    routes = [route for module in ROUTERS for route in module.router.routes]
    assert all(isinstance(route, APIRoute) for route in routes)
    return [(method, route.path) for route in routes if isinstance(route, APIRoute) for method in route.methods or ()]


async def test_every_address_but_the_open_ones_asks_for_a_signature(world: World) -> None:
    routes = routes_of()
    assert len(routes) >= 20
    for method, path in routes:
        response = await world.bare(method, path.replace("{", "").replace("}", ""))
        if path in OPEN:
            assert response.status_code in (200, 404), path
        else:
            assert code_of(response) == "call.unsigned", path
            assert response.status_code == 401
            assert 'tag="comity-v1"' in response.headers["accept-signature"]


async def test_an_enrolled_party_is_answered(world: World) -> None:
    assert (await world.get("MA.PGR", "/v1/dossiers")).status_code == 200


async def test_a_key_that_nobody_registered_is_unknown(world: World) -> None:
    stranger = generate_ed25519()
    headers = sign_request("GET", f"{URL}/v1/feed", b"", None, stranger, stranger.kid("MA.PGR"), world.clock.now())
    assert code_of(await world.bare("GET", "/v1/feed", headers=headers)) == "call.key-unknown"


async def test_a_known_kid_with_a_strangers_signature_is_refused(world: World) -> None:
    headers = sign_request(
        "GET", f"{URL}/v1/feed", b"", None, generate_ed25519(), world.caller("MA.PGR").kid, world.clock.now()
    )
    assert code_of(await world.bare("GET", "/v1/feed", headers=headers)) == "call.signature-invalid"


async def test_a_signing_key_of_envelopes_signs_no_call(world: World) -> None:
    key = world.parties["MA.PGR"].signers()[0]
    headers = sign_request("GET", f"{URL}/v1/feed", b"", None, key, key.kid("MA.PGR"), world.clock.now())
    assert code_of(await world.bare("GET", "/v1/feed", headers=headers)) == "call.key-unknown"


@pytest.mark.parametrize("ahead_s", [-600, -80, 20, 600])
async def test_a_clock_that_is_off_is_named_as_the_reason(world: World, ahead_s: float) -> None:
    headers = world.signed("MA.PGR", "GET", "/v1/feed", ahead_s=ahead_s)
    response = await world.bare("GET", "/v1/feed", headers=headers)
    assert response.status_code == 401
    assert code_of(response) == "call.clock-skew"
    assert response.json()["facts"]["now"] == "2026-11-22T09:30:00.000000Z"


@pytest.mark.parametrize("other", ["/v1/dossiers", "/v1/feed?limit=2", "/v1/feed?"])
async def test_a_signature_counts_for_its_own_address_only(world: World, other: str) -> None:
    headers = world.signed("MA.PGR", "GET", "/v1/feed?limit=1")
    assert code_of(await world.bare("GET", other, headers=headers)) == "call.signature-invalid"


async def test_the_host_header_is_not_believed(world: World) -> None:
    """Signed for another exchange that the caller also knows; a proxy in between sets Host to that one's name."""
    caller = world.caller("MA.PGR")
    headers = sign_request(
        "GET", "https://other.example/v1/feed", b"", None, caller.signer, caller.kid, world.clock.now()
    )
    response = await world.bare("GET", "/v1/feed", headers={**headers, "Host": "other.example"})
    assert code_of(response) == "call.signature-invalid"
    own = world.signed("MA.PGR", "GET", "/v1/feed")
    assert (await world.bare("GET", "/v1/feed", headers={**own, "Host": "other.example"})).status_code == 200


async def test_a_public_address_with_a_path_is_signed_with_that_path() -> None:
    world = World(url="https://justice.example/comity")
    headers = world.signed("MA.PGR", "GET", "/v1/feed")
    async with world.client() as client:  # the proxy takes the prefix away
        response = await client.get("https://inside/v1/feed", headers=headers)
    assert response.status_code == 200


async def test_a_party_enrolled_a_moment_ago_is_known_at_its_first_call(world: World) -> None:
    assert (await world.get("MA.PGR", "/v1/feed")).status_code == 200
    world.parties = {**world.parties, "ES.SGCJI": world.exchange.enrol("ES.SGCJI")}
    world.clock.advance(1.5)
    assert (await world.get("ES.SGCJI", "/v1/feed")).status_code == 200


async def test_unknown_keys_refresh_the_directory_once_a_second_at_most(world: World) -> None:
    await world.get("MA.PGR", "/v1/feed")
    before = world.keyring.refreshes
    world.clock.advance(1.5)
    stranger = generate_ed25519()
    for _ in range(20):
        headers = sign_request("GET", f"{URL}/v1/feed", b"", None, stranger, stranger.kid("MA.PGR"), world.clock.now())
        assert code_of(await world.bare("GET", "/v1/feed", headers=headers)) == "call.key-unknown"
    assert world.keyring.refreshes == before + 1


async def test_a_suspended_party_is_refused_within_ten_seconds(world: World) -> None:
    assert (await world.get("BE.PF", "/v1/feed")).status_code == 200
    world.exchange.suspend(world.parties["BE.PF"], at=world.clock.now())
    world.clock.advance(10)
    response = await world.get("BE.PF", "/v1/feed")
    assert response.status_code == 401
    assert code_of(response) == "call.key-unknown"


async def test_many_calls_at_once_refresh_the_directory_once(world: World) -> None:
    answers = await asyncio.gather(*(world.get("MA.PGR", "/v1/feed") for _ in range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10
    assert world.keyring.refreshes == 1


async def test_the_directory_serves_ten_seconds_without_its_store_and_no_longer(world: World) -> None:
    assert (await world.get("MA.PGR", "/v1/feed")).status_code == 200
    world.keyring.failure = StoreUnavailable(why="psql://user:secret@host refused")
    world.clock.advance(8)
    assert (await world.get("MA.PGR", "/v1/feed")).status_code == 200
    world.clock.advance(3)
    response = await world.get("MA.PGR", "/v1/feed")
    assert code_of(response) == "call.busy"
    assert response.headers["retry-after"] == "1"
    assert "secret" not in response.text


async def test_nobody_is_served_by_a_directory_that_does_not_verify(world: World) -> None:
    assert (await world.get("MA.PGR", "/v1/feed")).status_code == 200
    world.keyring.failure = KeyEventRefused(why="signed by 0 operator keys")
    world.clock.advance(6)
    for _ in range(2):
        assert code_of(await world.get("MA.PGR", "/v1/feed")) == "call.busy"
    assert (await world.bare("GET", "/readyz")).status_code == 503


async def test_a_role_reaches_its_own_addresses_only(world: World) -> None:
    denied = [
        ("MA.AUDIT", "/v1/feed"),
        ("MA.AUDIT", "/v1/dossiers"),
        ("MA.PGR", "/log/tile/entries/000"),
        ("operator", "/v1/feed"),
        ("operator", "/log/checkpoint"),
    ]
    for name, path in denied:
        response = await world.get(name, path)
        assert response.status_code == 403, (name, path)
        assert code_of(response) == "call.not-permitted"


async def test_a_party_may_not_make_an_operators_call(world: World) -> None:
    response = await world.post("MA.PGR", "/v1/operator/key-events", b"{}", "application/vnd.comity.key-event+json")
    assert code_of(response) == "call.not-permitted"


async def test_a_stranger_does_not_get_its_body_read(world: World) -> None:
    read: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        for _ in range(3):
            read.append(1)
            yield b"x" * 1000

    response = await world.bare(
        "POST", "/v1/messages", content=body(), headers={"Content-Type": "application/vnd.comity.message+json"}
    )
    assert code_of(response) == "call.unsigned"
    assert read == []


async def test_one_party_cannot_take_all_room_for_submissions() -> None:
    world = World(Limits(submissions_in_flight=3, submissions_per_party=2))
    path, content_type = "/v1/messages", "application/vnd.comity.message+json"
    release = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        await release.wait()
        yield b"{}"

    async def post_slowly(name: str) -> str:
        headers = world.signed(name, "POST", path, b"{}", content_type)
        return code_of(await world.bare("POST", path, content=slow(), headers=headers))

    waiting = [asyncio.create_task(post_slowly("MA.PGR")) for _ in range(2)]
    await until(lambda: world.submissions_in_flight == 2)
    assert await post_at_once(world, "MA.PGR") == "call.busy"
    waiting.append(asyncio.create_task(post_slowly("BE.PF")))
    await until(lambda: world.submissions_in_flight == 3)
    assert await post_at_once(world, "FR.BEPI") == "call.busy"
    release.set()
    assert await asyncio.gather(*waiting) == ["envelope.malformed"] * 3
    assert await post_at_once(world, "FR.BEPI") == "envelope.malformed"


async def test_calls_that_only_name_a_partys_key_take_none_of_its_room() -> None:
    world = World(Limits(submissions_in_flight=3, submissions_per_party=2))
    path, content_type = "/v1/messages", "application/vnd.comity.message+json"
    release, read = asyncio.Event(), []

    async def idle() -> AsyncIterator[bytes]:
        read.append(1)
        await release.wait()
        yield b"{}"

    async def claim() -> str:
        kid = world.caller("MA.PGR").kid
        headers = sign_request("POST", URL + path, b"{}", content_type, generate_ed25519(), kid, world.clock.now())
        return code_of(await world.bare("POST", path, content=idle(), headers=headers))

    claims = [asyncio.create_task(claim()) for _ in range(5)]
    await asyncio.sleep(0.05)
    assert await post_at_once(world, "MA.PGR") == "envelope.malformed"
    release.set()
    assert await asyncio.gather(*claims) == ["call.signature-invalid"] * 5
    assert read == [], "the body of a call that nobody proved to have made was read"


async def test_a_recorded_call_opens_no_second_body() -> None:
    world = World(Limits(submissions_in_flight=3, submissions_per_party=2))
    path, content_type = "/v1/messages", "application/vnd.comity.message+json"
    headers = world.signed("MA.PGR", "POST", path, b"{}", content_type)
    release = asyncio.Event()

    async def idle() -> AsyncIterator[bytes]:
        await release.wait()
        yield b"{}"

    async def replay() -> str:
        return code_of(await world.bare("POST", path, content=idle(), headers=headers))

    replays = [asyncio.create_task(replay()) for _ in range(5)]
    await until(lambda: sum(task.done() for task in replays) == 4)
    assert await post_at_once(world, "MA.PGR") == "envelope.malformed"
    release.set()
    assert sorted(await asyncio.gather(*replays)) == ["call.replayed"] * 4 + ["envelope.malformed"]
    world.clock.advance(75)
    assert await replay() == "call.clock-skew"


async def test_a_signature_is_remembered_for_as_long_as_it_counts() -> None:
    world = World()
    path, content_type = "/v1/messages", "application/vnd.comity.message+json"
    assert await post_at_once(world, "MA.PGR") == "envelope.malformed"
    world.clock.advance(79)  # in the last second of the first generation
    headers = world.signed("MA.PGR", "POST", path, b"{}", content_type)
    for ahead_s, code in [(0, "envelope.malformed"), (35, "call.replayed"), (34, "call.replayed")]:
        world.clock.advance(ahead_s)
        assert code_of(await world.bare("POST", path, content=b"{}", headers=headers)) == code


async def post_at_once(world: World, name: str) -> str:
    return code_of(await world.post(name, "/v1/messages", b"{}", "application/vnd.comity.message+json"))


def test_there_is_no_address_beside_those_of_the_routers(world: World) -> None:
    """A mounted application would pass by the dependencies that authenticate."""
    assert len(world.app.routes) == len(ROUTERS)
    assert len(routes_of()) == sum(len(operations) for operations in describe(world.app)["paths"].values())
