"""What clocks say on a leg becomes a leaf and a word to notification, in the transaction that remembers it was said.

A leg's own row says what was struck, and is locked by whoever strikes: a message that moves the leg, or the keeper. So
each event is struck once, and before the leg moves on.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.audit.leaves import NONCE_BYTES, encode_leaf
from shared.contracts.messages import ClockStruck
from shared.contracts.records import LegRecord
from shared.domain.clock_events import ClockEvent, Struck, due_events, moved, next_fall, parse_struck, with_struck
from shared.domain.dossier import encode_leg, parse_leg
from shared.domain.ids import encode_time
from shared.domain.instruments import calendars_of
from shared.domain.leg import Leg
from shared.ports.keyring import PublishedInstruments
from shared.ports.unit_of_work import Effects


def struck_of(record: LegRecord) -> Struck:
    """A leg of before there were clocks has heard nothing since it last moved."""
    return Struck(record.updated_at) if record.struck is None else parse_struck(record.struck)


def falling_until(record: LegRecord, instruments: PublishedInstruments, until: datetime) -> list[ClockEvent]:
    """What is to be struck on the leg by then, in order."""
    is_counted = record.struck is not None and record.calendars == instruments.number
    if is_counted and (record.next_fall is None or record.next_fall > until):
        return []
    return due_events(parse_leg(record.state), struck_of(record), calendars_of(instruments.registry), until)


def after_striking(record: LegRecord, events: Sequence[ClockEvent], instruments: PublishedInstruments) -> LegRecord:
    """The row once these are struck; the leg stays as it is."""
    struck = with_struck(struck_of(record), events)
    falls = next_fall(parse_leg(record.state), struck, calendars_of(instruments.registry))
    return replace(record, struck=struck.encode(), next_fall=falls, calendars=instruments.number)


def record_of(leg: Leg, before: Struck | None, instruments: PublishedInstruments, now: datetime) -> LegRecord:
    """The row of a leg that moved now, everything until now having been struck; `before` is null for a new one."""
    calendars = calendars_of(instruments.registry)
    struck = Struck(now) if before is None else moved(leg, before, calendars, now)
    return LegRecord(
        dossier=leg.dossier,
        requested=leg.requested,
        requesting=leg.requesting,
        version=leg.version,
        state=encode_leg(leg),
        updated_at=now,
        holder=leg.holder if leg.takes_part else None,
        struck=struck.encode(),
        next_fall=next_fall(leg, struck, calendars),
        calendars=instruments.number,
    )


def strike(effects: Effects, events: Sequence[ClockEvent], registry: int, now: datetime) -> None:
    """Adds the leaf of each, and the word to those who must hear of it."""
    for one in events:
        told = one.encode()
        nonce = secrets.token_bytes(NONCE_BYTES)
        effects.leaves.append(encode_leaf("clock.event", now, nonce, **told, registry=registry))
        effects.publishes.append(ClockStruck(**told, struck_at=encode_time(now), tell=one.tell))
