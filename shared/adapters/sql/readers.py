"""Who may read what beside its own mailbox: the side that a leg was asked of, and the holder that it was handed to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, exists, null, or_, select

from shared.adapters.sql.mapping import TABLES
from shared.contracts.records import LegRecord, StoredEnvelope

_LEG = TABLES[LegRecord]
_ENVELOPE = TABLES[StoredEnvelope]


def acts_on(reader: str) -> ColumnElement[bool]:
    """On the requested side of a leg."""
    return or_(_LEG.c.requested == reader, _LEG.c.holder == reader)


def handed_to(reader: str, message: str) -> Select[Any]:
    """A message on a leg, or the one that opened it, for the holder that the leg was handed to."""
    on_leg = or_(_ENVELOPE.c.leg == _LEG.c.requested, _ENVELOPE.c.leg.is_(None))
    held = exists().where(_LEG.c.dossier == _ENVELOPE.c.dossier, _LEG.c.holder == reader, on_leg)
    nothing = (null().label("kid"), null().label("wrap"), _ENVELOPE.c.stored_at.label("delivered_at"))
    return select(_ENVELOPE, *nothing).where(_ENVELOPE.c.message == message, held)
