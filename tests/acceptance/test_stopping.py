"""An exchange that is asked to stop: somebody waits for news, and the ledger hears of it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from client.auditor import verify_ledger
from shared.adapters.keyfiles import load_trust
from shared.adapters.renewed_keys import announce_log, renew_log, renew_services
from shared.contracts.topology import SERVICES
from tests.acceptance.refusals import PARIS, RABAT, Bench
from tests.exchange_process import now

POLL_S = 20
STOP_S = 10.0
TOLD_WITHIN_S = 20.0
ALL = set(SERVICES)


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


class Told:
    """What the services tell of themselves, with nothing waited for."""

    def __init__(self, bench: Bench) -> None:
        self._rows = bench.exchange.rows

    def leaves(self, type_: str) -> list[dict[str, Any]]:
        return [leaf for leaf in self._rows.leaves() if leaf["type"] == type_]

    def await_all(self, type_: str, roster: str = "") -> None:
        until = time.monotonic() + TOLD_WITHIN_S
        while {one["service"] for one in self.leaves(type_) if one.get("roster_sha256", roster) == roster} != ALL:
            assert time.monotonic() < until, self.leaves(type_)
            time.sleep(0.05)


def test_services_tell_of_themselves_and_go_on_with_new_keys_where_those_of_before_left_off(bench: Bench) -> None:
    exchange, told = bench.exchange, Told(bench)
    process, settings = exchange.process, exchange.process.settings
    process.stop()
    process.settings = {**settings, "COMITY_TOLD_AFTER_S": "0"}
    process.start()
    [first] = told.leaves("directory.roster")
    told.await_all("exchange.started", first["roster_sha256"])
    process.stop()
    process.settings = settings
    announced = announce_log(process.data, exchange.operators, now())
    process.start(crash_at="gateway:submitted")
    exchange.rows.wait_settled()
    letter = bench[RABAT].letter()
    with pytest.raises(httpx2.TransportError):
        bench[RABAT].post(letter)
    process.wait_killed(TOLD_WITHIN_S)
    process.settings = {**settings, "COMITY_TOLD_AFTER_S": "0"}
    roster = renew_services(process.data, ALL, exchange.operators, now())
    renew_log(process.data, exchange.rows.rows("SELECT max(size) FROM ledger_checkpoint")[0][0])
    exchange.hang_up()
    exchange.trust = load_trust(process.data)
    process.start()
    assert bench.await_decision(bench[RABAT], letter.header["id"])["decision"] == "accepted"
    told.await_all("exchange.started", roster.digest)
    exchange.rows.wait_settled()
    assert exchange.rows.dead_letters() == []
    told.await_all("exchange.stopped")
    assert [one["roster_sha256"] for one in told.leaves("directory.roster")] == [
        *(first["roster_sha256"], announced.digest, roster.digest)
    ]
    report = verify_ledger(exchange.ledger(), exchange.trust, workers=0)
    assert report.ok, report.differences
    assert exchange.trust.log_vkeys == announced.log_vkeys
    process.stop()
    process.settings = settings
    process.start()
