"""What an authority does with its keys by itself, and where key events stand in the ledger."""

from __future__ import annotations

import hashlib

import pytest

from shared.audit.checkpoint import parse_log_keys
from shared.audit.proofs import parse_proof, verify_proof
from shared.contracts.api import KEY_EVENT_CONTENT_TYPE, KeyEventPage
from shared.contracts.messages import RecordKeyEvent
from shared.domain.ids import encode_time
from shared.keys.events import draft_event
from shared.keys.public import OPERATOR
from shared.ports.queries import KeyEventPlace
from tests.unit.gateway.fakes import NOW
from tests.unit.gateway.world import World, code_of
from tests.unit.keys.parties import PartyOnTest, renew

PATH = "/v1/key-events"


def a_rotation(world: World, party: PartyOnTest) -> bytes:
    entries = renew(party, "api-ed25519").entries(uses=["api-ed25519"])
    return party.sign(draft_event("rotate", world.exchange.directory, NOW, party.id, keys=entries))


async def test_a_party_submits_its_own_rotation(world: World) -> None:
    event = a_rotation(world, world.parties["BE.PF"])
    response = await world.post("BE.PF", PATH, event, KEY_EVENT_CONTENT_TYPE)
    assert (response.status_code, response.content) == (202, b"")
    assert world.bus.kept == [RecordKeyEvent(event=event, received_at=encode_time(NOW))]


async def test_a_rotation_that_is_recorded_may_be_submitted_again(world: World) -> None:
    event = a_rotation(world, world.parties["BE.PF"])
    world.exchange.admit(event)
    assert (await world.post("BE.PF", PATH, event, KEY_EVENT_CONTENT_TYPE)).status_code == 202


@pytest.mark.parametrize("caller", ["MA.PGR", "MA.AUDIT", OPERATOR])
async def test_nobody_submits_the_rotation_of_another(world: World, caller: str) -> None:
    event = a_rotation(world, world.parties["BE.PF"])
    assert code_of(await world.post(caller, PATH, event, KEY_EVENT_CONTENT_TYPE)) == "call.not-permitted"
    assert world.bus.kept == []


async def test_a_party_submits_no_other_event(world: World) -> None:
    own = draft_event("suspend", world.exchange.directory, NOW, "BE.PF")
    for event in (world.exchange.decide(own), world.parties["BE.PF"].sign(own)):
        assert code_of(await world.post("BE.PF", PATH, event, KEY_EVENT_CONTENT_TYPE)) == "call.not-permitted"


async def test_a_rotation_that_does_not_verify_is_refused_at_once(world: World) -> None:
    party = world.parties["BE.PF"]
    stranger = PartyOnTest(party.id, {**party.keys, "sign-ed25519": PartyOnTest("BE.PF").keys["sign-ed25519"]})
    for event in (a_rotation(world, stranger), b"{}"):
        assert code_of(await world.post("BE.PF", PATH, event, KEY_EVENT_CONTENT_TYPE)) == "keys.event-refused"
    assert world.bus.kept == []


@pytest.mark.parametrize("caller", ["BE.PF", "MA.AUDIT", OPERATOR])
async def test_a_key_event_is_proven_once_a_checkpoint_covers_it(world: World, caller: str) -> None:
    entries = [b"one", b"the key event", b"three"]
    world.ledger.paper.append(entries)
    world.queries.places = [KeyEventPlace(1, 1), KeyEventPlace(2, 3), KeyEventPlace(3, None)]
    page = KeyEventPage.model_validate_json((await world.get(caller, PATH)).content)
    assert [(one.seq, one.leaf_index, one.proof is None) for one in page.items] == [
        (1, 1, False),
        (2, 3, True),
        (3, None, True),
    ]
    proof = (page.items[0].proof or "").encode()
    verify_proof(proof, b"the key event", parse_log_keys(world.trust.log_vkeys))
    assert hashlib.sha256(parse_proof(proof).extra).digest() == hashlib.sha256(b"the key event").digest()
    later = KeyEventPage.model_validate_json((await world.get(caller, f"{PATH}?after=2")).content)
    assert [one.seq for one in later.items] == [3]
    assert (await world.get(caller, f"{PATH}?after=-1")).status_code == 400
