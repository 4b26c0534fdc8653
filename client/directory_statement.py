"""That the directory which is shown is the newest one: the exchange signs it, and is held to its word.

Rules:
1. A directory counts only with a statement (`shared.apisig.directory_statements`) that is at most `STATEMENT_LIFE` old,
   by the own clock. Otherwise an exchange could show one client the directory of last year, with keys that were
   compromised or suspended since, and nothing would date it.
2. The event that the statement names is the one that is shown at its place; what is shown may be longer, never shorter.
3. The last statement about each event and registry is kept. An event, or a registry of instruments, that stood in the
   ledger `WITHHELD_AFTER` before a statement that does not know it was withheld: both together prove it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from client.exchange import Exchange
from shared.apisig.directory_statements import DirectoryStatement
from shared.apisig.exchange_word import verify_own_statement
from shared.apisig.profile import SKEW_S
from shared.domain.ids import encode_time
from shared.envelope.encoding import MAX_SKEW_S
from shared.errors import DirectoryUndated, NotThere
from shared.keys.trust import Trust

STATEMENT_LIFE: Final = timedelta(seconds=60)
STATEMENT_AHEAD: Final = timedelta(seconds=SKEW_S)
"""By which the exchange's clock may be ahead: as far as for a call."""
STALE: Final = timedelta(seconds=10)
"""How old a directory the exchange may work by."""
WITHHELD_AFTER: Final = timedelta(seconds=MAX_SKEW_S) + STALE


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement, and the text that proves it."""

    said: DirectoryStatement
    text: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """Event `seq` stood in the ledger at `logged_at`, and what was stated later does not know it."""

    seq: int
    logged_at: datetime
    stated: DirectoryStatement


def fetch_statement(exchange: Exchange, trust: Trust, clock: Callable[[], datetime]) -> SignedStatement:
    """Rule 1. Raises DirectoryUndated, and what calls raise."""
    try:
        text = exchange.directory_statement()
    except NotThere:
        raise DirectoryUndated(why="it signs no statement about it") from None
    said = verify_own_statement(text, trust)
    now = clock()
    if said.exchange != trust.origin:
        raise DirectoryUndated(why=f"its statement is about {said.exchange}")
    if not now - STATEMENT_LIFE <= said.at <= now + STATEMENT_AHEAD:
        seconds = int(STATEMENT_LIFE.total_seconds())
        why = f"its statement is of {encode_time(said.at)}, counts for {seconds} s, and here it is {encode_time(now)}"
        raise DirectoryUndated(why=why)
    return SignedStatement(said, text)


def withheld_events(
    stated: Iterable[DirectoryStatement], logged_at: Callable[[int], datetime | None]
) -> list[Withheld]:
    """Rule 3: of each statement the first event that it does not know, where that is a lie. `logged_at` tells when an
    event was logged, None while that is not proven."""
    found = []
    for one in stated:
        logged = logged_at(one.index + 1)
        if logged is not None and is_withheld(one, logged):
            found.append(Withheld(one.index + 1, logged, one))
    return found


def is_withheld(stated: DirectoryStatement, logged_at: datetime) -> bool:
    """Whether what was logged then, and is newer than the statement says, must have been known to it (rule 3)."""
    return stated.at > logged_at + WITHHELD_AFTER
