"""Every dossier made again from the ledger, and held against what the exchange shows of it.

1. The legs come from reading the ledger: each decision was made again by `shared/domain`, and what it moved was kept.
2. An auditor with the full mandate is shown every dossier, a party its own legs: each is compared with what it is
   entitled to see. What is missing there, and what is there and in no entry, is named too. So it is with the
   operators' documents, which everybody is shown.
3. The exchange works on meanwhile. What differs is looked at again, after the ledger has been read on; what counts is a
   leg that differed each time.

Dossiers are compared one by one, in the order in which the exchange lists them, so that memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from client.audit_file import AuditFile
from client.audit_memory import AuditMemory
from client.exchange import Exchange
from client.leg_differences import ShownOtherwise, differences_of
from client.shown_documents import documents_otherwise
from shared.contracts.api import DossierAnswer
from shared.domain.evidences import TransportState
from shared.domain.leg import Leg
from shared.domain.transport_limits import is_denied
from shared.errors import AnswerRefused, CallNotPermitted

LOOKS: Final = 4
PAUSE_S: Final = 2.0
"""Between looks; a leaf has its place in the ledger within 0.25 s, while the exchange is well."""
MOST_KEPT: Final = 1000


@dataclass
class Replayed:
    """`whole` says that every dossier of the exchange was compared, not those of one party alone."""

    whole: bool
    dossiers: int = 0
    legs: int = 0
    differences: list[ShownOtherwise] = field(default_factory=list)
    """The first thousand."""


class ShownDossiers:
    """What the exchange shows this caller: all of it to an auditor with the full mandate, to a party its own."""

    def __init__(
        self, exchange: Exchange, caller: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._exchange = exchange
        self.clock = clock
        self._caller = caller
        self.whole = True

    def list(self) -> Iterator[DossierAnswer]:
        if self.whole:
            listed = self._exchange.every_dossier()
            try:
                first = next(listed, None)
            except CallNotPermitted:
                self.whole = False
            else:
                if first is not None:
                    yield first
                    yield from listed
                return
        yield from self._exchange.dossiers()

    def documents(self) -> tuple[Sequence[str], bytes | None]:
        """All key events, and the registry of instruments."""
        return self._exchange.directory().events, self._exchange.instruments()

    def may_see(self, leg: Leg) -> bool:
        return self.whole or leg.side_of(self._caller) is not None


def replay(shown: ShownDossiers, read_on: Callable[[], AuditFile], pause: Callable[[float], None]) -> Replayed:
    """`read_on` brings the file up to the newest checkpoint. Raises what the exchange's answers raise."""
    done = compare(shown, read_on().memory)
    for _ in range(LOOKS - 1):
        if not done.differences:
            break
        pause(PAUSE_S)
        before = {(one.dossier, one.leg) for one in done.differences}
        again = compare(shown, read_on().memory)
        again.differences = [one for one in again.differences if (one.dossier, one.leg) in before]
        done = again
    return done


def compare(shown: ShownDossiers, memory: AuditMemory) -> Replayed:
    """One look."""
    answers = list_in_order(shown.list())
    done = Replayed(shown.whole)
    done.differences += documents_otherwise(*shown.documents(), memory)
    for answer, legs in _paired(answers, _visible(memory, shown)):
        done.whole = shown.whole  # known from the first answer on
        if legs:
            done.dossiers += 1
            done.legs += len(legs)
        if len(done.differences) < MOST_KEPT:
            done.differences += _compare(answer, legs, memory, shown.clock())
    return done


def list_in_order(answers: Iterable[DossierAnswer]) -> Iterator[DossierAnswer]:
    """As they come. Raises AnswerRefused unless each is older than the one before: what is left out must show."""
    before = None
    for answer in answers:
        if before is not None and answer.dossier >= before:
            raise AnswerRefused(why="its list of dossiers is not in order")
        before = answer.dossier
        yield answer


def _compare(
    answer: DossierAnswer | None, legs: list[Leg], memory: AuditMemory, now: datetime
) -> Iterator[ShownOtherwise]:
    if answer is None:
        yield ShownOtherwise(legs[0].dossier, None, "it is in the ledger and is not shown")
    elif not legs:
        yield ShownOtherwise(answer.dossier, None, "it is shown, and no message in the ledger opened it")
    else:
        transport = {leg.requested: _transport(memory, leg) for leg in legs}
        yield from differences_of(answer, legs, transport, now)


def _transport(memory: AuditMemory, leg: Leg) -> str:
    told = memory.evidences(leg.original, leg.requested)
    if "delivery" in told:
        return TransportState.delivered
    return TransportState.not_delivered if is_denied(told) else TransportState.submitted


def _visible(memory: AuditMemory, shown: ShownDossiers) -> Iterator[tuple[str, list[Leg]]]:
    for dossier, legs in memory.dossiers():
        visible = [leg for leg in legs if shown.may_see(leg)]
        if visible:
            yield dossier, visible


def _paired(
    answers: Iterator[DossierAnswer], made: Iterator[tuple[str, list[Leg]]]
) -> Iterator[tuple[DossierAnswer | None, list[Leg]]]:
    """Both lists, newest first, side by side."""
    answer = next(answers, None)
    one = next(made, None)
    while answer is not None or one is not None:
        if one is None or (answer is not None and answer.dossier > one[0]):
            yield answer, []
            answer = next(answers, None)
        elif answer is None or answer.dossier < one[0]:
            yield None, one[1]
            one = next(made, None)
        else:
            yield answer, one[1]
            answer, one = next(answers, None), next(made, None)
