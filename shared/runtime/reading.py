"""Frames → work: each item opened and read, or a dead letter that says why not.

What is set aside tells its reason without quoting what was in it: the code and sentence of our own errors, of others
the type and place alone.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from shared.contracts.messages import ServiceMessage
from shared.contracts.registry import parse_message
from shared.contracts.topology import SAID_BY
from shared.domain.ids import is_uuid7, time_of_uuid7
from shared.errors import ComityError, FrameRefused
from shared.frame.items import Item
from shared.frame.open import FrameOpener
from shared.frame.seal import MAX_FRAME_BYTES
from shared.ports.clock import Clock
from shared.ports.unit_of_work import EARLIER_REASONS, OVERSIZE_KEPT, DeadLetter, ParkedItem

MAX_REASON_CHARS: Final = 1000
TOO_OLD: Final = f"{FrameRefused.code}: it was made longer ago than the inbox remembers; it may have been handled then"
PARKED_LONG_AGO: Final = f"{FrameRefused.code}: it was parked longer ago than the inbox remembers"
NOT_PARKED: Final = f"{FrameRefused.code}: a parked row: no process of this service wrote it"

log = structlog.get_logger()


@dataclass(frozen=True)
class Work:
    """One item to be handled, parked or from the bus. `message` is None where it cannot be read, and `why` says so."""

    waiting: ParkedItem
    type: str | None
    message: ServiceMessage | None
    is_parked: bool
    why: str = ""


class FrameReader:
    """Opens frames for one service."""

    def __init__(self, service: str, opener: FrameOpener, clock: Clock) -> None:
        self._service = service
        self._opener = opener
        self._clock = clock

    def read_frames(self, frames: Sequence[bytes]) -> tuple[list[Work], list[DeadLetter]]:
        """The items of all frames, and letters for the frames that do not open."""
        work: list[Work] = []
        letters: list[DeadLetter] = []
        now = self._clock.now()
        for frame in frames:
            try:
                opened = self._opener.open(frame, self._service, now)
            except Exception as failed:
                letters.append(self.letter_of_frame(frame, reason_of(failed)))
                continue
            for ordinal, item in enumerate(opened.items):
                waiting = ParkedItem(id=item.id, frame=frame, ordinal=ordinal, attempts=0, first_at=now)
                if self._is_too_old(item, now):
                    work.append(Work(waiting, item.type, None, is_parked=False, why=TOO_OLD))
                else:
                    work.append(_read(waiting, item, opened.producer, is_parked=False))
        return work, letters

    def _is_too_old(self, item: Item, now: datetime) -> bool:
        """An outbox publishes a row again in a new frame, however old it is: its first copy may have been forgotten."""
        return is_uuid7(item.id) and now - time_of_uuid7(item.id) > self._opener.retention

    def read_parked(self, item: ParkedItem) -> Work:
        """One item that this service parked. It was claimed when it came, so that its frame may be of any age; not so
        the parking, since a copy of the row could be put back when all is forgotten."""
        now = self._clock.now()
        if item.parked_at is None or now - item.parked_at > self._opener.retention:
            return Work(item, None, None, is_parked=True, why=PARKED_LONG_AGO)
        try:
            opened = self._opener.open(item.frame, self._service, now, check_age=False)
            found = opened.items[item.ordinal]
            if found.id != item.id:
                raise FrameRefused(why="it is another item than the one that was parked")
            return _read(item, found, opened.producer, is_parked=True)
        except Exception as failed:
            return Work(item, None, None, is_parked=True, why=reason_of(failed))

    def letter_of_frame(self, frame: bytes, reason: str) -> DeadLetter:
        log.error("frame.set-aside", service=self._service, bytes=len(frame), why=reason)
        kept = frame if len(frame) <= MAX_FRAME_BYTES else frame[:OVERSIZE_KEPT]
        return DeadLetter(None, kept, 0, reason, self._clock.now())

    def letter_of(self, item: Work, reason: str, now: datetime) -> DeadLetter:
        waiting = item.waiting
        log.error("message.set-aside", service=self._service, item=waiting.id, why=reason)
        return DeadLetter(
            id=waiting.id,
            frame=waiting.frame,
            ordinal=waiting.ordinal,
            reason=reason,
            at=now,
            type=item.type,
            attempts=waiting.attempts + 1,
            retries=waiting.retries,
            earlier=waiting.earlier,
        )


def reason_of(failed: Exception) -> str:
    """One line: code and sentence of our own errors; of others the type and place alone, since their text may quote a
    message."""
    if isinstance(failed, ComityError):
        return " ".join(f"{failed.code}: {failed}".split())[:MAX_REASON_CHARS]
    places = traceback.extract_tb(failed.__traceback__)
    place = f" at {places[-1].filename.rsplit('/', 1)[-1]}:{places[-1].lineno}" if places else ""
    return type(failed).__name__ + place


def reasons_so_far(letter: DeadLetter) -> str:
    """What `earlier` says of this letter from now on."""
    return "\n".join([letter.reason, *letter.earlier.splitlines()][:EARLIER_REASONS])


def _read(waiting: ParkedItem, item: Item, producer: str, *, is_parked: bool) -> Work:
    try:
        message = parse_message(item.type, item.v, item.data)
        if producer not in SAID_BY[type(message)]:
            raise FrameRefused(why=f"{producer} may not say {message.TYPE}")
        return Work(waiting, item.type, message, is_parked)
    except Exception as failed:
        return Work(waiting, item.type, None, is_parked, why=reason_of(failed))
