"""New keys of the log are held against what the log announced: a trust file with others is told, and so are others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from client.audit_browse import Browser
from client.audit_folder import AuditFolder
from client.audit_index import Search
from client.audit_report import AuditReport
from client.audit_words import headline
from client.auditor import verify_ledger
from client.ledger_source import DirectoryLedger
from shared.adapters.keyfiles import log_vkeys, new_log_seeds
from shared.keys.base64url import encode_b64u
from shared.keys.roster import ServiceKeys, draft_roster, sign_roster
from shared.keys.signed_document import encode_signed_document, parse_signed_document
from shared.keys.trust import FormerLogKeys, Trust
from tests.unit.audit.paper_log import ORIGIN
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.test_audited_services import SEALING
from tests.unit.client.told_ledgers import copy_of

NEXT, AFTER, OTHER = (log_vkeys(ORIGIN, new_log_seeds()) for _ in range(3))


@pytest.fixture
def exchange(story: PaperExchange) -> PaperExchange:
    return copy_of(story)


def announce(exchange: PaperExchange, *vkeys: str) -> int:
    """By a roster that names these keys of the log, or none; the entry that tells it."""
    exchange.pass_time(60)
    named = (vkeys[0], vkeys[1]) if vkeys else None
    gateway = ServiceKeys("gateway", exchange.receipt_signer.public_key(), SEALING)
    draft = draft_roster(ORIGIN, exchange.now, [gateway], named)
    signed = encode_signed_document(draft, [sign_roster(draft, one) for one in exchange.operators])
    digest = encode_b64u(parse_signed_document(signed).digest())
    exchange.add_leaf("directory.roster", roster_sha256=digest, document=json.loads(signed))
    return len(exchange.log.entries) - 1


def changed(exchange: PaperExchange, *pairs: tuple[str, str], size: int | None = None) -> Trust:
    """The trust file once the log's keys were changed to these, one after the other, at its present size."""
    trust = exchange.trust()
    entries = len(exchange.log.entries) if size is None else size
    before = [*reversed(pairs), trust.log_vkeys]
    former = tuple(FormerLogKeys(one, entries) for one in before[1:])
    return replace(trust, log_vkeys=before[0], former_log_keys=former)


def audit(exchange: PaperExchange, tmp_path: Path, trust: Trust) -> AuditReport:
    return verify_ledger(DirectoryLedger(exchange.write_ledger(tmp_path / "ledger")), trust, workers=0)


def whys(report: AuditReport) -> list[str]:
    assert {one.what for one in report.differences} <= {"log-keys"}, report.differences
    return [one.why for one in report.differences]


def test_keys_that_were_announced_and_then_handed_over_are_no_difference(
    exchange: PaperExchange, tmp_path: Path
) -> None:
    announce(exchange, *NEXT)
    announce(exchange)
    report = audit(exchange, tmp_path, changed(exchange, NEXT))
    assert report.ok, report.differences


def test_keys_of_the_trust_file_that_nobody_announced_are_told(exchange: PaperExchange, tmp_path: Path) -> None:
    announce(exchange)
    size = len(exchange.log.entries)
    [why] = whys(audit(exchange, tmp_path, changed(exchange, NEXT)))
    assert why == f"the trust file names keys that signed from entry {size} on, and no roster announced them before"


def test_announced_keys_that_the_trust_file_does_not_name_are_told(exchange: PaperExchange, tmp_path: Path) -> None:
    place = announce(exchange, *NEXT)
    [why] = whys(audit(exchange, tmp_path, exchange.trust()))
    assert why.startswith(
        f"entry {place} announces keys of the log that the trust file does not name: ask the operators"
    )


def test_a_trust_file_with_other_keys_than_were_announced_is_told_of_both(
    exchange: PaperExchange, tmp_path: Path
) -> None:
    announce(exchange, *OTHER)
    announce(exchange, *NEXT)
    assert len(whys(audit(exchange, tmp_path, changed(exchange, OTHER)))) == 2


def test_an_announcement_may_be_taken_back_before_it_is_used(exchange: PaperExchange, tmp_path: Path) -> None:
    announce(exchange, *OTHER)
    announce(exchange, *NEXT)
    assert whys(audit(exchange, tmp_path, changed(exchange, NEXT))) == []


def test_what_was_announced_after_the_change_was_not_announced(exchange: PaperExchange, tmp_path: Path) -> None:
    trust = exchange.trust()
    place = announce(exchange, *trust.log_vkeys)
    too_late, in_time = (
        audit(exchange, tmp_path, replace(trust, former_log_keys=(FormerLogKeys(OTHER, size),)))
        for size in (place, place + 1)
    )
    assert (len(whys(too_late)), whys(in_time)) == (1, [])


def test_pairs_that_never_signed_need_no_announcement(exchange: PaperExchange, tmp_path: Path) -> None:
    announce(exchange, *AFTER)
    assert whys(audit(exchange, tmp_path, changed(exchange, NEXT, AFTER))) == []


def test_keys_that_were_changed_are_not_named_again(exchange: PaperExchange, tmp_path: Path) -> None:
    trust = exchange.trust()
    announce(exchange, *trust.log_vkeys)
    announce(exchange, *OTHER)
    believed = replace(trust, former_log_keys=(FormerLogKeys(OTHER, 1),))
    told = whys(audit(exchange, tmp_path, believed))
    assert "it names keys of the log that were changed at entry 1" in told


def test_two_keys_that_are_no_pair_of_a_log_are_told(exchange: PaperExchange, tmp_path: Path) -> None:
    announce(exchange, NEXT[0], AFTER[0])
    assert len(whys(audit(exchange, tmp_path, exchange.trust()))) == 1


def test_the_entry_that_announces_is_told_from_other_rosters(exchange: PaperExchange, tmp_path: Path) -> None:
    announce(exchange)
    announce(exchange, *NEXT)
    source = DirectoryLedger(exchange.write_ledger(tmp_path / "ledger"))
    with AuditFolder(tmp_path / "audits", exchange.trust()).brought_up_to_date(source, workers=0) as (_, file):
        rosters = Browser(source, file).page(Search(kind="directory.roster"), 1, 10).entries
    assert ["names keys of the log" in headline(one) for one in rosters] == [True, False]


def test_a_new_trust_file_answers_what_was_told_before_it_came(exchange: PaperExchange, tmp_path: Path) -> None:
    announce(exchange, *NEXT)
    source = DirectoryLedger(exchange.write_ledger(tmp_path / "ledger"))

    def look(trust: Trust) -> list[str]:
        (tmp_path / "audits").mkdir(exist_ok=True)
        with AuditFolder(tmp_path / "audits", trust).brought_up_to_date(source, workers=0) as (report, _):
            return whys(report)

    assert len(look(exchange.trust())) == 1
    assert look(changed(exchange, NEXT)) == []
    assert len(look(changed(exchange, OTHER))) == 2
