"""The operator signs any ledger it likes, and an auditor with the trust file alone finds what was rewritten."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.audit.leaves import encode_entry, encode_leaf
from shared.keys.events import draft_event, encode_event, sign_event
from tests.unit.client.letters import BE, FR, MA, open_dossier
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.told_ledgers import (
    audit,
    copy_of,
    forged,
    found,
    index_of,
    leaf_of,
    request_text,
    rewritten,
    submission_of,
    with_fields,
)
from tests.unit.envelope.workshop import party


def test_a_dropped_decision_is_found(story: PaperExchange, tmp_path: Path) -> None:
    place = index_of(story, "decision.accepted")
    report = audit(rewritten(story, lambda entries: entries[:place] + entries[place + 1 :]), tmp_path)
    assert {"evidence", "decision"} <= found(report)


def test_a_dropped_key_event_is_found(story: PaperExchange, tmp_path: Path) -> None:
    assert "key-event" in found(audit(rewritten(story, lambda entries: entries[1:]), tmp_path))


def test_a_time_that_goes_back_is_found(story: PaperExchange, tmp_path: Path) -> None:
    def change(entries: list[bytes]) -> list[bytes]:
        early = encode_leaf("exchange.started", story.now, bytes(16), service="intake", version="1")
        return [*entries, encode_entry(story.now - timedelta(days=1), early)]

    assert found(audit(rewritten(story, change), tmp_path)) == {"entry"}


def test_a_post_dated_leaf_is_found(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    exchange.add_leaf("exchange.started", at=story.now + timedelta(hours=1), service="intake", version="1")
    assert found(audit(exchange, tmp_path)) == {"post-dated"}


def test_a_leaf_outside_the_catalogue_is_found(story: PaperExchange, tmp_path: Path) -> None:
    entry = b'2030-11-22T02:36:28.123456Z\n{"type":"other"}'
    assert found(audit(rewritten(story, lambda entries: [*entries, entry]), tmp_path)) == {"entry"}


@pytest.mark.parametrize(
    ("type_", "changes", "what"),
    [
        ("decision.accepted", {"envelope_sha256": "A" * 43}, "envelope"),
        ("decision.accepted", {"sender": "ES.SGCJI"}, "envelope"),
        ("decision.accepted", {"states": [{"measures": {"M1": "closed"}}]}, "states"),
        ("decision.accepted", {"directory_index": 99}, "directory-index"),
        ("decision.accepted", {"directory_index": 1}, "decision"),
        ("decision.accepted", {"decide_by": "2026-11-20T00:00:00Z"}, "late"),
        ("decision.accepted", {"decide_by": "2026-11-22T12:00:00Z"}, "promise"),
        ("decision.accepted", {"flags": ["not-in-force:fr.bepi"]}, "flags"),
        ("decision.rejected", {"flags": ["not-in-force:fr.bepi"]}, "flags"),
        ("decision.rejected", {"code": "dossier.stale"}, "decision"),
        ("decision.rejected", {"code": "envelope.signature-invalid"}, "decision"),
        ("decision.rejected", {"jws": None}, "envelope"),
        ("evidence.delivery", {"recipient": "ES.SGCJI"}, "evidence"),
        ("evidence.delivery", {"envelope_sha256": "A" * 43}, "evidence"),
        ("evidence.delivery", {"route": "outside-channel"}, "evidence"),
        ("evidence.retrieval", {"recipient": BE}, "retrieval"),
        ("evidence.retrieval", {"request": "nobody asked"}, "retrieval"),
        ("directory.instruments", {"registry_sha256": "A" * 43}, "instruments"),
        ("directory.instruments", {"changes": ["ma-fr-2008:fr:denounced:2026-01-01"]}, "instruments"),
        ("directory.key-event", {"seq": 9}, "key-event"),
    ],
)
def test_a_leaf_that_says_otherwise_is_found(
    story: PaperExchange, tmp_path: Path, type_: str, changes: dict[str, Any], what: str
) -> None:
    assert what in found(audit(with_fields(story, type_, **changes), tmp_path))


def test_an_acceptance_of_a_forged_envelope_is_found(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    exchange.log_decision(forged(submission_of(story, tmp_path)), None)
    assert "decision" in found(audit(exchange, tmp_path))


def test_a_rejection_under_a_pretext_is_found(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    exchange.log_decision(submission_of(story, tmp_path), "envelope.expired")
    report = audit(exchange, tmp_path)
    assert found(report) == {"decision"}
    assert "by the rules it is accepted" in report.differences[0].why


def test_a_code_that_only_sealed_parts_explain_is_counted_and_not_believed(
    story: PaperExchange, tmp_path: Path
) -> None:
    exchange = copy_of(story)
    exchange.log_decision(submission_of(story, tmp_path), "envelope.part-mismatch")
    report = audit(exchange, tmp_path)
    assert report.ok
    assert report.taken_on_trust == 1


def test_a_message_decided_twice_is_found(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    exchange.log_decision(next(iter(story.envelopes.values())), "dossier.exists")
    assert found(audit(exchange, tmp_path)) == {"decided-twice"}


def test_a_directory_kept_stale_on_purpose_is_found(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    exchange.pass_time(3600)
    received = submission_of(exchange, tmp_path)
    index = story.directory.index - 1
    exchange.log_decision(received, "dossier.unknown", directory_index=index)
    assert "directory-index" in found(audit(exchange, tmp_path))


def test_a_decision_dated_before_a_suspension_that_stands_before_it_is_found(
    story: PaperExchange, tmp_path: Path
) -> None:
    exchange = copy_of(story)
    received = submission_of(exchange, tmp_path)
    exchange.pass_time(600)
    exchange.log_decision(received, "dossier.unknown", at=story.now, directory_index=story.directory.index - 1)
    assert "directory-index" in found(audit(exchange, tmp_path))


def test_a_decision_dated_hours_before_it_was_logged_is_found(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    received = submission_of(exchange, tmp_path)
    exchange.pass_time(2 * 3600)
    exchange.log_decision(received, "dossier.unknown", at=story.now)
    assert "back-dated" in found(audit(exchange, tmp_path))


def test_a_flag_of_the_law_that_was_left_out_is_found(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.intake_knows_registry = False
    exchange.pass_time(600)
    open_dossier(exchange.correspond(MA, tmp_path), FR)
    report = audit(exchange, tmp_path / "ledger")
    assert found(report) == {"flags"}
    assert "registry gives: none" in report.differences[0].why


def test_a_decision_may_rest_on_what_was_in_force_a_moment_before(exchange: PaperExchange, tmp_path: Path) -> None:
    other = PaperExchange(intake_knows_registry=False)
    other.enrol(MA, FR, BE)
    ma = other.correspond(MA, tmp_path)
    other.load_registry()
    open_dossier(ma, FR)  # by a service that has not heard of the registry yet
    assert audit(other, tmp_path / "at once").ok
    other.pass_time(600)
    open_dossier(ma, FR)
    assert found(audit(other, tmp_path / "later")) == {"flags"}


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_request_signed_at_another_time_than_the_retrieval_is_found(
    exchange: PaperExchange, tmp_path: Path, hours: int
) -> None:
    exchange.pass_time(7200)
    open_dossier(exchange.correspond(MA, tmp_path), FR)
    received = next(iter(exchange.envelopes.values()))
    asked = exchange.now + timedelta(hours=hours)
    exchange.evidence("retrieval", received, FR, request=request_text(FR, received.header.id, asked))
    report = audit(exchange, tmp_path / "ledger")
    assert found(report) == {"retrieval"}
    assert all("signed its request at" in one.why for one in report.differences)


def test_a_request_of_a_suspended_party_is_found(exchange: PaperExchange, tmp_path: Path) -> None:
    open_dossier(exchange.correspond(MA, tmp_path), FR)
    received = next(iter(exchange.envelopes.values()))
    exchange.record_event("suspend", FR)
    exchange.pass_time(600)
    exchange.evidence("retrieval", received, FR, request=request_text(FR, received.header.id, exchange.now))
    report = audit(exchange, tmp_path / "ledger")
    assert ["did not count" in one.why for one in report.differences] == [True]


def test_an_accepted_message_that_was_never_delivered_is_found(story: PaperExchange, tmp_path: Path) -> None:
    def change(entries: list[bytes]) -> list[bytes]:
        return [entry for entry in entries if leaf_of(entry)["type"] != "evidence.delivery"]

    exchange = rewritten(story, change)
    assert audit(exchange, tmp_path / "today").ok  # it may still come
    exchange.pass_time(25 * 3600)
    exchange.add_leaf("exchange.started", service="ledger", version="1")
    # It also says that nobody fetched in time what was, by this ledger, never there to be fetched.
    assert found(audit(exchange, tmp_path / "tomorrow")) == {"undelivered", "evidence"}


def test_a_key_event_with_one_operators_signature_is_found(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    event = draft_event("reinstate", story.directory, story.now, BE)
    document = encode_event(event, [sign_event(event, story.operators[0])])
    exchange.add_leaf("directory.key-event", event=json.loads(document), seq=story.directory.index + 1)
    assert found(audit(exchange, tmp_path)) == {"key-event"}


def test_a_swapped_sealing_key_is_in_the_list_of_key_changes(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    stolen = replace(party("ES.SGCJI"), authority=FR).prove(story.now, story.now + timedelta(days=30))
    exchange.record_event("recover", FR, keys=stolen)
    report = audit(exchange, tmp_path)
    assert report.ok
    assert (report.key_changes[-1].type, report.key_changes[-1].party) == ("recover", FR)
