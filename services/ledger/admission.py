"""Which leaves get a place: those that a service of the exchange wrote, and that it may write, each once.

For each waiting frame, in order:
(1) it opens: sealed to the ledger by a service on the roster, nothing in it changed   (`shared.frame.open`); it is
    not dated ahead of the ledger's time
(2) each of its items is a leaf, and the leaf is of the catalogue, in its one form
(3) its writer may write leaves of this type, and names no other service in it
(4) the leaf has no place yet, and the entries since it was sealed are known   (`recent.py`)
What fails is set aside with its frame, and its neighbours are placed. Nothing here stops the ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from shared.audit.leaves import check_leaf, digest_of_leaf
from shared.contracts.topology import LEDGER, SPEAKS_FOR, WRITTEN_BY
from shared.errors import FrameRefused, LeafInvalid, LeafRefused
from shared.frame.items import Item
from shared.frame.open import FUTURE_S, FrameOpener
from shared.ports.ledger import WaitingFrame
from shared.ports.unit_of_work import LEAF_FRAME_MOST_BYTES, LEAF_ITEM, OVERSIZE_KEPT, WHOLE_FRAME, DeadLetter

Refusal = FrameRefused | LeafInvalid | LeafRefused
_LONG_AGO: Final = LeafRefused(
    why="it was sealed longer ago than the ledger reads back, so that nobody can say whether it has its place already"
)
_COPY: Final = LeafRefused(why="it has its place already, the row is a copy")


@dataclass(frozen=True)
class Read:
    """A waiting frame as far as it was good: its leaves by their digests, and what of it is refused."""

    row: WaitingFrame
    leaves: dict[bytes, bytes]
    refused: tuple[Refusal, ...] = ()
    sealed_at: datetime | None = None
    """Of one that opened."""

    def known(self, placed: Collection[bytes]) -> Read:
        """As it is where entries since it was sealed are not known: what is not among `placed` may have a place."""
        known = {digest: leaf for digest, leaf in self.leaves.items() if digest in placed}
        return replace(self, leaves=known, refused=(*self.refused, *[_LONG_AGO] * (len(self.leaves) - len(known))))

    def letter(self, now: datetime) -> DeadLetter:
        """For the operator, with the first reason."""
        first, others = self.refused[0], len(self.refused) - 1
        more = f" ({others} more of its leaves are refused)" if others else ""
        frame = self.row.frame
        kept = frame if len(frame) <= LEAF_FRAME_MOST_BYTES else frame[:OVERSIZE_KEPT]
        return DeadLetter(None, kept, WHOLE_FRAME, f"{first.code}: {first}{more}", now, type=LEAF_ITEM[0])


class LeafReader:
    """Reads waiting frames for one sequencer; `opener` is the ledger's, for its destination."""

    def __init__(self, opener: FrameOpener) -> None:
        self._opener = opener

    def read(self, row: WaitingFrame, now: datetime) -> Read:
        """Steps (1) to (3), at the ledger's time. A row may have waited long: its age is asked in step (4)."""
        if len(row.frame) > LEAF_FRAME_MOST_BYTES:
            return Read(row, {}, (FrameRefused(why=f"it has more than {LEAF_FRAME_MOST_BYTES} bytes"),))
        try:
            opened = self._opener.open(row.frame, LEDGER, now, check_age=False)
        except FrameRefused as foreign:
            return Read(row, {}, (foreign,))
        if opened.sealed_at - now > timedelta(seconds=FUTURE_S):
            return Read(row, {}, (FrameRefused(why="it is dated ahead of the ledger's time"),))
        leaves: dict[bytes, bytes] = {}
        refused: list[Refusal] = []
        for item in opened.items:
            try:
                leaf = _verify_leaf(item, opened.producer)
            except (LeafInvalid, LeafRefused) as wrong:
                refused.append(wrong)
            else:
                leaves[digest_of_leaf(leaf)] = leaf
        return Read(row, leaves, tuple(refused), opened.sealed_at)


@dataclass
class Sorted:
    """What one round does with what it read."""

    leaves: dict[bytes, bytes] = field(default_factory=dict)
    """To be placed, by digest, in their order."""
    rows: list[int] = field(default_factory=list)
    """Waiting rows of which nothing is left to do."""
    refused: list[Read] = field(default_factory=list)
    """Waiting rows of which something is set aside."""
    mended: list[int] = field(default_factory=list)
    """Letters that are good now."""


def sort_out(letters: Sequence[Read], waiting: Sequence[Read], placed: Collection[bytes]) -> Sorted:
    """Step (4), for what is placed together: of two copies the first counts. A letter that is not good stays one."""
    done = Sorted()
    for letter in letters:
        fresh = {digest: leaf for digest, leaf in letter.leaves.items() if digest not in placed}
        done.leaves.update(fresh)
        if fresh and not letter.refused:
            done.mended.append(letter.row.id)
    for frame in waiting:
        again = sum(digest in placed or digest in done.leaves for digest in frame.leaves)
        done.leaves.update({digest: leaf for digest, leaf in frame.leaves.items() if digest not in placed})
        if again or frame.refused:
            done.refused.append(replace(frame, refused=(*frame.refused, *[_COPY] * again)))
        else:
            done.rows.append(frame.row.id)
    return done


def _verify_leaf(item: Item, writer: str) -> bytes:
    """(2), (3). Raises LeafInvalid, LeafRefused."""
    if (item.type, item.v) != LEAF_ITEM:
        raise LeafRefused(why=f"{item.type} version {item.v} is no leaf")
    type_, service = check_leaf(item.data)
    if writer not in WRITTEN_BY.get(type_, ()):
        raise LeafRefused(why=f"{writer} may not write {type_}")
    if service not in (None, writer, SPEAKS_FOR.get(writer)):
        raise LeafRefused(why=f"{writer} may not write in the name of {service}")
    return item.data
