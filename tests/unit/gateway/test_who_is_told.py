"""What a caller is told depends on what it proved: of load and of waiting keys a stranger learns nothing."""

from __future__ import annotations

from datetime import timedelta

from gateway.config import Limits
from shared.apisig.sign import sign_request
from shared.domain.ids import encode_time
from shared.keys.private import generate_ed25519
from tests.unit.gateway.letters import a_letter
from tests.unit.gateway.world import URL, World, code_of


async def test_who_proves_nothing_learns_nothing_of_load_and_does_not_move_the_window() -> None:
    """A full exchange and an idle one answer a stranger alike, and the stranger's calls do not widen the window."""
    full, idle = World(Limits(window_least=2, window_most=400)), World()
    path, content_type = "/v1/messages", "application/vnd.comity.message+json"
    assert (await full.post("MA.PGR", path, a_letter().submission, content_type)).status_code == 202

    async def answers_to_strangers(world: World) -> list[tuple[int, str, str | None]]:
        stranger, kid = generate_ed25519(), world.caller("MA.PGR").kid
        names_a_party = sign_request("POST", URL + path, b"{}", content_type, stranger, kid, world.clock.now())
        stale = world.signed("MA.PGR", "POST", path, b"{}", content_type, ahead_s=-3600)
        answers = [
            await world.bare("POST", path, content=b"{}", headers=headers | {"Content-Type": content_type})
            for headers in ({}, names_a_party, stale)
        ]
        return [(one.status_code, code_of(one), one.headers.get("retry-after")) for one in answers]

    assert await answers_to_strangers(full) == await answers_to_strangers(idle)
    admission = full.app.state.gateway.admission
    waiting = list(admission.on_their_way)
    admission.settle(waiting)
    assert admission.window == 2, "nobody who may be here was refused"
    assert (await full.post("MA.PGR", path, a_letter().submission, content_type)).status_code == 202
    assert code_of(await full.post("MA.PGR", path, b"{}", content_type)) == "call.busy"
    admission.settle(list(admission.on_their_way))
    assert admission.window > 2


async def test_a_recovered_party_that_waits_is_told_until_when_and_what_to_do() -> None:
    world = World()
    world.parties = dict(world.parties)
    old = world.caller("MA.PGR")
    world.parties["MA.PGR"] = world.exchange.recover(world.parties["MA.PGR"], at=world.clock.now())
    world.exchange.log(world.clock.now())
    until = world.clock.now() + timedelta(hours=72)
    response = await world.get("MA.PGR", "/v1/dossiers")
    assert (response.status_code, code_of(response)) == (403, "call.key-waits")
    assert encode_time(until) in response.json()["detail"]
    assert "pin them" in response.json()["detail"]
    forged = sign_request("GET", f"{URL}/v1/feed", b"", None, old.signer, world.caller("MA.PGR").kid, world.clock.now())
    answer = await world.bare("GET", "/v1/feed", headers=forged)
    assert code_of(answer) == "call.signature-invalid", "who merely names the key is not told that it waits"
    by_old = sign_request("GET", f"{URL}/v1/feed", b"", None, old.signer, old.kid, world.clock.now())
    assert code_of(await world.bare("GET", "/v1/feed", headers=by_old)) == "call.key-unknown"
    world.clock.time = until
    assert (await world.get("MA.PGR", "/v1/dossiers")).status_code == 200
