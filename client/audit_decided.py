"""One decision as an auditor remembers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.header import Urgency
from shared.domain.ids import parse_time


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision: `place` is its index in the log; times are aware UTC."""

    place: int
    accepted: bool
    dossier: str
    leg: str | None
    kind: str
    sender: str
    recipients: tuple[str, ...]
    code: str | None
    at: datetime
    logged_at: datetime
    decide_by: datetime
    flags: tuple[str, ...]
    signers: tuple[str, str]
    routes: tuple[str, ...] = ()
    """Of an acceptance, why it goes to each recipient; empty where that is not known for certain."""
    urgency: str = Urgency.routine

    def route_to(self, recipient: str) -> str | None:
        """Why it goes there; None for who is no recipient, and where it is not known for certain."""
        is_known = self.routes and recipient in self.recipients
        return self.routes[self.recipients.index(recipient)] if is_known else None


def decided_of(row: tuple[Any, ...]) -> Decided:
    """The decision in a row of the table."""
    _, _, place, accepted, dossier, leg, kind, sender, recipients, code, at, logged_at, decide_by, flags, *more = row
    return Decided(
        place=place,
        accepted=bool(accepted),
        dossier=dossier,
        leg=leg,
        kind=kind,
        sender=sender,
        recipients=tuple(recipients.split()),
        code=code,
        at=parse_time(at),
        logged_at=parse_time(logged_at),
        decide_by=parse_time(decide_by),
        flags=tuple(flags.split()),
        signers=(more[0], more[1]),
        routes=tuple(more[2].split()),
        urgency=more[3],
    )
