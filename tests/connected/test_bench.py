"""The benchmarks' own parts, alive: a second of load on a small exchange, and a second of the bare chain."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench.drivers import RoundFailed, drive, module
from bench.letters import write_letters
from bench.parties import Parties, enrol
from bench.rivals import BareApi, BareChain
from deploy.local import PrivateRabbitMQ
from shared.adapters.keyfiles import init_exchange
from shared.keys.private import generate_ed25519
from tests.exchange_process import ExchangeProcess


@dataclass(frozen=True)
class Loaded:
    """An embedded exchange with the benchmark's parties, and a file of letters."""

    url: str
    parties: Parties
    place: Path

    def plan(self, letters: int, **more: Any) -> dict[str, Any]:
        path = self.place / f"letters-{time.monotonic_ns()}"
        write_letters(path, self.parties, letters, 1024)
        seeds = {party: self.parties.api_seed(party).hex() for party in self.parties.keys}
        return {"url": self.url, "letters": str(path), "seeds": seeds, **more}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    place = tmp_path_factory.mktemp("bench")
    data = place / "exchange"
    data.mkdir()
    operators = (generate_ed25519(), generate_ed25519())
    trust = init_exchange(data, "comity.bench/log", operators, 2, datetime.now(UTC), "development")
    process = ExchangeProcess(data, place / "exchange.log")
    process.start()
    try:
        yield Loaded(process.url, enrol(process.url, trust, operators), place)
    finally:
        process.kill()


def test_a_saturated_second_is_counted_message_by_message_from_post_to_feed(loaded: Loaded) -> None:
    heard: list[str] = []
    plan = loaded.plan(400, mode="saturate", warm_up_s=0.3, seconds=1.0, outstanding=10)
    result = drive(module("bench.load"), plan, heard.append)
    assert heard == ["open", "closed"]
    assert result["accepted"] >= result["delivered_in_window"] > 0
    assert (result["lost"], result["repeated"], result["foreign"]) == (0, 0, 0)
    together = zip(
        result["posted_to_accepted_s"], result["accepted_to_feed_s"], result["posted_to_feed_s"], strict=True
    )
    for accepted_s, rest_s, whole_s in together:
        assert accepted_s > 0
        assert accepted_s + rest_s == pytest.approx(whole_s)


def test_a_round_whose_letters_run_out_is_no_measurement(loaded: Loaded) -> None:
    plan = loaded.plan(3, mode="saturate", warm_up_s=0.0, seconds=30.0, outstanding=10)
    with pytest.raises(RoundFailed, match="letters ran out"):
        drive(module("bench.load"), plan)


def test_paced_arrivals_keep_their_rate(loaded: Loaded) -> None:
    plan = loaded.plan(60, mode="pace", warm_up_s=0.2, seconds=1.0, rate=20.0)
    result = drive(module("bench.load"), plan)
    assert 15 <= result["offered"] <= 25
    assert len(result["posted_to_feed_s"]) == result["offered"]


def test_the_accept_path_is_measured_alike_on_both(loaded: Loaded, tmp_path: Path) -> None:
    plan = loaded.plan(8, warm_up_s=0.1, seconds=0.4, connections=1)
    bare = BareApi()
    with bare.serving(tmp_path):
        result = drive(module("bench.accept_load"), {**plan, "url": bare.url})
    assert result["delivered_in_window"] > 0
    assert result["failed"] == {}


def test_the_bare_chain_moves_every_message_three_hops(rabbitmq: PrivateRabbitMQ, tmp_path: Path) -> None:
    rabbitmq.start()
    chain = BareChain(rabbitmq)
    with chain.serving(tmp_path):
        measured = chain.run(0.5, 0.2, outstanding=5)
    assert measured.rate > 0
    assert min(measured.latency_s) > 0
