"""The year's figures follow from the ledger, and are those that a reader counts by hand."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from client.audit_folder import AuditFolder
from client.audit_statistics import year_report
from client.ledger_source import DirectoryLedger
from tests.unit.client.letters import BE, FR, MA, open_dossier, reply
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.told_ledgers import request_text


def report(exchange: PaperExchange, place: Path, year: int) -> dict[str, Any]:
    source = DirectoryLedger(exchange.write_ledger(place / "ledger"))
    with AuditFolder(place / "audit", exchange.trust()).brought_up_to_date(source, workers=0) as (done, file):
        assert done.ok
        assert done.last_logged_at is not None
        return year_report(file.memory, year, done.last_logged_at)


def test_requests_times_and_what_is_overdue_are_counted(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    dossier = open_dossier(ma, FR, BE)
    open_dossier(ma, BE)
    fr.mailbox.read_feed()
    exchange.pass_time(2 * 86_400)
    reply(fr, dossier, "acknowledge")
    exchange.pass_time(86_400)
    reply(fr, dossier, "refuse", act={"grounds": ["essential-interests"]}, content={"reasons": "As agreed."})
    figures = report(exchange, tmp_path, 2026)
    assert figures["by_pair"] == {"MA.PGR → BE.PF": 2, "MA.PGR → FR.BEPI": 1}
    assert (figures["legs"], figures["legs_the_year_before"], figures["growth_percent"]) == (3, 0, None)
    assert figures["by_measures"] == {"bank-data": 3}
    assert figures["by_statuses"] == {"submitted": 2, "refused": 1}
    assert figures["by_outcomes"] == {"none yet": 2, "refused": 1}
    assert figures["days_to"]["answer"] == {"legs": 1, "median": 2.0, "p95": 2.0}
    assert figures["days_to"]["decision"] == {"legs": 1, "median": 3.0, "p95": 3.0}
    assert figures["days_to"]["result"]["legs"] == 0
    later = report(exchange, tmp_path, 2027)
    assert (later["legs"], later["legs_the_year_before"], later["growth_percent"]) == (0, 3, -100.0)


def test_what_nobody_did_in_time_is_overdue_and_what_nobody_asked_for_closes(
    exchange: PaperExchange, tmp_path: Path
) -> None:
    open_dossier(exchange.correspond(MA, tmp_path), BE)
    exchange.pass_time(timedelta(days=200).total_seconds())
    exchange.add_leaf("evidence.retrieval", **_retrieval(exchange))
    figures = report(exchange, tmp_path, 2026)
    assert figures["overdue_by_debtor"] == {BE: 1}


def _retrieval(exchange: PaperExchange) -> dict[str, str]:
    [received] = exchange.envelopes.values()
    header = received.header
    return {
        "message": header.id,
        "dossier": header.dossier,
        "recipient": BE,
        "envelope_sha256": received.digest,
        "request": request_text(BE, header.id, exchange.now),
    }
