"""What a service leaves in the database for somebody who will speak or sign in its name, sealed as on the bus.

Rules:
1. An outbox row is sealed to the service itself. Its relay publishes what a process of this service wrote, and sets
   aside whatever else lies there: whoever can write to the database cannot make a service say his words.
2. Leaves are sealed to the ledger, which opens them and judges who may write which (`services/ledger`).
3. A parked item and a dead letter keep the frame that they came in, and bear a seal: a frame to the service itself that
   holds the digest of what the row says. Whoever puts a frame there has not put it off, and it is worth no more than
   one that the bus brings.
4. One row is one frame of many messages or leaves: sealing costs next to nothing, and so do the rows.
A row may lie for days. Whoever puts a copy of one back repeats it: receivers claim the ids of its items, the ledger
knows the leaves that have their place, and what was parked longer ago than the inbox remembers is not done.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from shared.adapters.keyfiles import ServiceKeyPair
from shared.contracts.messages import ServiceMessage
from shared.contracts.registry import destination_of, encode_message
from shared.contracts.topology import LEAF_WRITERS, LEDGER, LETTER, OUTBOX, PARKED
from shared.domain.ids import encode_time, new_uuid7
from shared.errors import FrameRefused
from shared.frame.items import Item
from shared.frame.open import FrameOpener
from shared.frame.seal import FrameSealer
from shared.keys.roster import Roster
from shared.ports.clock import Clock
from shared.ports.unit_of_work import (
    LEAF_FRAME_BYTES,
    LEAF_FRAME_LEAVES,
    LEAF_ITEM,
    SEALED_ROW,
    DeadLetter,
    OutboxRow,
    ParkedItem,
)
from shared.runtime.meters import ServiceMeters, unseen

_OWN: Final = (OUTBOX, PARKED, LETTER)
FRAME_ITEMS: Final = 20
FRAME_BYTES: Final = 4 * 1024 * 1024


class SealedRows:
    """`ports.RowSeal` of one service. `sealer` reaches the service itself and the ledger, `opener` its own rows."""

    def __init__(
        self, sealer: FrameSealer, opener: FrameOpener, clock: Clock, meters: ServiceMeters | None = None
    ) -> None:
        self._sealer = sealer
        self._opener = opener
        self._clock = clock
        self._meters = meters or unseen()

    def seal_outbox(self, messages: Sequence[ServiceMessage]) -> list[tuple[OutboxRow, bytes]]:
        now = self._clock.now()
        rows = gather_rows([item_of(message, now) for message in messages], now)
        return [(row, self._sealer.seal(OUTBOX, row.items, now)) for row in rows]

    def open_outbox(self, row_id: str, frame: bytes) -> OutboxRow:
        try:
            opened = self._opener.open(frame, OUTBOX, self._clock.now(), check_age=False)
            destinations = {destination_of(item.type, item.v) for item in opened.items}
            if len(destinations) != 1:
                raise FrameRefused(why="its messages are for several destinations")
        except FrameRefused:
            self._meters.rows_refused.inc()
            raise
        return OutboxRow(row_id, destinations.pop(), opened.items)

    def seal_parked(self, item: ParkedItem) -> bytes:
        return self._seal_row(PARKED, _digest_parked(item))

    def seal_letter(self, letter: DeadLetter) -> bytes:
        return self._seal_row(LETTER, _digest_letter(letter))

    def when_parked(self, item: ParkedItem, seal: bytes | None) -> datetime | None:
        return self._when_sealed(PARKED, _digest_parked(item), seal)

    def is_own_letter(self, letter: DeadLetter, seal: bytes | None) -> bool:
        return self._when_sealed(LETTER, _digest_letter(letter), seal) is not None

    def seal_leaves(self, leaves: Sequence[bytes]) -> list[bytes]:
        now = self._clock.now()
        return [
            self._sealer.seal(LEDGER, [Item(new_uuid7(now), *LEAF_ITEM, leaf) for leaf in some], now)
            for some in _leaves_together(leaves)
        ]

    def _seal_row(self, kind: str, digest: bytes) -> bytes:
        now = self._clock.now()
        return self._sealer.seal(kind, [Item(new_uuid7(now), *SEALED_ROW, digest)], now)

    def _when_sealed(self, kind: str, digest: bytes, seal: bytes | None) -> datetime | None:
        try:
            opened = self._opener.open(seal or b"", kind, self._clock.now(), check_age=False)
        except (FrameRefused, TypeError):  # SQLite keeps what it is given, and not bytes alone
            opened = None
        if opened is not None and [(one.type, one.v, one.data) for one in opened.items] == [(*SEALED_ROW, digest)]:
            return opened.sealed_at
        self._meters.rows_refused.inc()
        return None


def build_row_seal(
    keys: ServiceKeyPair, roster: Roster, clock: Clock, meters: ServiceMeters | None = None
) -> SealedRows:
    service = keys.service
    recipients = {one: known.seal for one, known in roster.services.items() if one in (service, LEDGER)}
    sealer = FrameSealer(service, keys.signer, recipients, {**dict.fromkeys(_OWN, service), LEDGER: LEDGER})
    return SealedRows(sealer, _opener(keys, roster, dict.fromkeys(_OWN, frozenset({service}))), clock, meters)


def build_leaf_opener(keys: ServiceKeyPair, roster: Roster) -> FrameOpener:
    """Opens, with the ledger's keys, what services leave for it."""
    return _opener(keys, roster, {LEDGER: LEAF_WRITERS})


def _opener(keys: ServiceKeyPair, roster: Roster, writers: Mapping[str, frozenset[str]]) -> FrameOpener:
    """For rows, whose age is not asked."""
    return FrameOpener(keys.service, keys.openers, roster, writers, retention_s=0)


def _digest_parked(item: ParkedItem) -> bytes:
    return _digest(item, first_at=encode_time(item.first_at), attempts=item.attempts)


def _digest_letter(letter: DeadLetter) -> bytes:
    return _digest(letter, reason=letter.reason)


def _digest(row: ParkedItem | DeadLetter, **more: str | int) -> bytes:
    """Of what a service believes of such a row: times at which it is due, and what is only shown, are not in it."""
    frame = hashlib.sha256(row.frame).hexdigest()
    said = {"id": row.id, "frame": frame, "ordinal": row.ordinal, "retries": row.retries, "earlier": row.earlier}
    return hashlib.sha256(json.dumps(said | more, sort_keys=True).encode()).digest()


def item_of(message: ServiceMessage, now: datetime) -> Item:
    return Item(new_uuid7(now), message.TYPE, message.VERSION, encode_message(message))


def gather_rows(items: Sequence[Item], now: datetime) -> list[OutboxRow]:
    """Items in rows: one destination each, at most FRAME_ITEMS and FRAME_BYTES unless one alone is larger."""
    rows: list[OutboxRow] = []
    waiting: dict[str, list[Item]] = defaultdict(list)
    sizes: dict[str, int] = defaultdict(int)
    for item in items:
        destination = destination_of(item.type, item.v)
        full = len(waiting[destination]) >= FRAME_ITEMS or sizes[destination] + len(item.data) > FRAME_BYTES
        if waiting[destination] and full:
            rows.append(OutboxRow(new_uuid7(now), destination, tuple(waiting.pop(destination))))
            sizes[destination] = 0
        waiting[destination].append(item)
        sizes[destination] += len(item.data)
    return rows + [OutboxRow(new_uuid7(now), destination, tuple(some)) for destination, some in waiting.items()]


def _leaves_together(leaves: Sequence[bytes]) -> Iterator[list[bytes]]:
    """In their order, so many at a time as a frame of leaves may hold."""
    some: list[bytes] = []
    size = 0
    for leaf in leaves:
        if some and (len(some) == LEAF_FRAME_LEAVES or size + len(leaf) > LEAF_FRAME_BYTES):
            yield some
            some, size = [], 0
        some.append(leaf)
        size += len(leaf)
    if some:
        yield some
