"""Messages, evidences and dossiers: each reader gets its own, and an outsider cannot tell what exists."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.apisig.request_text import verify_signed_request_text
from shared.audit.proofs import parse_proof, verify_proof
from shared.contracts.api import Decision, DossierAnswer, DossierPage, Evidences, MessageForReader
from shared.contracts.messages import EnvelopeRetrieved
from shared.contracts.records import Evidence, LegRecord, PartsPruned
from shared.domain.dossier import decide_move, encode_leg, open_legs
from shared.domain.ids import new_uuid7
from shared.domain.reference import verify_number
from shared.envelope.container import parse_envelope, parse_submission
from shared.errors import Busy
from shared.keys.base64url import parse_b64u
from shared.keys.public import Ed25519Public
from shared.ports.queries import DossierView, EvidenceView, PrunedView
from tests.unit.audit.paper_log import keys_of, started_entries
from tests.unit.domain.letters import a_header, a_message
from tests.unit.domain.letters import digest_of as digest_named
from tests.unit.gateway.fakes import MESSAGE, NOW
from tests.unit.gateway.letters import a_letter, decided, keep
from tests.unit.gateway.world import World, code_of

NOBODYS = "019aaa00-0000-7000-8000-00000000dead"


# --- messages --------------------------------------------------------------------------------------------------------


async def test_a_recipient_gets_what_it_needs_to_verify_and_open(world: World) -> None:
    letter = a_letter()
    keep(world, letter)
    response = await world.get("BE.PF", f"/v1/messages/{MESSAGE}")
    answer = MessageForReader.model_validate_json(response.content)
    sent = parse_submission(letter.submission)
    assert answer.digest == letter.digest
    assert parse_envelope(sent.jws_bytes).jws_bytes == sent.jws_bytes
    assert answer.jws["payload"] == sent.jws.payload_text
    assert answer.kid is not None
    assert answer.wrap is not None
    assert parse_b64u(answer.wrap) == sent.wraps[answer.kid]
    assert answer.kid.startswith("BE.PF#")
    assert [(part.name, part.size) for part in answer.parts] == [
        (part.name, part.ct_len) for part in sent.manifest.parts
    ]


async def test_a_recipients_call_is_kept_as_its_proof_of_asking(world: World) -> None:
    keep(world, a_letter())
    await world.get("BE.PF", f"/v1/messages/{MESSAGE}")
    [kept] = world.bus.kept
    assert isinstance(kept, EnvelopeRetrieved)
    assert (kept.message, kept.recipient, kept.retrieved_at) == (MESSAGE, "BE.PF", "2026-11-22T09:30:00.000000Z")
    asked = verify_signed_request_text(kept.request, lambda kid: Ed25519Public(world.caller("BE.PF").signer.public))
    assert (asked.method, asked.target_uri) == ("GET", f"{world.url}/v1/messages/{MESSAGE}")


@pytest.mark.parametrize("spelling", [f"{MESSAGE}?x=1", f"%30{MESSAGE[1:]}"])
async def test_a_call_that_auditors_would_not_read_as_a_retrieval_fetches_nothing(world: World, spelling: str) -> None:
    keep(world, a_letter())
    response = await world.get("BE.PF", f"/v1/messages/{spelling}")
    assert code_of(response) == "call.malformed"
    assert world.bus.kept == []


async def test_no_byte_of_a_message_leaves_before_the_proof_of_asking_is_kept(world: World) -> None:
    keep(world, a_letter())
    world.bus.failure = Busy(retry_after_s=2)
    response = await world.get("BE.PF", f"/v1/messages/{MESSAGE}")
    assert code_of(response) == "call.busy"
    assert "wrap" not in response.text


async def test_a_sender_that_rereads_its_own_copy_retrieves_nothing(world: World) -> None:
    keep(world, a_letter())
    response = await world.get("MA.PGR", f"/v1/messages/{MESSAGE}")
    assert response.json()["kid"].startswith("MA.PGR#")
    assert world.bus.kept == []


async def test_a_sealed_part_is_streamed_as_it_was_sent(world: World) -> None:
    letter = a_letter()
    keep(world, letter)
    sent = parse_submission(letter.submission)
    assert len(sent.parts) == 3
    for name, ciphertext in sent.parts.items():
        response = await world.get("FR.BEPI", f"/v1/messages/{MESSAGE}/parts/{name}")
        assert response.content == ciphertext
        assert response.headers["content-type"] == "application/octet-stream"
        assert response.headers["content-length"] == str(len(ciphertext))
        assert response.headers["cache-control"] == "private, max-age=31536000, immutable"
        again = await world.get("FR.BEPI", response.url.path, {"If-None-Match": response.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["p9", "body%00", "body%2F", "BODY"])
async def test_a_part_that_the_manifest_does_not_name_is_not_there(world: World, name: str) -> None:
    keep(world, a_letter())
    assert code_of(await world.get("BE.PF", f"/v1/messages/{MESSAGE}/parts/{name}")) == "call.not-there"


async def test_a_part_that_was_lost_is_refused_before_the_answer_begins(world: World) -> None:
    keep(world, a_letter())
    world.parts.held.clear()
    assert code_of(await world.get("BE.PF", f"/v1/messages/{MESSAGE}/parts/body")) == "call.not-there"


async def test_a_pruned_part_says_when_and_by_which_policy_to_its_readers_alone(world: World) -> None:
    keep(world, a_letter())
    world.parts.held.clear()
    at = datetime(2026, 11, 22, tzinfo=UTC)
    pruned = PartsPruned(MESSAGE, MESSAGE, at, at - timedelta(days=31), 30, b"leaf")
    world.queries.pruned[MESSAGE] = PrunedView(pruned, None)
    answer = await world.get("BE.PF", f"/v1/messages/{MESSAGE}/parts/body")
    assert (answer.status_code, code_of(answer)) == (410, "call.part-pruned")
    assert "2026-11-22T00:00:00.000000Z: its policy keeps them for 30 days" in answer.json()["detail"]
    other = await world.get("MA.PGR", f"/v1/messages/{MESSAGE.replace('019', '018', 1)}/parts/body")
    assert code_of(other) == "call.not-there"


async def test_a_decision_is_its_senders_alone(world: World) -> None:
    letter = a_letter()
    world.queries.decisions["MA.PGR", MESSAGE] = decided(letter)
    answer = Decision.model_validate_json((await world.get("MA.PGR", f"/v1/messages/{MESSAGE}/decision")).content)
    assert (answer.decision, answer.digest, answer.decided_at) == (
        "accepted",
        letter.digest,
        "2026-11-22T09:30:01.000000Z",
    )
    assert code_of(await world.get("BE.PF", f"/v1/messages/{MESSAGE}/decision")) == "call.not-there"


# --- what an outsider sees -------------------------------------------------------------------------------------------

OUTSIDE = [
    "/v1/messages/{}",
    "/v1/messages/{}/decision",
    "/v1/messages/{}/parts/body",
    "/v1/messages/{}/evidences",
    "/v1/dossiers/{}",
]


@pytest.mark.parametrize("path", OUTSIDE)
async def test_anothers_and_nobodys_are_the_same_answer_to_the_byte(world: World, path: str) -> None:
    letter = a_letter(recipients=["BE.PF"], basis={"BE.PF": {"primary": "ma-be-1997", "cited": [], "group": None}})
    keep(world, letter)
    world.queries.decisions["MA.PGR", MESSAGE] = decided(letter)
    world.queries.evidence["MA.PGR", MESSAGE] = []
    view = a_dossier()
    world.queries.files["MA.PGR"] = [view]
    anothers = view.dossier if "dossiers" in path else MESSAGE
    assert (await world.get("MA.PGR", path.format(anothers))).status_code == 200
    refusals = [await world.get("FR.BEPI", path.format(one)) for one in (anothers, NOBODYS, "no-id-at-all", "..%2f..")]
    assert {code_of(response) for response in refusals} == {"call.not-there"}
    assert len({response.content for response in refusals}) == 1
    assert len({tuple(sorted(response.headers.items())) for response in refusals}) == 1
    unknown_address = await world.get("FR.BEPI", "/v1/no-such-address")
    assert unknown_address.content == refusals[0].content
    assert world.bus.kept == []


# --- evidences -------------------------------------------------------------------------------------------------------


def evidence(kind: str, index: int | None, recipient: str = "") -> EvidenceView:
    return EvidenceView(Evidence(MESSAGE, kind, recipient, NOW, b"l" * 32), index)


async def test_an_evidence_comes_with_a_proof_that_verifies_by_itself(world: World) -> None:
    entries = started_entries(300)
    world.ledger.paper.append(entries)
    world.queries.evidence["MA.PGR", MESSAGE] = [
        evidence("submission-acceptance", 17),
        evidence("delivery", 299, "BE.PF"),
    ]
    response = await world.get("MA.PGR", f"/v1/messages/{MESSAGE}/evidences")
    first, second = Evidences.model_validate_json(response.content).items
    for item, index in ((first, 17), (second, 299)):
        assert item.proof is not None
        proven = verify_proof(item.proof.encode(), entries[index], keys_of())
        assert (proven.index, item.leaf_index) == (index, index)
        assert parse_proof(item.proof.encode()).extra == entries[index]  # the proof is whole without the log
    assert (second.kind, second.recipient) == ("delivery", "BE.PF")


@pytest.mark.parametrize("index", [None, 5, 6])
async def test_an_evidence_without_a_signed_checkpoint_over_it_has_no_proof_yet(
    world: World, index: int | None
) -> None:
    world.ledger.paper.append(started_entries(5))
    world.queries.evidence["MA.PGR", MESSAGE] = [evidence("submission-acceptance", index)]
    [item] = (await world.get("MA.PGR", f"/v1/messages/{MESSAGE}/evidences")).json()["items"]
    assert (item["leaf_index"], item["proof"]) == (index, None)


async def test_there_are_evidences_before_the_first_checkpoint(world: World) -> None:
    world.queries.evidence["MA.PGR", MESSAGE] = [evidence("submission-acceptance", 0)]
    [item] = (await world.get("MA.PGR", f"/v1/messages/{MESSAGE}/evidences")).json()["items"]
    assert item["proof"] is None


# --- dossiers --------------------------------------------------------------------------------------------------------


def a_dossier(number: int = 0, transport: dict[str, str] | None = None) -> DossierView:
    """Opened a minute ago by MA.PGR towards FR.BEPI, BE.PF and ES.SGCJI; FR.BEPI has acknowledged."""
    opened = NOW - timedelta(minutes=1)
    dossier = new_uuid7(opened + timedelta(seconds=number))
    legs = open_legs(a_header(dossier=dossier, sent=opened), digest_named("request"), opened)
    acknowledgement = a_message(legs[0], "acknowledge")
    legs[0] = decide_move(legs[0], acknowledgement, digest_named("acknowledgement"), opened)
    records = [LegRecord(dossier, leg.requested, "MA.PGR", leg.version, encode_leg(leg), opened) for leg in legs]
    shown = transport or {"FR.BEPI": "delivered", "BE.PF": "delivered", "ES.SGCJI": "submitted"}
    return DossierView(dossier, "MA.PGR", "mla-request", opened, records, shown)


async def test_a_dossier_shows_for_each_leg_where_it_stands_and_who_is_waited_for(world: World) -> None:
    view = a_dossier()
    world.queries.files["MA.PGR"] = [view]
    answer = DossierAnswer.model_validate_json((await world.get("MA.PGR", f"/v1/dossiers/{view.dossier}")).content)
    assert [(leg.requested, leg.status, leg.transport) for leg in answer.legs] == [
        ("FR.BEPI", "acknowledged", "delivered"),
        ("BE.PF", "delivered", "delivered"),
        ("ES.SGCJI", "submitted", "submitted"),
    ]
    assert answer.status == "submitted"
    assert {owed.debtor for owed in answer.legs[1].waiting_on} == {"BE.PF"}
    assert not any(owed.overdue for leg in answer.legs for owed in leg.waiting_on)
    assert answer.legs[0].state == view.legs[0].state
    assert verify_number(answer.number) == answer.number
    assert answer.number.startswith("MA26")


async def test_what_is_overdue_follows_from_the_clock(world: World) -> None:
    view = a_dossier()
    world.queries.files["MA.PGR"] = [view]
    world.clock.advance(timedelta(days=200).total_seconds())
    answer = DossierAnswer.model_validate_json((await world.get("MA.PGR", f"/v1/dossiers/{view.dossier}")).content)
    assert answer.legs[1].waiting_on
    assert all(owed.overdue for owed in answer.legs[1].waiting_on)


async def test_a_requested_party_sees_its_own_leg_as_the_whole_dossier(world: World) -> None:
    whole = a_dossier()
    world.queries.files["BE.PF"] = [replace(whole, legs=[whole.legs[1]])]
    answer = (await world.get("BE.PF", f"/v1/dossiers/{whole.dossier}")).json()
    assert [leg["requested"] for leg in answer["legs"]] == ["BE.PF"]
    assert answer["status"] == "delivered"
    assert "ES.SGCJI" not in str(answer)


async def test_pages_of_dossiers_follow_each_other_without_gap_or_repeat(world: World) -> None:
    world.queries.files["MA.PGR"] = [a_dossier(number) for number in range(5)]
    seen: list[str] = []
    path = "/v1/dossiers?limit=2"
    while path:
        response = await world.get("MA.PGR", path)
        page = DossierPage.model_validate_json(response.content)
        seen += [item.dossier for item in page.items]
        path = f"/v1/dossiers?after={page.next}&limit=2" if page.next else ""
        assert response.headers.get("link") == (f'<{path}>; rel="next"' if path else None)
    assert seen == sorted((view.dossier for view in world.queries.files["MA.PGR"]), reverse=True)


async def test_an_auditor_with_the_full_mandate_is_shown_every_dossier_page_by_page(world: World) -> None:
    world.queries.every_file = [a_dossier(number) for number in range(5)]
    seen: list[str] = []
    path = "/v1/audit/dossiers?limit=2"
    while path:
        response = await world.get("MA.AUDIT", path)
        page = DossierPage.model_validate_json(response.content)
        seen += [item.dossier for item in page.items]
        path = f"/v1/audit/dossiers?after={page.next}&limit=2" if page.next else ""
        assert response.headers.get("link") == (f'<{path}>; rel="next"' if path else None)
    assert seen == sorted((view.dossier for view in world.queries.every_file), reverse=True)
    assert code_of(await world.get("MA.PGR", "/v1/audit/dossiers")) == "call.not-permitted"


async def test_an_unchanged_dossier_is_not_sent_again(world: World) -> None:
    view = a_dossier()
    world.queries.files["MA.PGR"] = [view]
    path = f"/v1/dossiers/{view.dossier}"
    first = await world.get("MA.PGR", path)
    assert first.headers["cache-control"] == "private, no-cache"
    again = await world.get("MA.PGR", path, {"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    world.queries.files["MA.PGR"] = [replace(view, transport={"ES.SGCJI": "delivered"})]
    assert (await world.get("MA.PGR", path, {"If-None-Match": first.headers["etag"]})).status_code == 200


@pytest.mark.parametrize("query", ["after=%21", "after=ZjE6MQ", "after=", "limit=0", "limit=501", "limit=x"])
async def test_a_malformed_page_is_refused(world: World, query: str) -> None:
    response = await world.get("MA.PGR", f"/v1/dossiers?{query}")
    assert response.status_code == 400
    assert code_of(response) == "call.malformed"
