"""What the exchange tells of itself is contradicted where it can be: who read, and what it counted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.apisig.sign import sign_request
from shared.apisig.verify import verify_request
from shared.domain.ids import encode_time
from shared.keys.private import Ed25519Signer, generate_ed25519
from shared.keys.public import OPERATOR
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.told_ledgers import audit, copy_of, found
from tests.unit.keys.parties import NAME, PartyOnTest

COUR = PartyOnTest("MA.COUR", {"api-ed25519": generate_ed25519()})
URL = "https://exchange.example/log/tile/entries/000.p/9"


def signed(exchange: PaperExchange, url: str = URL, key: Ed25519Signer | None = None, method: str = "GET") -> str:
    own = COUR.keys["api-ed25519"]
    assert isinstance(own, Ed25519Signer)
    signer = key or own
    headers = sign_request(method, url, b"", None, signer, own.kid("MA.COUR"), exchange.now)
    public = signer.public_key()
    return verify_request(method, url, headers, b"", lambda _: public, exchange.now).signature_text


@pytest.fixture
def exchange(story: PaperExchange) -> PaperExchange:
    made = copy_of(story)
    entries = COUR.entries(made.now)
    made.record_event("enrol", "MA.COUR", keys=entries, role="auditor", mandate="full", name=NAME, country="MA")
    return made


def read(exchange: PaperExchange, **changes: Any) -> None:
    fields = {"auditor": "MA.COUR", "day": encode_time(exchange.now)[:10], "request": signed(exchange)}
    exchange.add_leaf("audit.reading", **{**fields, **changes})


def refused(exchange: PaperExchange, **changes: Any) -> None:
    fields = {
        "since": encode_time(exchange.now - timedelta(seconds=60)),
        "until": encode_time(exchange.now),
        "refused": [{"code": "call.busy", "count": 2, "party": "BE.PF"}, {"code": "call.unsigned", "count": 1}],
    }
    exchange.add_leaf("exchange.calls-refused", **{**fields, **changes})


def test_readings_and_refusals_that_are_true_are_no_difference(exchange: PaperExchange, tmp_path: Path) -> None:
    read(exchange)
    refused(exchange)
    exchange.pass_time(86_400)
    read(exchange)
    report = audit(exchange, tmp_path)
    assert report.ok, report.differences
    assert (report.leaves["audit.reading"], report.leaves["exchange.calls-refused"]) == (2, 1)


def test_a_day_stands_once(exchange: PaperExchange, tmp_path: Path) -> None:
    read(exchange)
    read(exchange)
    assert found(audit(exchange, tmp_path)) == {"reading"}


UNTRUE: dict[str, dict[str, Any]] = {
    "another day": {"day": "2026-01-01"},
    "a party that is no auditor": {"auditor": "BE.PF"},
    "a party that nobody enrolled": {"auditor": "XX.NOBODY"},
    "words instead of a call": {"request": "it did ask"},
}


@pytest.mark.parametrize("how", UNTRUE)
def test_a_reading_that_the_auditor_did_not_sign_for_is_seen(exchange: PaperExchange, tmp_path: Path, how: str) -> None:
    read(exchange, **UNTRUE[how])
    assert found(audit(exchange, tmp_path)) == {"reading"}


def test_a_call_by_another_key_or_for_something_else_is_seen(exchange: PaperExchange, tmp_path: Path) -> None:
    read(exchange, request=signed(exchange, key=generate_ed25519()))
    exchange.pass_time(86_400)
    read(exchange, request=signed(exchange, "https://exchange.example/v1/feed"))
    report = audit(exchange, tmp_path)
    assert [one.what for one in report.differences] == ["reading", "reading"]


def test_a_reading_that_was_recorded_before_it_was_asked_for_is_seen(exchange: PaperExchange, tmp_path: Path) -> None:
    read(exchange, at=exchange.now - timedelta(hours=3))
    assert found(audit(exchange, tmp_path)) == {"reading"}


def retry_call(exchange: PaperExchange) -> str:
    operator = exchange.operators[0]
    url, public = "https://exchange.example/v1/operator/dead-letters/routing-1/retry", operator.public_key()
    headers = sign_request("POST", url, b"", None, operator, public.kid(OPERATOR), exchange.now)
    return verify_request("POST", url, headers, b"", lambda _: public, exchange.now).signature_text


def retried(exchange: PaperExchange, call: str, **changes: Any) -> None:
    fields = {"service": "routing", "letter": 1, "reason": "unexpected", "request": call}
    exchange.add_leaf("exchange.letter-retried", **{**fields, **changes})


def test_a_letter_may_be_tried_again_each_time_that_an_operator_asks(exchange: PaperExchange, tmp_path: Path) -> None:
    for _ in range(2):
        retried(exchange, retry_call(exchange))
    report = audit(exchange, tmp_path)
    assert report.ok, report.differences


def test_a_call_for_a_letter_stands_once(exchange: PaperExchange, tmp_path: Path) -> None:
    call = retry_call(exchange)
    for _ in range(2):
        retried(exchange, call)
    assert found(audit(exchange, tmp_path)) == {"retry"}


def test_a_retry_that_was_recorded_before_it_was_asked_for_is_seen(exchange: PaperExchange, tmp_path: Path) -> None:
    retried(exchange, retry_call(exchange), at=exchange.now - timedelta(hours=3))
    assert found(audit(exchange, tmp_path)) == {"retry"}


MISCOUNTED: dict[str, dict[str, Any]] = {
    "of a time to come": {"until": "2031-01-01T00:00:00Z"},
    "backwards": {"since": "2031-01-01T00:00:00Z"},
    "of a year": {"since": "2025-11-22T00:00:00Z"},
    "a kind twice": {"refused": [{"code": "call.busy", "count": 1}, {"code": "call.busy", "count": 1}]},
    "out of order": {"refused": [{"code": "call.unsigned", "count": 1}, {"code": "call.busy", "count": 1}]},
    "nothing": {"refused": [{"code": "call.busy", "count": 0}]},
}


@pytest.mark.parametrize("how", MISCOUNTED)
def test_an_account_that_cannot_be_one_is_seen(exchange: PaperExchange, tmp_path: Path, how: str) -> None:
    refused(exchange, **MISCOUNTED[how])
    assert found(audit(exchange, tmp_path)) == {"refusals"}


def test_a_gateway_that_refused_nothing_may_say_so(exchange: PaperExchange, tmp_path: Path) -> None:
    refused(exchange, refused=[])
    report = audit(exchange, tmp_path)
    assert report.ok, report.differences
