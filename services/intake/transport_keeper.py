"""The limits of transport: what was not delivered or not retrieved in time is said here, once, in order.

Intake keeps them, and not routing, which would be silent about its own silence: while routing is away nothing is
delivered, and the sender must hear of it. Rules:
1. Messages that arrive in time cost one look, and no row. Acceptances are looked at in their order once the first limit
   of their delivery has passed, and once that of their retrieval has (`TransportScan` remembers how far); what misses
   one gets a row (`LateMessage`), which says when the next limit falls.
2. What falls is looked at SETTLES later: an evidence made in time is in the database by then. What is said follows from
   the times of acceptance and evidences alone, whenever it is looked at: who was away for a day says the same, later.
3. Leaf, evidence, the word to notification and the row stand or fall together, under the lock of the row.
4. What was never delivered is looked at every LOOK_AGAIN, however long: it may still come, and then the recipient has
   a limit of its own.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from typing_extensions import override

from services.intake.keeping import Keeper, Publish
from shared.audit.leaves import NONCE_BYTES, digest_of_leaf, encode_leaf
from shared.contracts.messages import LimitPassed
from shared.contracts.records import FailedEvidence, Key, LateMessage, TransportScan
from shared.domain.evidences import Evidence
from shared.domain.header import Urgency
from shared.domain.ids import encode_time
from shared.domain.transport_limits import ASKED_BY, FIRST, MissedLimit, missed_limits
from shared.ports.clock import Clock
from shared.ports.late_messages import Acceptance, Arrival, DueMessage, LateMessages
from shared.ports.unit_of_work import Effects, UnitsOfWork

LOOK_EVERY_S: Final = 10.0
LATE_S: Final = 120.0
SETTLES: Final = timedelta(minutes=1)
LOOK_AGAIN: Final = timedelta(minutes=5)
MESSAGES_TOGETHER: Final = 100
_FIRST_LIMITS: Final = {Evidence.delivery: FIRST, Evidence.retrieval: ASKED_BY}
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"

log = structlog.get_logger()


class TransportKeeper(Keeper):
    """Several processes may keep the same limits. `count` is told what was said, once for each recipient."""

    looks_at = "the limits of transport"
    waits = "transport.wait"
    every_s = LOOK_EVERY_S
    late_s = LATE_S

    def __init__(
        self, late: LateMessages, units: UnitsOfWork, publish: Publish, clock: Clock, count: Callable[[str], None]
    ) -> None:
        super().__init__(units, publish, clock)
        self._late = late
        self._count = count

    @override
    async def strike_due(self, stop: asyncio.Event | None = None) -> int:
        """Everything that fell SETTLES ago or earlier; how many limits were missed. Raises Transient, Fatal."""
        while (stop is None or not stop.is_set()) and await self._find():
            pass
        struck = 0
        while stop is None or not stop.is_set():
            until = self._clock.now() - SETTLES
            page = await self._late.due(until, MESSAGES_TOGETHER)
            if not page:
                break
            struck += await self._strike(page, until if len(page) < MESSAGES_TOGETHER else page[-1].falls)
        return struck

    # --- what is late ------------------------------------------------------------------------------------------------

    async def _find(self) -> bool:
        """One page of acceptances of each urgency and limit; whether there is more to look at."""
        now, known = self._clock.now(), {(one.awaited, one.urgency): one for one in await self._late.scans()}
        moved: list[tuple[TransportScan | None, TransportScan, list[Acceptance]]] = []
        is_more = False
        for awaited, limits in _FIRST_LIMITS.items():
            for urgency, limit in limits.items():
                before = known.get((awaited, urgency))
                begin = before or TransportScan(awaited.value, urgency.value, _BEGINNING, "")
                until = now - SETTLES - limit
                if until <= begin.accepted_at:
                    continue
                found = await self._late.suspects(begin, until, begin.accepted_at + limit, MESSAGES_TOGETHER)
                is_full = len(found) == MESSAGES_TOGETHER
                at, message = (found[-1].accepted_at, found[-1].message) if is_full else (until, _LAST_ID)
                moved.append((before, replace(begin, accepted_at=at, message=message), found))
                is_more = is_more or is_full
        if not moved:
            return False
        arrivals = await self._arrivals([one.message for _, _, found in moved for one in found])
        async with self._units.begin() as unit:
            late = [row for _, _, found in moved for one in found for row in _late_rows(one, arrivals)]
            rows = await unit.load([*(scan.key() for _, scan, _ in moved), *(row.key() for row in late)])
            effects = Effects()
            for before, scan, _ in moved:
                if rows.get(scan.key()) != before:
                    return True  # another process looked meanwhile
                (effects.inserts if before is None else effects.updates).append(scan)
            effects.inserts += {row.key(): row for row in late if row.key() not in rows}.values()
            await unit.write(effects)
            await unit.commit()
        return is_more

    async def _arrivals(self, messages: Sequence[str]) -> Mapping[tuple[str, str], Arrival]:
        return await self._late.arrivals(messages) if messages else {}

    # --- what is said of it ------------------------------------------------------------------------------------------

    async def _strike(self, page: Sequence[DueMessage], until: datetime) -> int:
        arrivals = await self._arrivals(sorted({one.message for one in page}))
        now, effects = self._clock.now(), Effects()
        fallen: list[tuple[MissedLimit, LateMessage]] = []
        async with self._units.begin() as unit:
            for row in (await unit.load([Key(LateMessage, (one.message, one.recipient)) for one in page])).values():
                if isinstance(row, LateMessage):
                    due, after = _fallen(row, arrivals, until, now)
                    fallen += [(one, row) for one in due]
                    effects.updates.append(after)
            fallen.sort(key=lambda one: (one[0].falls, one[1].message, one[1].recipient, one[0].said))
            for missed_limit, row in fallen:
                _say(effects, missed_limit, row, now)
            rows = await unit.write(effects)
            await unit.commit()
        for missed_limit, _ in fallen:
            self._count(missed_limit.said)
        await self._publish_at_once(rows)
        return len(fallen)


def _late_rows(one: Acceptance, arrivals: Mapping[tuple[str, str], Arrival]) -> list[LateMessage]:
    """A row for each recipient for whom a limit was missed, or will be if nothing comes."""
    rows = []
    for recipient in one.recipients:
        row = LateMessage(
            message=one.message,
            recipient=recipient,
            dossier=one.dossier,
            digest=one.digest,
            sender=one.sender,
            urgency=one.urgency,
            accepted_at=one.accepted_at,
            struck="",
            next_fall=None,
        )
        missed = _unsaid(row, arrivals)
        if missed:
            rows.append(replace(row, next_fall=missed[0].falls))
    return rows


def _fallen(
    row: LateMessage, arrivals: Mapping[tuple[str, str], Arrival], until: datetime, now: datetime
) -> tuple[list[MissedLimit], LateMessage]:
    """What is to be said of it, and its row afterwards."""
    try:
        missed = _unsaid(row, arrivals)
    except (ValueError, OverflowError) as broken:
        # others must not wait behind it
        log.error("transport.message-unreadable", message=row.message, why=str(broken))
        return [], replace(row, next_fall=None)
    due = [one for one in missed if one.falls <= until]
    return due, _after(row, due, missed[len(due) :], arrivals, now)


def _unsaid(row: LateMessage, arrivals: Mapping[tuple[str, str], Arrival]) -> list[MissedLimit]:
    came, said = arrivals.get((row.message, row.recipient), Arrival()), row.struck.split()
    missed = missed_limits(Urgency(row.urgency), row.accepted_at, came.delivered_at, came.retrieved_at)
    return [one for one in missed if one.said not in said]


def _after(
    row: LateMessage,
    said: Sequence[MissedLimit],
    to_come: Sequence[MissedLimit],
    arrivals: Mapping[tuple[str, str], Arrival],
    now: datetime,
) -> LateMessage:
    struck = " ".join([*row.struck.split(), *(one.said for one in said)])
    next_fall = to_come[0].falls if to_come else None
    if next_fall is None and (row.message, row.recipient) not in arrivals:
        next_fall = now + LOOK_AGAIN
    return replace(row, struck=struck, next_fall=next_fall)


def _say(effects: Effects, limit: MissedLimit, row: LateMessage, now: datetime) -> None:
    """Its leaf, the evidence if it is one, and the word to the sender; to the recipient too, if it was to retrieve."""
    about = {
        "message": row.message,
        "dossier": row.dossier,
        "recipient": row.recipient,
        "envelope_sha256": row.digest,
    }
    leaf = encode_leaf(limit.leaf, now, secrets.token_bytes(NONCE_BYTES), **about, **limit.encode())
    effects.leaves.append(leaf)
    if limit.is_failure:
        effects.inserts.append(FailedEvidence(row.message, limit.said, row.recipient, now, digest_of_leaf(leaf)))
    effects.publishes.append(
        LimitPassed(
            said=limit.said,
            falls=encode_time(limit.falls),
            message=row.message,
            dossier=row.dossier,
            sender=row.sender,
            recipient=row.recipient,
            struck_at=encode_time(now),
            tell=(row.sender, row.recipient) if limit.awaited is Evidence.retrieval else (row.sender,),
        )
    )
    log.warning("transport.limit-passed", said=limit.said, message=row.message, falls=encode_time(limit.falls))
