"""`make bench-pipeline`: the whole exchange against its peers, in turns, on the same machine in the same minutes.

Parts, each of some rounds; in a round everybody runs once, in an order that is turned round from one to the next:
1. saturated: messages per second from accepted to the recipient's feed, with a bounded number outstanding;
2. paced: latency at a fifth of what part 1 reached, against the bare chain one message at a time.
The servers of all peers run the whole time; idle ones take next to nothing, and the spin score says what was left.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.drivers import RoundFailed
from bench.exchange import BenchExchange, Costs
from bench.figures import percentile
from bench.machine import load_average, spin_score
from bench.rivals import BareChain, FastStream, PeerMissing
from deploy.local import PrivateRabbitMQ

WARM_UP_S: Final = 3.0
CHAIN_OUTSTANDING: Final = 50
OUTSTANDING: Final = 300
"""Of ours: below the length at which a queue refuses, enough that every stage has a batch in hand."""
POLL_PAUSE_S: Final = 0.05
CALIBRATION_S: Final = 3.0
PACED_PART: Final = 0.2
SPARE: Final = 1.6
"""So many times more letters than the last rate would use."""
TRIES: Final = 3


@dataclass(frozen=True)
class Sizes:
    """How much of everything. `environments` is where peers have their own."""

    rounds: int
    seconds: float
    seed: int
    directory: Path
    environments: Path
    body_bytes: int = 1024
    only: frozenset[str] = frozenset()

    def wants(self, name: str) -> bool:
        return not self.only or name in self.only


@dataclass
class Measured:
    """Series by name, a value a round; pairs have the same place in their lists. `why_not` names absent peers."""

    series: dict[str, list[float]] = field(default_factory=dict)
    spins: list[dict[str, Any]] = field(default_factory=list)
    costs: list[Costs] = field(default_factory=list)
    why_not: dict[str, str] = field(default_factory=dict)
    repeated_rounds: list[str] = field(default_factory=list)

    def add(self, name: str, value: float) -> None:
        self.series.setdefault(name, []).append(value)


class Pipeline:
    def __init__(self, sizes: Sizes, exchange: BenchExchange, say: Callable[[str], None]) -> None:
        self.sizes = sizes
        self.exchange = exchange
        self.measured = Measured()
        self._say = say
        self._order = random.Random(sizes.seed)
        self._rate = 50.0

    def calibrate(self) -> None:
        """A short round that only tells how many letters the next ones need."""
        for _ in range(2):
            self._saturate(self.sizes.body_bytes, CALIBRATION_S)

    def saturated(self, contestants: dict[str, Callable[[], float]]) -> None:
        contestants = {"comity": self._counted, **contestants}
        for number in range(self.sizes.rounds):
            self._one_round(number, "saturated", contestants)

    def paced(self, chain: BareChain) -> None:
        rate = PACED_PART * min(self.measured.series["saturated.comity"])
        self._say(f"paced: {rate:.0f} messages/s")

        def ours() -> float:
            letters = self.exchange.seal(int(rate * (self.sizes.seconds + WARM_UP_S)) + 20, self.sizes.body_bytes)
            result, _ = self.exchange.run(letters, "pace", self.sizes.seconds, warm_up_s=WARM_UP_S, rate=rate)
            for kind in ("posted_to_accepted_s", "posted_to_feed_s", "accepted_to_feed_s"):
                self.measured.add(f"paced.{kind}.p50", percentile(result[kind], 50))
                self.measured.add(f"paced.{kind}.p99", percentile(result[kind], 99))
            return percentile(result["posted_to_feed_s"], 50)

        def theirs() -> float:
            latency = chain.run(self.sizes.seconds / 2, 1.0, 1).latency_s
            self.measured.add("paced.chain.p99", percentile(latency, 99))
            return percentile(latency, 50)

        for number in range(self.sizes.rounds):
            self._one_round(number, "paced", {"comity": ours, "chain": theirs})

    def _counted(self) -> float:
        rate, costs = self._saturate(self.sizes.body_bytes, self.sizes.seconds)
        self.measured.costs.append(costs)
        return rate

    def _saturate(self, body_bytes: int, seconds: float) -> tuple[float, Costs]:
        letters = self.exchange.seal(int(self._rate * SPARE * (seconds + WARM_UP_S)) + 2 * OUTSTANDING, body_bytes)
        result, costs = self.exchange.run(
            letters, "saturate", seconds, warm_up_s=WARM_UP_S, outstanding=OUTSTANDING, poll_pause_s=POLL_PAUSE_S
        )
        self._rate = result["delivered_in_window"] / result["seconds"]
        return self._rate, costs

    def _one_round(self, number: int, part: str, contestants: dict[str, Callable[[], float]]) -> None:
        """Everybody once. A round that one of them failed is done again from its beginning, and told."""
        for attempt in range(TRIES):
            names = self._order.sample(sorted(contestants), len(contestants))
            try:
                values = {name: self._one_turn(number, part, name, contestants[name]) for name in names}
            except RoundFailed as failed:
                self.measured.repeated_rounds.append(f"{part} {number + 1}: {failed}")
                self._say(f"  failed: {failed}")
                if attempt + 1 == TRIES:
                    raise
                continue
            for name, value in values.items():
                self.measured.add(f"{part}.{name}", value)
            return

    def _one_turn(self, number: int, part: str, name: str, run: Callable[[], float]) -> float:
        spin, load = spin_score(), load_average()
        value = run()
        self.measured.spins.append(
            {"round": number + 1, "part": part, "who": name, "before": spin, "after": spin_score(), "load": load}
        )
        self._say(f"  {part} {number + 1}: {name:<11} {value:10.4g}   spin {spin:.0f}")
        return value


def measure_pipeline(sizes: Sizes, say: Callable[[str], None]) -> Measured:
    """The whole benchmark. Raises RoundFailed when a contestant fails a round three times."""
    shutil.rmtree(sizes.directory, ignore_errors=True)
    logs = sizes.directory / "log"
    logs.mkdir(parents=True)
    with ExitStack() as stack:
        broker = stack.enter_context(PrivateRabbitMQ(sizes.directory / "peers-rabbitmq"))
        exchange = stack.enter_context(BenchExchange(sizes.directory / "exchange"))
        pipeline = Pipeline(sizes, exchange, say)
        chain = BareChain(broker)
        stack.enter_context(chain.serving(logs))
        contestants: dict[str, Callable[[], float]] = {
            "chain": lambda: chain.run(sizes.seconds, WARM_UP_S, CHAIN_OUTSTANDING).rate
        }
        if sizes.wants("faststream"):
            try:
                faststream = FastStream(broker, sizes.environments)
                stack.enter_context(faststream.serving(logs))
                contestants["faststream"] = lambda: faststream.run(sizes.seconds, WARM_UP_S, CHAIN_OUTSTANDING).rate
            except PeerMissing as missing:
                pipeline.measured.why_not["faststream"] = str(missing)
        pipeline.calibrate()
        pipeline.saturated(contestants)
        pipeline.paced(chain)
        return pipeline.measured
