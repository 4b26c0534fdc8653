"""The freeze of the law: an exchange shows one client the registry of instruments of before it was amended."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from client.audit_keys import false_statements
from client.audit_report import AuditReport
from client.auditor import verify_ledger
from client.directory_statement import WITHHELD_AFTER
from client.ledger_source import DirectoryLedger
from shared.apisig.directory_statements import DirectoryStatement, sign_statement
from shared.errors import DirectoryUndated, InstrumentsInvalid
from shared.keys.base64url import encode_b64u
from tests.unit.client.letters import MA
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.paper_services import REGISTRY

STATEMENT, INSTRUMENTS = "/v1/authorities/statement", "/v1/instruments"
AMENDED = json.dumps({**json.loads(REGISTRY), "instruments": json.loads(REGISTRY)["instruments"][:-1]}).encode()


def said(exchange: PaperExchange, **changes: Any) -> str:
    published, head = exchange.published, exchange.directory.head
    assert published is not None
    true = DirectoryStatement(
        exchange.trust().origin,
        exchange.directory.index,
        head,
        exchange.now,
        published.number,
        published.digest,
    )
    return sign_statement(replace(true, **changes), exchange.receipt_signer)


def answering(**paths: Any) -> Any:
    """`statement` or `registry` instead of the true answer."""

    def tamper(path: str, body: bytes) -> bytes:
        if path == STATEMENT and "statement" in paths:
            return json.dumps({"statement": paths["statement"]()}).encode()
        return bytes(paths["registry"]) if path == INSTRUMENTS and "registry" in paths else body

    return tamper


@pytest.fixture
def amended(exchange: PaperExchange) -> PaperExchange:
    """Publication 1 is shown, and 2 is the newest."""
    old = exchange.registry
    exchange.load_registry(AMENDED)
    exchange.tamper = answering(registry=old)
    return exchange


def test_a_registry_that_is_older_than_the_exchange_signs_is_refused(amended: PaperExchange, tmp_path: Path) -> None:
    """By a client that never saw the newer one."""
    ma = amended.correspond(MA, tmp_path)
    with pytest.raises(InstrumentsInvalid, match="publication 1 is shown, and the exchange signed that 2 exist"):
        ma.instruments()
    amended.tamper = lambda path, body: body
    shown = ma.instruments()
    assert shown is not None
    assert len(shown.instruments) == len(json.loads(AMENDED)["instruments"])


def test_a_registry_that_is_kept_back_altogether_is_missed(amended: PaperExchange, tmp_path: Path) -> None:
    ma = amended.correspond(MA, tmp_path)
    amended.registry, true = None, said(amended)
    amended.tamper = answering(statement=lambda: true)
    with pytest.raises(InstrumentsInvalid, match="none is shown, and the exchange signed that 2 exist"):
        ma.instruments()


@pytest.mark.parametrize("number", [1, 2])
def test_a_registry_that_does_not_follow_the_signed_one_is_refused(
    amended: PaperExchange, tmp_path: Path, number: int
) -> None:
    other = {"registry": number, "registry_digest": encode_b64u(bytes(32))}
    amended.tamper = answering(statement=lambda: said(amended, **other))
    with pytest.raises(InstrumentsInvalid, match="does not follow"):
        amended.correspond(MA, tmp_path).instruments()


def test_no_registry_counts_without_a_fresh_statement(amended: PaperExchange, tmp_path: Path) -> None:
    old = said(amended)
    amended.tamper = answering(statement=lambda: old)
    amended.pass_time(61)
    with pytest.raises(DirectoryUndated):
        amended.correspond(MA, tmp_path).instruments()


def audited(exchange: PaperExchange, folder: Path) -> AuditReport:
    report = verify_ledger(DirectoryLedger(exchange.write_ledger(folder)), exchange.trust(), workers=0)
    assert report.ok
    return report


@pytest.mark.parametrize(("late", "is_proof"), [(timedelta(0), False), (timedelta(seconds=1), True)])
def test_an_exchange_that_signs_the_old_registry_to_be_the_newest_is_convicted_by_its_statement(
    exchange: PaperExchange, tmp_path: Path, late: timedelta, is_proof: bool
) -> None:
    first, old = exchange.published, exchange.registry
    assert first is not None
    exchange.load_registry(AMENDED)
    frozen = {"registry": first.number, "registry_digest": first.digest}
    exchange.tamper = answering(registry=old, statement=lambda: said(exchange, **frozen))
    exchange.now += WITHHELD_AFTER + late
    ma = exchange.correspond(MA, tmp_path)
    assert ma.instruments() is not None, "nothing that this client sees contradicts it"
    exchange.tamper = lambda path, body: body
    exchange.pass_time(1)
    assert ma.instruments() is not None
    kept = [one.statement for one in ma.register.keys.statements()]
    assert len(kept) == 2, "the true statement that came later leaves the false one"
    found = false_statements(kept, audited(exchange, tmp_path / "log"), exchange.trust())
    assert [(one.what, one.index, "registry 2 was logged" in one.why) for one in found] == [
        ("registry", 1, True)
    ] * is_proof


def test_a_statement_about_a_registry_that_the_ledger_does_not_hold_is_false(
    exchange: PaperExchange, tmp_path: Path
) -> None:
    digest = encode_b64u(bytes(32))
    report = audited(exchange, tmp_path / "log")
    for number, why in ((1, "another registry"), (7, "no such registry")):
        text = said(exchange, registry=number, registry_digest=digest)
        [found] = false_statements([text], report, exchange.trust())
        assert (found.what, found.index) == ("registry", number)
        assert why in found.why
