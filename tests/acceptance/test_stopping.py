"""An exchange that is asked to stop while somebody waits for news."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from tests.acceptance.refusals import PARIS, Bench

POLL_S = 20
STOP_S = 10.0


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
