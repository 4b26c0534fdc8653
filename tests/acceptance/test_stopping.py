"""An exchange that is asked to stop: somebody waits for news, and the ledger hears of it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from client.auditor import verify_ledger
from shared.contracts.topology import SERVICES
from tests.acceptance.refusals import PARIS, Bench

POLL_S = 20
STOP_S = 10.0
TOLD_WITHIN_S = 20.0


def test_open_long_polls_are_answered_and_it_ends_cleanly_in_time(bench: Bench) -> None:
    exchange = bench.exchange
    paris = bench[PARIS]
    position = paris.get("/v1/feed").document["next"]
    path = f"/v1/feed?wait={POLL_S}&after={position}"
    before = len(exchange.process.log.read_text())
    with ThreadPoolExecutor(3) as at_once:
        polls = [at_once.submit(paris.get, path) for _ in range(2)]
        time.sleep(1.0)  # nothing tells from outside that a poll waits
        assert not any(poll.done() for poll in polls)
        began = time.monotonic()
        exchange.process.stop()
        took_s = time.monotonic() - began
        exchange.process.start()
        assert [(poll.result().status, poll.result().document["items"]) for poll in polls] == [(200, []), (200, [])]
    assert took_s < STOP_S
    assert "Traceback" not in exchange.process.log.read_text()[before:]


def test_services_tell_when_they_began_and_ended_and_under_which_roster(bench: Bench) -> None:
    exchange = bench.exchange
    process, rows = exchange.process, exchange.rows

    def told(type_: str) -> set[str]:
        return {leaf["service"] for leaf in rows.leaves() if leaf["type"] == type_}

    def await_told(type_: str) -> None:
        until = time.monotonic() + TOLD_WITHIN_S
        while told(type_) != set(SERVICES):
            assert time.monotonic() < until, told(type_)
            time.sleep(0.05)

    process.stop()
    settings, process.settings = process.settings, {**process.settings, "COMITY_TOLD_AFTER_S": "0"}
    process.start()
    await_told("exchange.started")
    process.stop()
    process.settings = settings
    process.start()
    await_told("exchange.stopped")
    [roster] = [leaf for leaf in rows.leaves() if leaf["type"] == "directory.roster"]
    starts = [leaf for leaf in rows.leaves() if leaf["type"] == "exchange.started"]
    assert {one["roster_sha256"] for one in starts} == {roster["roster_sha256"]}
    assert len({one["process"] for one in starts}) == len(starts)
    ended = {leaf["process"] for leaf in rows.leaves() if leaf["type"] == "exchange.stopped"}
    assert ended == {one["process"] for one in starts}
    report = verify_ledger(exchange.ledger(), exchange.trust, workers=0)
    assert report.ok, report.differences
