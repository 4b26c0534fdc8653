"""Directory, registry and what operators submit: signed documents pass through byte for byte."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.apisig.directory_statements import DirectoryStatement, verify_statement
from shared.contracts.api import INSTRUMENTS_CONTENT_TYPE, KEY_EVENT_CONTENT_TYPE, Directory
from shared.contracts.messages import RecordInstruments, RecordKeyEvent
from shared.contracts.records import InstrumentsRecord
from shared.domain.strict_json import encode_canonical_json
from shared.errors import Busy, StoreUnavailable
from shared.keys.directory import Directory as Replayed
from shared.keys.events import draft_event, replay_events
from shared.keys.instruments import sign_instruments
from shared.keys.public import OPERATOR
from tests.unit.audit.paper_log import ORIGIN
from tests.unit.gateway.fakes import NOW
from tests.unit.gateway.world import World, code_of
from tests.unit.keys.parties import PartyOnTest, renew

KEY_EVENTS, INSTRUMENTS = "/v1/operator/key-events", "/v1/operator/instruments"
REGISTRY = encode_canonical_json({"v": 1, "version": "test.1", "note": "none", "instruments": []})


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["BE.PF", "MA.AUDIT", OPERATOR])
async def test_whoever_replays_the_events_gets_the_same_parties(world: World, name: str) -> None:
    response = await world.get(name, "/v1/authorities")
    answer = Directory.model_validate_json(response.content)
    events = [event.encode() for event in answer.events]
    replayed = replay_events(events, world.exchange.operator_keys, 2, Replayed.empty(ORIGIN))
    assert replayed.head == world.exchange.directory.head
    for shown, known in zip(answer.parties, replayed.parties(), strict=True):
        assert (shown.party, shown.role, shown.suspended) == (known.id, known.role, known.is_suspended)
        assert [key.kid for key in shown.keys] == [key.kid for key in known.keys]
        assert shown.names["official"] == known.name.official


async def test_an_unchanged_directory_is_not_sent_again(world: World) -> None:
    first = await world.get("BE.PF", "/v1/authorities")
    etag = {"If-None-Match": first.headers["etag"]}
    assert (await world.get("BE.PF", "/v1/authorities", etag)).status_code == 304
    world.exchange.suspend(world.parties["FR.BEPI"], at=NOW)
    world.clock.advance(6)
    changed = await world.get("BE.PF", "/v1/authorities", etag)
    assert changed.status_code == 200
    assert [party["suspended"] for party in changed.json()["parties"] if party["party"] == "FR.BEPI"] == [True]


async def test_events_that_this_process_has_not_verified_are_not_passed_on(world: World) -> None:
    await world.get("BE.PF", "/v1/authorities")
    known = len(world.exchange.documents)
    world.exchange.documents.append(b"not verified here yet")
    answer = (await world.get("BE.PF", "/v1/authorities")).json()
    assert len(answer["events"]) == known


async def test_the_registry_is_served_as_it_was_signed(world: World) -> None:
    assert code_of(await world.get("BE.PF", "/v1/instruments")) == "call.not-there"
    document = sign_instruments(REGISTRY, world.exchange.operators[:2], ORIGIN)
    world.queries.registry = InstrumentsRecord(1, document, NOW)
    response = await world.get("BE.PF", "/v1/instruments")
    assert response.content == document
    assert response.headers["content-type"] == INSTRUMENTS_CONTENT_TYPE


async def test_well_known_tells_who_this_is_and_what_time_it_has(world: World) -> None:
    answer = (await world.bare("GET", "/.well-known/comity")).json()
    assert answer["origin"] == ORIGIN
    assert answer["versions"] == ["v1"]
    assert answer["time"] == "2026-11-22T09:30:00.000000Z"


async def test_the_newest_event_is_signed_with_the_time_at_which_the_store_was_looked_at(world: World) -> None:
    async def stated() -> str:
        return str((await world.get("BE.PF", "/v1/authorities/statement")).json()["statement"])

    first = await stated()
    directory = world.exchange.directory
    assert verify_statement(first, world.trust.receipt_key) == DirectoryStatement(
        ORIGIN, directory.index, directory.head, NOW
    )
    world.clock.advance(0.9)
    assert await stated() == first, "one signature serves whoever asks within a second"
    world.exchange.suspend(world.parties["FR.BEPI"], at=NOW)
    world.clock.advance(0.2)
    said = verify_statement(await stated(), world.trust.receipt_key)
    assert (said.index, said.head) == (directory.index + 1, world.exchange.directory.head)
    assert said.at == NOW + timedelta(seconds=1.1)


async def test_a_statement_is_never_dated_after_the_store_was_last_asked(world: World) -> None:
    """Otherwise the exchange would sign, of a store that is silent, what it cannot know."""
    await world.get("BE.PF", "/v1/authorities/statement")
    world.keyring.failure = StoreUnavailable(why="no answer")
    world.clock.advance(7)
    text = (await world.get("BE.PF", "/v1/authorities/statement")).json()["statement"]
    assert verify_statement(text, world.trust.receipt_key).at == NOW
    world.clock.advance(4)
    assert code_of(await world.get("BE.PF", "/v1/authorities/statement")) == "call.busy"


# --- what operators submit -------------------------------------------------------------------------------------------


def an_enrolment(world: World, signers: int = 2) -> bytes:
    return world.exchange.decide(world.exchange.draft_enrolment(PartyOnTest("ES.SGCJI")), signers)


async def test_a_key_event_is_kept_by_the_bus(world: World) -> None:
    event = an_enrolment(world)
    response = await world.post(OPERATOR, KEY_EVENTS, event, KEY_EVENT_CONTENT_TYPE)
    assert (response.status_code, response.content) == (202, b"")
    assert world.bus.kept == [RecordKeyEvent(event=event, received_at="2026-11-22T09:30:00.000000Z")]


async def test_a_rotation_is_signed_by_its_party_and_carried_by_an_operator(world: World) -> None:
    party = world.parties["BE.PF"]
    renewed = renew(party, "api-ed25519")
    draft = draft_event("rotate", world.exchange.directory, NOW, "BE.PF", keys=renewed.entries(uses=["api-ed25519"]))
    response = await world.post(OPERATOR, KEY_EVENTS, party.sign(draft), KEY_EVENT_CONTENT_TYPE)
    assert response.status_code == 202


async def test_a_rotation_that_its_party_did_not_sign_is_refused_when_an_operator_posts_it(world: World) -> None:
    """The thief of one operator's key would otherwise give intake what it must set aside."""
    party = world.parties["BE.PF"]
    stranger = PartyOnTest(party.id, {**party.keys, "sign-ed25519": PartyOnTest("BE.PF").keys["sign-ed25519"]})
    keys = renew(party, "api-ed25519").entries(uses=["api-ed25519"])
    draft = draft_event("rotate", world.exchange.directory, NOW, "BE.PF", keys=keys)
    response = await world.post(OPERATOR, KEY_EVENTS, stranger.sign(draft), KEY_EVENT_CONTENT_TYPE)
    assert code_of(response) == "keys.event-refused"
    assert "sign" in response.json()["detail"]
    assert world.bus.kept == []


async def test_a_rotation_that_is_recorded_may_be_carried_again(world: World) -> None:
    party = world.parties["BE.PF"]
    keys = renew(party, "api-ed25519").entries(uses=["api-ed25519"])
    event = party.sign(draft_event("rotate", world.exchange.directory, NOW, "BE.PF", keys=keys))
    world.exchange.admit(event)
    assert (await world.post(OPERATOR, KEY_EVENTS, event, KEY_EVENT_CONTENT_TYPE)).status_code == 202


async def test_an_event_whose_predecessor_is_not_known_here_yet_is_kept(world: World) -> None:
    """Two enrolments in a row: this process learns of the first within seconds, the second must not wait for it."""
    first = an_enrolment(world)
    world.exchange.admit(first)
    second = world.exchange.decide(world.exchange.draft_enrolment(PartyOnTest("IT.MDG")))
    assert (await world.post(OPERATOR, KEY_EVENTS, second, KEY_EVENT_CONTENT_TYPE)).status_code == 202


async def test_an_event_below_the_quorum_is_refused_at_once(world: World) -> None:
    response = await world.post(OPERATOR, KEY_EVENTS, an_enrolment(world, signers=1), KEY_EVENT_CONTENT_TYPE)
    assert response.status_code == 422
    assert code_of(response) == "keys.event-refused"
    assert world.bus.kept == []


@pytest.mark.parametrize("body", [b"{}", b"no JSON", b'{"document":"e30","signatures":[]}'])
@pytest.mark.parametrize(
    ("path", "content_type", "code"),
    [
        (KEY_EVENTS, KEY_EVENT_CONTENT_TYPE, "keys.event-refused"),
        (INSTRUMENTS, INSTRUMENTS_CONTENT_TYPE, "instruments.invalid"),
    ],
)
async def test_a_document_that_is_none_is_refused(
    world: World, path: str, content_type: str, code: str, body: bytes
) -> None:
    assert code_of(await world.post(OPERATOR, path, body, content_type)) == code
    assert world.bus.kept == []


async def test_a_registry_is_kept_when_a_quorum_signed_it(world: World) -> None:
    document = sign_instruments(REGISTRY, world.exchange.operators[1:], ORIGIN)
    response = await world.post(OPERATOR, INSTRUMENTS, document, INSTRUMENTS_CONTENT_TYPE)
    assert response.status_code == 202
    assert world.bus.kept == [RecordInstruments(document=document, received_at="2026-11-22T09:30:00.000000Z")]


@pytest.mark.parametrize("fault", ["one operator", "not a registry"])
async def test_a_registry_that_no_quorum_signed_or_that_is_none_is_refused(world: World, fault: str) -> None:
    document = {
        "one operator": sign_instruments(REGISTRY, world.exchange.operators[:1], ORIGIN),
        "not a registry": sign_instruments(b'{"v":1}', world.exchange.operators[:2], ORIGIN),
    }[fault]
    response = await world.post(OPERATOR, INSTRUMENTS, document, INSTRUMENTS_CONTENT_TYPE)
    assert response.status_code == 422
    assert code_of(response) == "instruments.invalid"


async def test_operators_hear_when_the_bus_keeps_nothing(world: World) -> None:
    world.bus.failure = Busy(retry_after_s=2)
    response = await world.post(OPERATOR, KEY_EVENTS, an_enrolment(world), KEY_EVENT_CONTENT_TYPE)
    assert code_of(response) == "call.busy"


async def test_an_operators_document_has_a_limit(world: World) -> None:
    response = await world.post(OPERATOR, KEY_EVENTS, b" " * 262_145, KEY_EVENT_CONTENT_TYPE)
    assert code_of(response) == "call.too-large"


async def test_an_authority_uploads_no_registry(world: World) -> None:
    document = sign_instruments(REGISTRY, world.exchange.operators[:2], ORIGIN)
    response = await world.post("MA.PGR", INSTRUMENTS, document, INSTRUMENTS_CONTENT_TYPE)
    assert code_of(response) == "call.not-permitted"
