"""A draft is a file: what it says of officers is held against the desk when it leaves; one hand at a time holds it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from client.correspondence import Correspondence
from client.desk import drafts
from client.desk.drafts import Draft, draft_of
from client.desk.rules import Acting, Desk, Officer, Role
from shared.domain.ids import encode_time
from shared.errors import ApprovalMissing, DeskUnusable, DraftBusy, DraftUnknown, DraftUnusable, OfficerRefused
from shared.keys.base64url import encode_b64u
from shared.keys.private import Ed25519Signer
from tests.unit.client.letters import FR, MA, a_request
from tests.unit.client.paper_exchange import PaperExchange

ROLES = {"alami": [Role.drafter], "bennis": [Role.approver, Role.sender]}
KEYS = {name: Ed25519Signer(name.ljust(32).encode()) for name in ROLES}


@pytest.fixture
def start(exchange: PaperExchange, tmp_path: Path) -> Callable[[], Correspondence]:
    """One more process in the same home."""
    return lambda: exchange.correspond(MA, tmp_path)


@pytest.fixture
def ma(start: Callable[[], Correspondence], exchange: PaperExchange) -> Correspondence:
    own = start()
    since = encode_time(exchange.now)
    named = {name: {"id": name, "name": name, "functions": "Prosecutor", "since": since} for name in ROLES}
    officers = [
        Officer.model_validate({**named[name], "roles": roles, "key": encode_b64u(KEYS[name].public)})
        for name, roles in ROLES.items()
    ]
    own.office.change(Desk(authority=MA, officers=tuple(officers)))
    return own


@pytest.fixture
def draft(ma: Correspondence) -> Draft:
    composed = ma.compose_request(a_request(), (FR,), "quadripartite")
    return ma.office.draft(draft_of(composed.header, dict(composed.content), []), KEYS["alami"])


def test_a_signature_in_a_role_that_its_officer_never_had_lets_nothing_leave(
    ma: Correspondence, draft: Draft, exchange: PaperExchange
) -> None:
    forged = draft.model_copy(update={"signed": (), "officers": ()})
    for name, role in (("bennis", Role.drafter), ("alami", Role.approver)):
        officer = ma.office.require_desk().officer(name).shown
        forged = forged.signed_by(Acting(officer=officer, role=role), KEYS[name], exchange.now)
    assert forged.approved.eyes == 2
    ma.office.drafts.keep(forged)
    with pytest.raises(OfficerRefused, match="no drafter at"), ma.office.sending(draft.name, KEYS["bennis"]):
        pytest.fail("it must not leave")


def test_a_signature_of_before_its_officers_time_lets_nothing_leave(
    ma: Correspondence, draft: Draft, exchange: PaperExchange
) -> None:
    exchange.pass_time(60)
    desk = ma.office.require_desk()
    late = [one.model_copy(update={"since": encode_time(exchange.now)}) for one in desk.officers]
    ma.office.change(desk.model_copy(update={"officers": tuple(late)}))
    ma.office.approve(draft.name, KEYS["bennis"])
    with pytest.raises(OfficerRefused, match="no drafter at"), ma.office.sending(draft.name, KEYS["bennis"]):
        pytest.fail("it must not leave")


def test_without_its_senders_signature_nothing_leaves(ma: Correspondence, draft: Draft) -> None:
    approved = ma.office.approve(draft.name, KEYS["bennis"])
    assert approved.approved.eyes == 2
    with pytest.raises(ApprovalMissing, match="no sender signed it"):
        ma.office.require(approved.header, {**approved.content, "approvals": approved.sealed}, approved.attachments)


def test_what_is_being_sent_is_neither_sent_nor_changed_nor_listed_by_another_process(
    ma: Correspondence, draft: Draft, start: Callable[[], Correspondence]
) -> None:
    ma.office.approve(draft.name, KEYS["bennis"])
    other = start()
    with ma.office.sending(draft.name, KEYS["bennis"]) as (_, header, _):
        assert other.office.waiting() == ([], [])
        with pytest.raises(DraftBusy):
            other.office.discard(draft.name)
        with pytest.raises(DraftBusy), other.office.sending(draft.name, KEYS["bennis"]):
            pytest.fail("it must not leave twice")
        assert other.office.drafts.load(draft.name).message == header.id
    assert [one.message for one in other.office.waiting()[0]] == [None], "nothing was stored, so it is a draft again"
    other.office.discard(draft.name)
    with pytest.raises(DraftUnknown):
        ma.office.discard(draft.name)


def test_without_a_desk_no_message_names_officers(start: Callable[[], Correspondence]) -> None:
    own = start()
    composed = own.compose_request(a_request(), (FR,), "quadripartite")
    with pytest.raises(DeskUnusable, match="approvals stand in the content"):
        own.office.require(composed.header, {**composed.content, "approvals": {"officers": []}}, ())


def test_a_draft_that_could_not_be_read_again_is_not_kept(
    ma: Correspondence, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "MAX_DRAFT_BYTES", len(draft.model_dump_json().encode()))
    with pytest.raises(DraftUnusable, match="it has more than"):
        ma.office.approve(draft.name, KEYS["bennis"])
