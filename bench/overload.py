"""Five times more than can be delivered: what is let in, what is refused and how, and whether anybody starves.

`python -m bench.overload --help`. It starts an exchange of its own, measures what it delivers, then has two
authorities send `factor` times as much between them while a third sends a little. It ends with one line.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from bench.senders import Sender
from client.callers import check_receipts, sign_calls
from client.exchange import Exchange
from client.http_calls import Calls
from deploy.local import LocalExchange
from shared.adapters.keyfiles import init_exchange
from shared.keys.private import generate_ed25519
from shared.keys.public import OPERATOR
from tests.exchange_process import ORIGIN, enrol_exchange, enrol_parties, now
from tests.unit.envelope.workshop import party

FLOODING: Final = ("MA.PGR", "MA.DACG")
QUIET: Final = "MA.CAS"
RECIPIENTS: Final = ("BE.PF", "FR.BEPI")
ENROLLED: Final = (*FLOODING, QUIET, *RECIPIENTS)
FACTOR: Final = 5.0
QUIET_PER_S: Final = 1.0
WARM_UP_LETTERS: Final = 40
"""A service that starts takes one frame at a time for the first 20."""
WARM_UP_WITHIN_S: Final = 30.0
MEASURED_S: Final = 6.0
RAMP_S: Final = 3.0
"""The first seconds fill what may be on its way; only after them can the two rates be compared."""
KNOWN_WITHIN_S: Final = 60.0
SETTLED_WITHIN_S: Final = 60.0
ADMITTED_MOST: Final = 1.2
"""Of what was delivered in the same time."""
QUIET_LEAST: Final = 0.8
"""Of the quiet authority's letters go through at the first attempt."""


@dataclass(frozen=True)
class Result:
    """What one overload came to. Rates per second."""

    capacity: float
    seconds: float
    counted_s: float
    offered: int
    admitted: int
    delivered: int
    """Both while the overload lasted, from the moment when it has filled the exchange."""
    lost: int
    """Accepted, and neither delivered nor rejected long after."""
    refused: Counter[int]
    refused_without_retry_after: int
    quiet_sent: int
    quiet_admitted: int
    quiet_slowest_s: float
    receipted: frozenset[str]
    """The messages that were accepted."""
    delays_s: tuple[float, ...]
    """From receipt to the sender's feed, as its sender saw it, sorted."""

    @property
    def ratio(self) -> float:
        return self.admitted / max(1, self.delivered)

    def checks(self) -> dict[str, bool]:
        return {
            f"admitted within {ADMITTED_MOST} of delivered": self.ratio <= ADMITTED_MOST,
            "everything else refused with 429 or 503": set(self.refused) <= {429, 503} and bool(self.refused),
            "every refusal says when to come back": self.refused_without_retry_after == 0,
            "nothing accepted is lost": self.lost == 0,
            "who sends little is let in": self.quiet_admitted >= QUIET_LEAST * self.quiet_sent,
        }

    def table(self) -> str:
        middle, slow = (self.delays_s[int(len(self.delays_s) * part)] for part in (0.5, 0.99))
        lines = {
            "capacity, delivered per second": f"{self.capacity:.1f}",
            "offered per second": f"{self.offered / self.seconds:.1f}",
            "admitted per second": f"{self.admitted / self.counted_s:.1f}",
            "delivered per second": f"{self.delivered / self.counted_s:.1f}",
            "admitted / delivered": f"{self.ratio:.2f}",
            "refused": ", ".join(f"{status}: {count}" for status, count in sorted(self.refused.items())),
            "lost": f"{self.lost}",
            "receipt to feed, p50 / p99": f"{middle:.2f} s / {slow:.2f} s",
            "quiet authority, sent / admitted": f"{self.quiet_sent} / {self.quiet_admitted}",
            "quiet authority, slowest to its feed": f"{self.quiet_slowest_s:.2f} s",
        }
        width = max(map(len, lines))
        return "\n".join(f"{name:<{width}}  {value}" for name, value in lines.items())


async def overload(
    url: str,
    seconds: float,
    factor: float = FACTOR,
    capacity: float | None = None,
    quiet_per_s: float = QUIET_PER_S,
) -> Result:
    """Offer `factor` times what this exchange delivers, which is measured first unless it is known. Its parties are
    `ENROLLED`.
    """
    async with _senders(url) as senders:
        flooding, quiet = senders[:-1], senders[-1]
        await _warm_up(flooding)
        if capacity is None:
            capacity = await _capacity(flooding)
        await _settle(senders)
        before = {sender.authority: len(sender.answers) for sender in senders}
        began = time.monotonic()
        ends = began + seconds
        await asyncio.gather(
            *(sender.send_at(capacity * factor / len(flooding), ends) for sender in flooding),
            quiet.send_at(quiet_per_s, ends),
        )
        await _settle(senders)
        answers = [answer for sender in senders for answer in sender.answers[before[sender.authority] :]]
        refused = [answer for answer in answers if answer.status not in (200, 202)]
        receipted = {one: at for sender in senders for one, at in sender.accepted.items() if at >= began}
        delivered = {one: at for sender in senders for one, at in sender.delivered.items() if one in receipted}
        full = began + RAMP_S
        return Result(
            capacity=capacity,
            seconds=seconds,
            counted_s=seconds - RAMP_S,
            offered=len(answers) + sum(sender.missed for sender in senders),
            admitted=sum(full < at <= ends for at in receipted.values()),
            delivered=sum(full < at <= ends for at in delivered.values()),
            lost=sum(len(sender.undecided) for sender in senders),
            refused=Counter(answer.status for answer in refused),
            refused_without_retry_after=sum(answer.retry_after is None for answer in refused),
            quiet_sent=len(quiet.answers),
            quiet_admitted=quiet.statuses()[202],
            quiet_slowest_s=max((at - quiet.accepted[one] for one, at in quiet.delivered.items()), default=0.0),
            receipted=frozenset(receipted),
            delays_s=tuple(sorted(at - receipted[one] for one, at in delivered.items())) or (0.0,),
        )


@asynccontextmanager
async def _senders(url: str) -> AsyncIterator[Sequence[Sender]]:
    """The flooding ones, then the quiet one, each reading its feed."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=256)
    async with httpx2.AsyncClient(timeout=30.0, limits=limits) as http:
        senders = [Sender(authority, url, http) for authority in (*FLOODING, QUIET)]
        watching = [asyncio.create_task(sender.watch()) for sender in senders]
        try:
            yield senders
        finally:
            for task in watching:
                task.cancel()


async def _warm_up(senders: Sequence[Sender]) -> None:
    give_up_at = time.monotonic() + WARM_UP_WITHIN_S
    while sum(len(sender.delivered) for sender in senders) < WARM_UP_LETTERS and time.monotonic() < give_up_at:
        await _keep_busy(senders, time.monotonic() + 1)


async def _capacity(senders: Sequence[Sender]) -> float:
    """Delivered per second while the exchange is kept busy; it is busy already for a second."""
    await _keep_busy(senders, time.monotonic() + 1)
    began = time.monotonic()
    ends = began + MEASURED_S
    await _keep_busy(senders, ends)
    return sum(began < at <= ends for sender in senders for at in sender.delivered.values()) / MEASURED_S


async def _keep_busy(senders: Sequence[Sender], until: float) -> None:
    async with asyncio.TaskGroup() as busy:
        for sender in senders:
            for _ in range(16):
                busy.create_task(sender.send_as_answered(until))


async def _settle(senders: Sequence[Sender]) -> None:
    """Until every accepted letter is decided, or it takes too long."""
    until = time.monotonic() + SETTLED_WITHIN_S
    while any(sender.undecided for sender in senders) and time.monotonic() < until:
        await asyncio.sleep(0.05)


@contextmanager
def embedded(place: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """The address of an exchange in one process with all parties of this load; `settings` without `COMITY_`."""
    environment = {f"COMITY_{name.upper()}": value for name, value in settings.items()}
    with enrol_exchange(place, [party(name) for name in ENROLLED], environment) as exchange:
        yield exchange.process.url


@contextmanager
def separate(place: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """The same with a process for each service and two gateways, on a private RabbitMQ and PostgreSQL."""
    with separate_exchange(place, settings, gateways=2) as exchange:
        yield exchange.url


@contextmanager
def separate_exchange(place: Path, settings: Mapping[str, str], gateways: int) -> Iterator[LocalExchange]:
    """A process for each service, running, with all parties of this load."""
    data = place / "data"
    data.mkdir(parents=True)
    operators = (generate_ed25519(), generate_ed25519())
    trust = init_exchange(data, ORIGIN, operators, 2, now(), "development")
    exchange = LocalExchange(place / "run", data, {"gateway": gateways}, settings)
    try:
        exchange.start()
        calls = Calls(exchange.url, sign_calls(operators[0], OPERATOR, now), patience_s=KNOWN_WITHIN_S)
        operator = Exchange(calls, check_receipts(trust, OPERATOR))
        keys = [party(name) for name in ENROLLED]
        count = enrol_parties(operator, trust, operators, keys, generate_ed25519())
        give_up_at = time.monotonic() + KNOWN_WITHIN_S
        while len(operator.directory().events) < count and time.monotonic() < give_up_at:
            time.sleep(0.2)
        yield exchange
    finally:
        exchange.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long the overload lasts")
    parser.add_argument("--factor", type=float, default=FACTOR, help="offered load, in capacities")
    parser.add_argument("--slow", default="", help="service:seconds, lost on each message, to make capacity small")
    parser.add_argument("--separate", action="store_true", help="a process for each service, and two gateways")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="comity-overload-") as place:
        settings = {"unsafe_slow": options.slow} if options.slow else {}
        with (separate if options.separate else embedded)(Path(place), settings) as url:
            result = asyncio.run(overload(url, options.seconds, options.factor))
    print(result.table())
    checks = result.checks()
    for failed in (name for name, holds in checks.items() if not holds):
        print(f"not so: {failed}")
    print(f"overload: passed {sum(checks.values())} / attempted {len(checks)}")
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
