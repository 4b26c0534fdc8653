"""One batch of messages: read, decided, written and committed together, or else one by one.

Rules (03, "the pump"):
1. A message that cannot be decoded or handled is set aside with its reason; its neighbours go through.
2. Claims, state, outbox, leaves, parked items and dead letters stand or fall in one transaction. No savepoints: if the
   write of the batch fails, it is rolled back and each message is done again in a transaction of its own.
3. A database that does not answer is no verdict: StoreUnavailable leaves everything as it was. Nor is a directory that
   does not verify: DirectoryUntrusted, before any message is judged by it.
4. A key event or registry that was committed here is remembered outside the database before its frame is acknowledged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from shared.contracts.messages import RetryLetter
from shared.contracts.records import InstrumentsRecord, Key, KeyEventRecord
from shared.errors import (
    DirectoryUntrusted,
    Fatal,
    InstrumentsInvalid,
    KeyEventRefused,
    RetryLater,
    StoreConflict,
    StoreUnavailable,
)
from shared.frame.open import FrameOpener
from shared.keys.directory import Directory
from shared.ports.clock import Clock
from shared.ports.handler import Handler, Occasion
from shared.ports.keyring import KeyRing, PublishedInstruments
from shared.ports.unit_of_work import WHOLE_FRAME, DeadLetter, OutboxRow, ParkedItem, UnitOfWork, UnitsOfWork
from shared.runtime.batch_view import BatchEffects, BatchView
from shared.runtime.crash_points import Reach, reach_nothing
from shared.runtime.reading import NOT_PARKED, FrameReader, Work, reason_of
from shared.runtime.retries import retry_letters

CONFLICT_TRIES: Final = 8
CONFLICT_PARKS: Final = 10
CONFLICT_RETRY_S: Final = 1.0
DUE_BATCH: Final = 50
BUS_GAVE_UP: Final = "the bus delivered this frame 20 times without an answer"

log = structlog.get_logger()


@dataclass
class Settled:
    """What a committed batch leaves to be done outside the database."""

    outbox: list[OutboxRow] = field(default_factory=list)
    wakes: set[str] = field(default_factory=set)
    handled: int = 0
    parked: int = 0
    set_aside: int = 0
    redone: int = 0
    """Batches that were done again item by item."""
    documents: list[KeyEventRecord | InstrumentsRecord] = field(default_factory=list)
    """Signed documents of the operators (rule 4)."""


class Settler:
    """Settles batches of frames for one service."""

    def __init__(
        self,
        service: str,
        handler: Handler,
        units: UnitsOfWork,
        opener: FrameOpener,
        keyring: KeyRing,
        clock: Clock,
        reach: Reach = reach_nothing,
    ) -> None:
        self._service = service
        self._handler = handler
        self._units = units
        self._reader = FrameReader(service, opener, clock)
        self._keyring = keyring
        self._clock = clock
        self._reach = reach

    async def read_directory(self) -> Directory:
        """The keys and instruments of now, verified. Raises StoreUnavailable, DirectoryUntrusted."""
        try:
            return await self._keyring.refresh()
        except (KeyEventRefused, InstrumentsInvalid) as forged:
            raise DirectoryUntrusted(why=forged.sentence()) from forged

    async def read_instruments(self) -> PublishedInstruments:
        """Raises StoreUnavailable, DirectoryUntrusted."""
        await self.read_directory()
        return self._keyring.instruments()

    async def settle(self, frames: Sequence[bytes], confirmed: Sequence[str] = ()) -> Settled:
        """All frames, durably: handled, parked or set aside. `confirmed` are outbox rows to forget.

        Raises StoreUnavailable: then nothing is known to be settled, and the same frames may be given again. Raises
        DirectoryUntrusted.
        """
        work, letters = self._reader.read_frames(frames)
        try:
            return await self._settle_together(work, letters, confirmed)
        except (StoreUnavailable, Fatal):
            raise
        except Exception as failed:
            log.warning("batch.redone-singly", service=self._service, messages=len(work), why=reason_of(failed))
        settled = Settled(redone=1)
        for item in work:
            _merge(settled, await self._settle_alone(item))
        _merge(settled, await self._settle_together([], letters, confirmed))
        return settled

    async def settle_due(self) -> Settled:
        """Parked items whose time has come. Raises StoreUnavailable."""
        settled = Settled()
        for item in await self._units.list_due(DUE_BATCH, self._clock.now()):
            _merge(settled, await self._settle_one_due(item))
        return settled

    async def bury_frames(self, frames: Sequence[bytes]) -> None:
        """Keep whole frames that the bus gave up on."""
        async with self._units.begin() as unit:
            await unit.bury([self._reader.letter_of_frame(frame, BUS_GAVE_UP) for frame in frames])
            await unit.commit()

    async def _settle_together(
        self, work: Sequence[Work], letters: Sequence[DeadLetter], confirmed: Sequence[str]
    ) -> Settled:
        if not (work or letters or confirmed):
            return Settled()
        directory = await self.read_directory()
        instruments = self._keyring.instruments()
        async with self._units.begin() as unit:
            fresh = await self._claim(unit, work)
            self._reach("claimed")
            settled = await self._handle(unit, fresh, directory, instruments)
            await unit.bury(letters)
            await unit.forget_outbox(confirmed)
            self._reach("written")
            await unit.commit()
        self._reach("committed")
        await self._keyring.remember(settled.documents)
        settled.set_aside += len(letters)
        return settled

    async def _settle_alone(self, item: Work) -> Settled:
        for _ in range(CONFLICT_TRIES):
            try:
                return await self._settle_together([item], [], [])
            except StoreConflict:
                continue
            except (StoreUnavailable, Fatal):
                raise
            except Exception as failed:
                return await self._set_aside(item, reason_of(failed))
        return await self._postpone(item)

    async def _settle_one_due(self, item: ParkedItem) -> Settled:
        if item.parked_at is None:
            return await self._refuse_foreign(item)
        if item.ordinal == WHOLE_FRAME:
            return await self._settle_whole(item)
        return await self._settle_alone(self._reader.read_parked(item))

    async def _refuse_foreign(self, item: ParkedItem) -> Settled:
        """A row that nobody of this service wrote, kept as a whole frame: whoever retries it, its items are claimed."""
        async with self._units.begin() as unit:
            if await unit.hold_parked(item.id):
                await unit.unpark([item.id])
                await unit.bury([self._reader.letter_of_frame(item.frame, NOT_PARKED)])
                await unit.commit()
        return Settled(handled=1, set_aside=1)

    async def _settle_whole(self, parked: ParkedItem) -> Settled:
        """A frame that never opened, tried again: its items are claimed one by one, so that half of it may be done."""
        settled = Settled()
        work, failed = self._reader.read_frames([parked.frame])
        for item in work:
            waiting = replace(item.waiting, retries=parked.retries, earlier=parked.earlier)
            _merge(settled, await self._settle_alone(replace(item, waiting=waiting)))
        async with self._units.begin() as unit:
            if await unit.hold_parked(parked.id):
                await unit.unpark([parked.id])
                await unit.bury([replace(one, retries=parked.retries, earlier=parked.earlier) for one in failed])
                await unit.commit()
        return settled

    async def _claim(self, unit: UnitOfWork, work: Sequence[Work]) -> list[Work]:
        """Only what was not settled before: new on the inbox, or still parked."""
        new = await unit.claim([item.waiting.id for item in work if not item.is_parked])
        fresh = []
        for item in work:
            if item.is_parked:
                if await unit.hold_parked(item.waiting.id):
                    fresh.append(item)
            elif item.waiting.id in new:
                new.discard(item.waiting.id)  # the same item twice in one batch counts once
                fresh.append(item)
        return fresh

    async def _handle(
        self, unit: UnitOfWork, work: Sequence[Work], directory: Directory, instruments: PublishedInstruments
    ) -> Settled:
        now = self._clock.now()
        letters: list[DeadLetter] = []
        asked = self._needs(work, letters, now)
        wanted = {key for keys in asked.values() for key in keys}
        view = BatchView(wanted, await unit.load(wanted))
        effects = BatchEffects()
        parks: list[tuple[ParkedItem, datetime, str]] = []
        orders: list[RetryLetter] = []
        for item in work:
            if item.message is None or item.waiting.id not in asked:
                continue
            if isinstance(item.message, RetryLetter):
                orders.append(item.message)
                continue
            occasion = Occasion(now, item.waiting.first_at, directory, instruments)
            try:
                done = self._handler.handle(item.message, view, occasion)
            except RetryLater as later:
                parks.append(_parked_again(item.waiting, later, now))
            except Fatal:
                raise
            except Exception as failed:
                letters.append(self._reader.letter_of(item, reason_of(failed), now))
            else:
                view.apply(done)
                effects.add(done)
        self._reach("handled")
        merged = effects.merged()
        merged.leaves += await retry_letters(unit, self._service, orders, now)
        rows = await unit.write(merged)
        await unit.unpark([item.waiting.id for item in work if item.is_parked])
        await unit.park(parks)
        await unit.bury(letters)
        documents = [one for one in merged.inserts if isinstance(one, KeyEventRecord | InstrumentsRecord)]
        counts = {"handled": len(work), "parked": len(parks), "set_aside": len(letters)}
        return Settled(rows, merged.wakes, **counts, documents=documents)

    def _needs(self, work: Sequence[Work], letters: list[DeadLetter], now: datetime) -> dict[str, Sequence[Key]]:
        asked: dict[str, Sequence[Key]] = {}
        for item in work:
            if item.message is None:
                letters.append(self._reader.letter_of(item, item.why, now))
                continue
            try:
                is_order = isinstance(item.message, RetryLetter)  # of this runtime, not of the handler
                asked[item.waiting.id] = () if is_order else self._handler.needs(item.message)
            except Exception as failed:
                letters.append(self._reader.letter_of(item, reason_of(failed), now))
        return asked

    async def _postpone(self, item: Work) -> Settled:
        """One item that only meets conflicts: what it conflicts with may be there for good, and others wait behind."""
        why = f"it met {CONFLICT_TRIES} conflicts in a row"
        if item.waiting.attempts >= CONFLICT_PARKS:
            return await self._set_aside(item, f"{StoreConflict.code}: {why}, {CONFLICT_PARKS} times")
        later = RetryLater(why=why, after_s=CONFLICT_RETRY_S)
        async with self._units.begin() as unit:
            if await self._claim(unit, [item]):
                await unit.park([_parked_again(item.waiting, later, self._clock.now())])
                await unit.commit()
        return Settled(handled=1, parked=1)

    async def _set_aside(self, item: Work, reason: str) -> Settled:
        """One item that cannot even be written: claimed and buried, so that it does not come back."""
        async with self._units.begin() as unit:
            if await self._claim(unit, [item]):
                await unit.unpark([item.waiting.id])
                await unit.bury([self._reader.letter_of(item, reason, self._clock.now())])
                await unit.commit()
        return Settled(handled=1, set_aside=1)


def _parked_again(item: ParkedItem, later: RetryLater, now: datetime) -> tuple[ParkedItem, datetime, str]:
    return (
        replace(item, attempts=item.attempts + 1),
        now + timedelta(seconds=float(str(later.facts.get("after_s", 1)))),
        str(later),
    )


def _merge(into: Settled, more: Settled) -> None:
    into.outbox += more.outbox
    into.wakes |= more.wakes
    into.handled += more.handled
    into.parked += more.parked
    into.set_aside += more.set_aside
    into.redone += more.redone
