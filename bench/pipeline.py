"""`make bench-pipeline`: the whole exchange against its peers, in turns, on the same machine in the same minutes.

Parts, each of some rounds in which everybody has one turn:
1. saturated: messages per second from accepted to the recipient's feed, with a bounded number outstanding;
2. paced: latency at a fifth of what part 1 reached, against the bare chain one message at a time;
3. overload: five times what part 1 reached is offered; what is not admitted must be refused politely;
4. accept: POST to 202 alone, with the services' place taken by something that drops what it gets.
The servers of all peers run the whole time. What the idle exchange takes of its peers' turns is measured and told.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench.drivers import Server, drive, module
from bench.elapsed import elapsed
from bench.exchange import BenchExchange, Costs
from bench.figures import percentile
from bench.rivals import As2, BareApi, BareChain, FastStream, PeerMissing
from bench.turns import Measured, Sizes, Turn, Turns
from deploy.local import PrivatePostgres, PrivateRabbitMQ

WARM_UP_S: Final = 3.0
CHAIN_OUTSTANDING: Final = 50
OUTSTANDING_S: Final = 1.0
OUTSTANDING_LEAST, OUTSTANDING_MOST = 96, 400
"""Of ours: what was delivered in a second of the last round."""
ROOMY: Final = {"admission_least": "1000", "admission_target_s": "5"}
"""While the exchange is saturated: the number outstanding is bounded by the generator, as it is for the peers. What
the gateway refuses by itself is the part `overload`, with the settings as they are by default."""
UNBOUNDED: Final = {
    "admission_least": "1000000",
    "admission_most": "1000000",
    "rate_submissions": "1000000 per 1 second",
}
"""For the accept path alone, where nothing is ever delivered: the gateway must not wait for that."""
POLL_PAUSE_S: Final = 0.05
CALIBRATION_S: Final = 3.0
CALIBRATIONS: Final = 6
CLIMBING: Final = 1.1
IDLE_S: Final = 5.0
PACED_PART: Final = 0.2
OVERLOAD_TIMES: Final = 5.0
OVERLOAD_WARM_UP_S: Final = 6.0
OVERLOAD_LEAST_S: Final = 10.0
"""Longer than the rest: what is admitted while the queues still fill is delivered after the window."""
SPARE: Final = 1.6
"""So many times more letters than the last rate would use."""
SMALL: Final = 1024
LARGE: Final = 102_400
FIRST_GUESS: Final = {SMALL: 600.0, LARGE: 200.0}
"""Messages a second, before the first calibration. One that is far too low makes too few letters."""
INTAKE_QUEUE: Final = "comity.intake"
ACCEPT_LETTERS: Final = 400


class Pipeline:
    """Our side of every part."""

    def __init__(self, exchange: BenchExchange, turns: Turns) -> None:
        self._exchange = exchange
        self._turns = turns
        self._seconds = turns.sizes.seconds
        self._rates = dict(FIRST_GUESS)

    def calibrate(self, sizes: tuple[int, ...]) -> None:
        """Short rounds until the rate stays: the number outstanding follows the rate, so that it climbs at first."""
        for body_bytes in (SMALL, *sizes):
            for _ in range(CALIBRATIONS):
                before = self._rates[body_bytes]
                rate, _ = self._saturate(body_bytes, CALIBRATION_S)
                self._turns.say(f"  calibration: {rate:.0f} messages/s of {body_bytes} bytes")
                if rate < before * CLIMBING:
                    break

    def saturated(self) -> dict[str, float]:
        rate, costs = self._saturate(SMALL, self._seconds)
        self._turns.measured.costs.append(costs)
        return {"comity": rate}

    def saturated_large(self) -> dict[str, float]:
        return {"comity_100k": self._saturate(LARGE, self._seconds)[0]}

    def paced(self, rate: float) -> dict[str, float]:
        letters = self._exchange.seal(int(rate * (self._seconds + WARM_UP_S)) + 20, SMALL)
        result, _ = self._exchange.run(letters, "pace", self._seconds, warm_up_s=WARM_UP_S, rate=rate)
        for leg, spent_s in asyncio.run(elapsed(self._exchange.local.postgres, result["moments"])).items():
            self._turns.measured.elapsed_s.setdefault(leg, []).append(spent_s)
        kinds = {"comity": "posted_to_feed_s", "accepted": "posted_to_accepted_s", "rest": "accepted_to_feed_s"}
        return {
            f"{name}_p{percent}": percentile(result[kind], percent)
            for name, kind in kinds.items()
            for percent in (50, 99)
        }

    def overloaded(self, rate: float) -> dict[str, float]:
        seconds = max(self._seconds, OVERLOAD_LEAST_S)
        letters = self._exchange.seal(int(rate * SPARE * (seconds + OVERLOAD_WARM_UP_S)) + 2500, SMALL)
        result, _ = self._exchange.run(
            letters,
            "overload",
            seconds,
            warm_up_s=OVERLOAD_WARM_UP_S,
            rate=rate * OVERLOAD_TIMES,
            poll_pause_s=POLL_PAUSE_S,
        )
        return {
            "offered": result["offered"] / result["seconds"],
            "admitted": result["accepted_in_window"] / result["seconds"],
            "delivered": result["delivered_in_window"] / result["seconds"],
            "refused": result["refused"] / result["seconds"],
            "broken_connections": float(result["broken"]),
            "without_retry_after": float(result["rude"]),
            "lost": float(result["lost"]),
        }

    def accept(self, name: str, url: str) -> dict[str, float]:
        plan = {
            "url": url,
            "letters": str(self._exchange.directory / "accept-letters"),
            "seeds": self._exchange.seeds(),
            "warm_up_s": 1.0,
            "seconds": self._seconds,
        }
        result = drive(module("bench.accept_load"), plan)
        return {
            name: result["delivered_in_window"] / result["seconds"],
            f"{name}_p50": percentile(result["latency_s"], 50),
        }

    def _saturate(self, body_bytes: int, seconds: float) -> tuple[float, Costs]:
        rate, refused, costs = saturate(self._exchange, body_bytes, seconds, self._rates[body_bytes])
        self._rates[body_bytes] = rate
        if refused:
            self._turns.say(f"    {refused} submissions were refused")
        return rate, costs


def saturate(exchange: BenchExchange, body_bytes: int, seconds: float, expected: float) -> tuple[float, int, Costs]:
    """Delivered a second, refused in all, what it cost; `expected` is about how many a second. Raises RoundFailed."""
    letters = exchange.seal(int(expected * SPARE * (seconds + WARM_UP_S)) + 2 * OUTSTANDING_MOST, body_bytes)
    outstanding = round(min(max(expected * OUTSTANDING_S, OUTSTANDING_LEAST), OUTSTANDING_MOST))
    return saturate_with(exchange, letters, seconds, outstanding)


def saturate_with(exchange: BenchExchange, letters: Path, seconds: float, outstanding: int) -> tuple[float, int, Costs]:
    """The same with letters that are there, and so many outstanding. Raises RoundFailed."""
    result, costs = exchange.run(
        letters, "saturate", seconds, warm_up_s=WARM_UP_S, outstanding=outstanding, poll_pause_s=POLL_PAUSE_S
    )
    return result["delivered_in_window"] / result["seconds"], result["refused"], costs


def measure_pipeline(sizes: Sizes, say: Callable[[str], None]) -> Measured:
    """The whole benchmark. Raises RoundFailed when a contestant fails a round three times."""
    shutil.rmtree(sizes.directory, ignore_errors=True)
    logs = sizes.directory / "log"
    logs.mkdir(parents=True)
    turns = Turns(sizes, say)
    with ExitStack() as stack:
        broker = stack.enter_context(PrivateRabbitMQ(sizes.directory / "peers-rabbitmq"))
        exchange = stack.enter_context(BenchExchange(sizes.directory / "exchange"))
        ours = Pipeline(exchange, turns)
        chain = BareChain(broker)
        stack.enter_context(chain.serving(logs))

        def chained() -> dict[str, float]:
            return {"chain": chain.run(sizes.seconds, WARM_UP_S, CHAIN_OUTSTANDING).rate}

        contestants: dict[str, Turn] = {"comity": ours.saturated, "chain": chained}
        contestants |= _faststream(stack, turns, broker)
        contestants |= _as2(stack, turns, ours)
        turns.measured.idle_cpu = exchange.idle_cpu(IDLE_S)
        exchange.restart("gateway-1", ROOMY)
        ours.calibrate((LARGE,) if "as2" in contestants else ())
        turns.play("saturated", contestants)
        capacity = min(turns.measured.series["saturated.comity"])
        exchange.restart("gateway-1", {})
        if sizes.wants("paced"):
            turns.play(
                "paced", {"comity": lambda: ours.paced(PACED_PART * capacity), "chain": lambda: _serial(chain, sizes)}
            )
        if sizes.wants("overload"):
            turns.play("overload", {"comity": lambda: ours.overloaded(capacity)})
        if sizes.wants("accept"):
            _accept(stack, turns, exchange, ours)
    return turns.measured


def _serial(chain: BareChain, sizes: Sizes) -> dict[str, float]:
    latency = chain.run(max(2.0, sizes.seconds / 2), 1.0, 1).latency_s
    return {"chain_p50": percentile(latency, 50), "chain_p99": percentile(latency, 99)}


def _faststream(stack: ExitStack, turns: Turns, broker: PrivateRabbitMQ) -> dict[str, Turn]:
    sizes = turns.sizes
    if not sizes.wants("faststream"):
        return {}
    try:
        peer = FastStream(broker, sizes.environments)
    except PeerMissing as missing:
        turns.measured.why_not["faststream"] = str(missing)
        return {}
    stack.enter_context(peer.serving(sizes.directory / "log"))
    return {"faststream": lambda: {"faststream": peer.run(sizes.seconds, WARM_UP_S, CHAIN_OUTSTANDING).rate}}


def _as2(stack: ExitStack, turns: Turns, ours: Pipeline) -> dict[str, Turn]:
    """The AS2 server at both sizes, and ours at its larger one."""
    sizes = turns.sizes
    if not sizes.wants("as2"):
        return {}
    try:
        postgres = stack.enter_context(PrivatePostgres(sizes.directory / "peers-postgres"))
        peer = As2(postgres, sizes.environments, sizes.directory / "as2")
    except PeerMissing as missing:
        turns.measured.why_not["as2"] = str(missing)
        return {}
    stack.enter_context(peer.serving())
    messages = int(As2.MOST_A_SECOND * (sizes.seconds + WARM_UP_S))
    return {
        "as2": lambda: {"as2": peer.run(sizes.seconds, WARM_UP_S, SMALL, messages).rate},
        "as2_100k": lambda: {"as2_100k": peer.run(sizes.seconds, WARM_UP_S, LARGE, messages).rate},
        "comity_100k": ours.saturated_large,
    }


def _accept(stack: ExitStack, turns: Turns, exchange: BenchExchange, ours: Pipeline) -> None:
    """Last, since intake is stopped for it and its queue emptied."""
    logs = turns.sizes.directory / "log"
    exchange.seal(ACCEPT_LETTERS, SMALL).rename(exchange.directory / "accept-letters")
    bare = BareApi()
    stack.enter_context(bare.serving(logs))
    for name in exchange.local.names:
        if name.startswith("intake"):
            exchange.local.stop_process(name)
    exchange.restart("gateway-1", UNBOUNDED)
    sink = module("bench.peers.sink", exchange.local.rabbitmq.url, INTAKE_QUEUE)
    with Server(sink, logs / "sink.log"):
        turns.play(
            "accept",
            {
                "comity": lambda: ours.accept("comity", exchange.local.url),
                "fastapi": lambda: ours.accept("fastapi", bare.url),
            },
        )
