"""Five times more comes than can be delivered: a real exchange refuses, keeps its promises, and lets nobody starve.

Its capacity is made small, so that a small machine can overload it: intake takes 50 ms for each message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bench.overload import ENROLLED, Result, overload
from tests.exchange_process import EnrolledExchange, enrol_exchange
from tests.unit.envelope.workshop import party

CAPACITY = 20.0
"""Per second, at the very best."""
SETTINGS = {"COMITY_UNSAFE_SLOW": f"intake:{1 / CAPACITY}", "COMITY_ADMISSION_LEAST": "32"}
SECONDS = 10.0


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnrolledExchange]:
    with enrol_exchange(tmp_path_factory.mktemp("overload"), [party(name) for name in ENROLLED], SETTINGS) as enrolled:
        yield enrolled


@pytest.fixture(scope="module")
def result(exchange: EnrolledExchange) -> Result:
    found = asyncio.run(overload(exchange.process.url, SECONDS, capacity=CAPACITY))
    exchange.rows.wait_settled()
    print(found.table())
    return found


def test_what_cannot_be_delivered_is_refused_with_a_time_to_come_back(result: Result) -> None:
    assert result.offered / result.seconds >= 4 * result.delivered / result.counted_s, "this was no overload"
    assert set(result.refused) <= {429, 503}
    assert result.refused.total() > len(result.receipted)
    assert result.refused_without_retry_after == 0


def test_no_more_is_admitted_than_delivered_but_for_what_is_on_its_way(result: Result) -> None:
    assert result.delivered > CAPACITY, "it hardly delivers"
    assert result.ratio <= 1.2, result.table()


def test_every_submission_with_a_receipt_has_its_decision_in_the_ledger(
    exchange: EnrolledExchange, result: Result
) -> None:
    assert result.lost == 0
    decided = [leaf["message"] for leaf in exchange.rows.leaves() if leaf["type"].startswith("decision.")]
    assert sorted(decided) == sorted(set(decided))
    assert result.receipted <= set(decided)
    assert len(result.receipted) >= result.admitted


def test_who_sends_little_goes_through_while_others_flood(result: Result) -> None:
    assert result.quiet_sent >= SECONDS - 2
    assert result.quiet_admitted >= 0.8 * result.quiet_sent, result.table()
    assert result.quiet_slowest_s < 10
