"""A dishonest exchange lets recovered keys act before their time: recipients and auditors judge by the same rule."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from client.audit_report import AuditReport
from client.auditor import verify_ledger
from client.ledger_source import DirectoryLedger
from client.signing import AuthorityKeys, generate_authority_keys
from shared.keys.waiting import WAIT_FOR_NEW_KEY
from tests.unit.audit.paper_log import WITNESSED
from tests.unit.client.letters import FR, MA, open_dossier
from tests.unit.client.paper_exchange import PaperExchange

HOUR = timedelta(hours=1)


def recover(exchange: PaperExchange) -> AuthorityKeys:
    """Rabat gets new keys, from the operators."""
    new = generate_authority_keys(MA)
    exchange.record_event("recover", MA, keys=new.prove(exchange.now - HOUR, exchange.now + timedelta(days=365)))
    return new


def production(exchange: PaperExchange, **more: Any) -> Any:
    return exchange.trust(environment="production", witness_policy=WITNESSED, **more)


def audit(exchange: PaperExchange, place: Path, **more: Any) -> AuditReport:
    return verify_ledger(DirectoryLedger(exchange.write_ledger(place)), production(exchange, **more), workers=0)


def test_a_recipient_does_not_believe_what_recovered_keys_signed_before_their_time(
    exchange: PaperExchange, tmp_path: Path
) -> None:
    new = recover(exchange)
    open_dossier(exchange.correspond_with(new, tmp_path, exchange.trust()), FR)
    fr = exchange.correspond(FR, tmp_path, production(exchange))
    [alarm] = fr.mailbox.read_feed().alarms
    assert alarm.error.code == "client.key-recovered", "until it is compared, or its time has come"
    exchange.pass_time((WAIT_FOR_NEW_KEY + HOUR).total_seconds())
    [alarm] = exchange.correspond(FR, tmp_path, production(exchange)).mailbox.read_feed().alarms
    assert alarm.error.facts["broken"] == "message.key-waits", "that time passed since makes it no better"
    again = exchange.correspond(FR, tmp_path, production(exchange))
    known = again.directory().latest.party(MA)
    assert known is not None
    again.directory().note_compared(known.keys)
    assert not again.mailbox.read_feed().alarms


@pytest.mark.parametrize(("hours", "stands"), [(0, False), (71, False), (73, True)])
def test_an_auditor_finds_what_was_admitted_under_keys_that_waited(
    exchange: PaperExchange, tmp_path: Path, hours: int, stands: bool
) -> None:
    new = recover(exchange)
    exchange.pass_time(hours * 3600)
    open_dossier(exchange.correspond_with(new, tmp_path, exchange.trust()), FR)
    report = audit(exchange, tmp_path / "ledger")
    assert report.ok is stands
    wrong = [one.why for one in report.differences]
    assert wrong == ([] if stands else ["it was accepted; by the rules it is rejected as message.key-waits"])
    assert audit(exchange, tmp_path / "ledger", pinned_keys=new.signing_kids).ok, "the ceremony compared them"
    assert verify_ledger(DirectoryLedger(tmp_path / "ledger"), exchange.trust(), workers=0).ok, "in development"
