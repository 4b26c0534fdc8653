"""Who is besieged: an exchange in one process, or its gateway where each service has a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.overload import ENROLLED, QUIET, separate_exchange
from bench.signed_calls import SignedCalls
from shared.keys.private import Ed25519Signer
from tests.counterparty import Counterparty
from tests.exchange_process import enrol_exchange
from tests.hostile.loads import Aim
from tests.unit.envelope.workshop import party

ATTACKER: Final = QUIET
HONEST: Final = tuple(one for one in ENROLLED if one != ATTACKER)


@dataclass(frozen=True)
class Besieged:
    """An exchange whose parties are `HONEST` and `ATTACKER`; `pid` is the process that answers calls."""

    url: str
    pid: int

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def aim(self) -> Aim:
        return Aim(self.url, ATTACKER, seed_of(ATTACKER), self.letters(ATTACKER, 1)[0])

    def honest(self) -> Sequence[SignedCalls]:
        return [signed_by(self.url, one) for one in HONEST]

    def letters(self, sender: str, count: int) -> list[bytes]:
        """Sound ones that were not sent yet."""
        return written(self.url, sender, count)


@contextmanager
def embedded(place: Path) -> Iterator[Besieged]:
    with enrol_exchange(place, [party(name) for name in ENROLLED]) as exchange:
        yield Besieged(exchange.process.url, exchange.process.pid)
        exchange.process.stop()  # as it promises, after all that it went through


@contextmanager
def separate(place: Path) -> Iterator[Besieged]:
    """On a private RabbitMQ and PostgreSQL."""
    with separate_exchange(place, {}, gateways=1) as exchange:
        yield Besieged(exchange.url, exchange.pid("gateway-1"))


def signed_by(url: str, name: str) -> SignedCalls:
    return SignedCalls(url, name, seed_of(name))


def seed_of(name: str) -> bytes:
    key = party(name).api
    assert isinstance(key, Ed25519Signer)  # keys of tests lie in this process
    return key.seed


def written(url: str, sender: str, count: int) -> list[bytes]:
    counterparty = Counterparty(sender, url)
    letters = [counterparty.letter().submission() for _ in range(count)]
    counterparty.close()
    return letters
