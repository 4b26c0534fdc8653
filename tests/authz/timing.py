"""How long a refusal takes, and whether that tells what is another's from what is not there.

For each kind of refusal that hides something, calls about what is there and about what is not are made in turns, in
random order, each about a thing of its own where it is not there. The two piles of times are compared by the
statistic of Kolmogorov and Smirnov: 0 if no threshold on the time of one call helps to guess which it was about, 1 if
one always guesses right. It stays below what chance gives once in 10,000 such comparisons, or the refusal tells.

That the measure would see a difference is measured too: a gateway that asks its database one question more about a
dossier of others must be found out. Timed on whatever machine it runs, so it is no unit test.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median

from typing_extensions import override

from gateway.gateway import Gateway
from gateway.rights import Kind, Relation
from shared.adapters.sql.engine import Store
from shared.adapters.sql.queries import SqlQueries
from shared.domain.ids import new_uuid7
from shared.ports.queries import DossierView
from tests.authz.attempts import Attempt, attempts
from tests.authz.distributions import gap_by_chance, largest_gap
from tests.authz.estate import Estate
from tests.exchange_process import now

WARM_UP = 25


@dataclass(frozen=True)
class Measured:
    """One kind of refusal. Times in seconds; `tells` and `by_chance` are shares of 1."""

    title: str
    there_s: float
    absent_s: float
    tells: float
    by_chance: float

    @property
    def is_told(self) -> bool:
        return self.tells > self.by_chance

    @property
    def sentence(self) -> str:
        there, absent = self.there_s * 1e6, self.absent_s * 1e6
        return (
            f"{self.title}: median {there:.0f} us, of nothing {absent:.0f} us; "
            f"tells {self.tells:.3f}, chance {self.by_chance:.3f}"
        )


async def measure_all(estate: Estate, calls: int, chance: random.Random) -> list[Measured]:
    """Each kind of refusal that hides something, by so many calls on either side."""
    return [await _measure(estate, attempt, calls, chance) for attempt in _hiding(estate)]


async def measure_careless(estate: Estate, calls: int, chance: random.Random) -> Measured:
    """A gateway that must be found out: it asks one question more about a dossier of others."""
    attempt = next(one for one in _hiding(estate) if one.address == "/v1/dossiers/{dossier}")
    gateway: Gateway = estate.app.state.gateway
    honest = gateway.ports
    gateway.ports = replace(honest, queries=_Careless(estate.store, attempt.header["dossier"]))
    try:
        measured = await _measure(estate, attempt, calls, chance)
    finally:
        gateway.ports = honest
    return replace(measured, title="a gateway that asks once more")


class _Careless(SqlQueries):
    def __init__(self, store: Store, known: str) -> None:
        super().__init__(store)
        self._known = known

    @override
    async def dossier(self, reader: str, dossier: str) -> DossierView | None:
        if dossier == self._known:
            await self.instruments()
        return await super().dossier(reader, dossier)


def _hiding(estate: Estate) -> list[Attempt]:
    """One attempt for each address and each part in a thing of which it shows nothing."""
    found: dict[tuple[str, Relation], Attempt] = {}
    for attempt in attempts(estate):
        if attempt.right.kind is Kind.one and attempt.refusal == (404, "call.not-there"):
            found.setdefault((attempt.address, attempt.part), attempt)
    return list(found.values())


async def _measure(estate: Estate, attempt: Attempt, calls: int, chance: random.Random) -> Measured:
    there: list[float] = []
    absent: list[float] = []
    with _undisturbed():
        for number in range(WARM_UP + calls):
            nothing = attempt.path
            for word in ("id", "dossier"):
                nothing = nothing.replace(attempt.header[word], new_uuid7(now()))
            pair = [(attempt.path, there), (nothing, absent)]
            chance.shuffle(pair)
            for path, pile in pair:
                taken = await _time(estate, attempt, path)
                if number >= WARM_UP:
                    pile.append(taken)
    return Measured(
        title=f"{attempt.address} ({attempt.part})",
        there_s=median(there),
        absent_s=median(absent),
        tells=largest_gap(there, absent),
        by_chance=gap_by_chance(len(there), len(absent)),
    )


async def _time(estate: Estate, attempt: Attempt, path: str) -> float:
    headers = estate.headers(attempt.caller, attempt.method, path)
    began = time.perf_counter()
    answer = await estate.play(attempt.method, path, headers)
    taken = time.perf_counter() - began
    if answer.status != 404:
        raise AssertionError(f"{attempt.title} was answered with {answer.status}")
    return taken


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No garbage is collected meanwhile: it would fall on whoever comes."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
