"""The auditor's list of key events: in words, and with a flag at what only a person can explain."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from client.audit_keys import events_not_in_the_ledger, unexplained, words_of
from client.audit_report import AuditReport, KeyChange
from client.auditor import verify_ledger
from client.explained_events import EXPLAINED_FILE, ExplainedEvents, Explanation
from client.ledger_source import DirectoryLedger
from shared.errors import KeyChangeUnexplained, RequestFileInvalid
from shared.keys.directory import Compromise
from shared.keys.events import draft_event, encode_event, sign_event
from tests.unit.client.letters import FR, MA, open_dossier
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.test_swapped_keys import answers_of, new_entries, swapped
from tests.unit.client.told_ledgers import audit
from tests.unit.envelope.workshop import party

HOUR = timedelta(hours=1)


def renew(exchange: PaperExchange) -> bytes:
    """Rabat's rotation, by its old keys."""
    event = draft_event("rotate", exchange.directory, exchange.now, MA, keys=new_entries(exchange, MA))
    return encode_event(event, [sign_event(event, one, MA) for one in (party(MA).ed25519, party(MA).mldsa65)])


def flags(report: AuditReport) -> dict[int, tuple[str, ...]]:
    """But for those of the three enrolments."""
    assert report.ok
    assert [change.flags for change in report.key_changes[:3]] == [("enrolled",)] * 3
    return {change.seq: change.flags for change in report.key_changes[3:] if change.flags}


def test_an_exchange_where_nothing_is_strange_has_no_flag(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.admit_event(renew(exchange))
    exchange.record_event("suspend", FR)
    exchange.record_event("reinstate", FR)
    report = audit(exchange, tmp_path)
    assert flags(report) == {}
    assert words_of(report.key_changes[3]).startswith("MA.PGR renewed its keys (sign-ed25519, ")
    assert {words_of(change).split()[0] for change in report.key_changes} <= {"MA.PGR", "FR.BEPI", "BE.PF"}


def test_a_recovery_is_flagged_until_somebody_explains_it(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.record_event("recover", FR, keys=new_entries(exchange, FR))
    report = audit(exchange, tmp_path)
    assert flags(report) == {4: ("recovered",)}
    assert "did NOT sign" in words_of(report.key_changes[3])
    assert [one.seq for one in unexplained(report.key_changes, [])] == [1, 2, 3, 4]
    assert unexplained(report.key_changes, [1, 2, 3, 4]) == []
    kept = [change.digest for change in report.key_changes[:3]]
    assert [one.seq for one in unexplained(report.key_changes, [], kept)] == [4]


def test_an_enrolment_is_flagged_unless_the_ceremony_compared_all_its_keys(
    exchange: PaperExchange, tmp_path: Path
) -> None:
    exchange.write_ledger(tmp_path)
    kids = [key.kid for key in exchange.directory.parties()[0].keys]
    for pinned, flagged in ((kids, 2), (kids[:3], 3)):
        trust = exchange.trust(pinned_keys=tuple(pinned))
        report = verify_ledger(DirectoryLedger(tmp_path), trust, workers=0)
        assert len([change for change in report.key_changes if change.flags == ("enrolled",)]) == flagged


# --- what was explained is kept


def explanation(change: KeyChange, why: str = "met the head of the office in Paris") -> Explanation:
    return Explanation(digest=change.digest, seq=change.seq, party=change.party, at="2026-11-22T09:30:00Z", why=why)


def test_explanations_are_kept_by_the_digest_of_their_event(exchange: PaperExchange, tmp_path: Path) -> None:
    first, second, third = audit(exchange, tmp_path).key_changes
    kept = ExplainedEvents(tmp_path / EXPLAINED_FILE)
    assert kept.read() == {}
    kept.add(explanation(second), explanation(first))
    kept.add(explanation(third), explanation(first, "met again"))
    found = ExplainedEvents(tmp_path / EXPLAINED_FILE).read()
    assert [one.seq for one in found.values()] == [1, 2, 3]
    assert found[first.digest].why == "met again"
    assert unexplained([first, second, third], [], found) == []
    assert unexplained([replace(first, digest="A" * 43)], [], found), "the event of another ledger under its number"


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"v":"comity-explained/1","explained":[{}]}', b"\xff"])
def test_a_file_of_explanations_that_cannot_be_read_explains_nothing_and_is_not_overwritten(
    tmp_path: Path, content: bytes
) -> None:
    kept = ExplainedEvents(tmp_path / EXPLAINED_FILE)
    kept.path.write_bytes(content)
    with pytest.raises(RequestFileInvalid):
        kept.read()
    with pytest.raises(RequestFileInvalid):
        kept.add()
    assert kept.path.read_bytes() == content


@pytest.mark.parametrize(("days", "expected"), [(1, {}), (1.01, {4: ("dated-elsewhere",)})])
def test_an_event_that_is_dated_far_from_its_place_is_flagged(
    exchange: PaperExchange, tmp_path: Path, days: float, expected: dict[int, tuple[str, ...]]
) -> None:
    """A dishonest intake admits it all the same."""
    event = renew(exchange)
    exchange.pass_time(timedelta(days=days).total_seconds())
    exchange.admit_event(event)
    assert flags(audit(exchange, tmp_path)) == expected


@pytest.mark.parametrize("since", [-HOUR, HOUR])
def test_what_stolen_keys_signed_is_flagged_from_the_theft_on(
    exchange: PaperExchange, tmp_path: Path, since: timedelta
) -> None:
    open_dossier(exchange.correspond(MA, tmp_path))
    exchange.admit_event(renew(exchange))
    stolen = Compromise(party(MA).signing_kids, exchange.now + since)
    exchange.pass_time(7200)
    exchange.record_event("compromise", MA, compromise=stolen)
    report = audit(exchange, tmp_path / "ledger")
    if since < timedelta(0):
        assert flags(report) == {4: ("signed-when-compromised",)}
        assert [doubt.kid for doubt in report.doubts] == list(party(MA).signing_kids)
    else:
        assert flags(report) == {}
        assert report.doubts == []


def test_what_one_client_was_shown_convicts_the_operators(exchange: PaperExchange, tmp_path: Path) -> None:
    """The client that stopped kept the directory; the auditor finds a signed event in it that is in no ledger."""
    other = swapped(exchange)
    exchange.record_event("suspend", FR)
    exchange.tamper = answers_of(other, "/v1/authorities")
    with pytest.raises(KeyChangeUnexplained):
        exchange.correspond(MA, tmp_path).directory()
    assert (tmp_path / MA / "unexplained-directory.json").exists()
    shown = [event.decode() for event in other.events]
    [found] = events_not_in_the_ledger(shown, audit(exchange, tmp_path / "ledger"), exchange.trust())
    assert (found.seq, found.type, found.party, found.is_proof) == (4, "recover", FR, True)
