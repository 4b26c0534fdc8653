"""The sequencer: rounds that give waiting leaves their place, and signatures on heads that are committed.

Rules:
1. Leaves, tiles and the intended head are committed in one transaction; only a committed head is ever signed, so two
   trees of one size cannot both be signed by this code, whenever it is killed.
2. Signing comes after the commit, and again on the next round if it did not happen: recovery is the normal path.
3. If the stored tiles do not make the committed root, it halts (LedgerForked): nothing more is signed.
4. Before a head is signed it is kept outside the database, durably. A database that is behind what was kept, or holds
   another tree, was set back or changed: it halts, since signing would fork the log. A copy of the ledger that was
   published, if the settings name one, is held against the database in the same way when the process starts, and so is
   every signed head that a witness shows.
5. What waits is believed for its seal alone (`admission.py`). A row of no service is set aside, and stops nobody. What
   was set aside is looked at once more by each new process: only a restart changes keys, roster and program.
6. A committed head bears a seal of the ledger's own key. A head without it was put there by somebody who can write to
   the database: it halts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from services.ledger.admission import LeafReader, Read, Sorted, sort_out
from services.ledger.policy import check_kept, check_root, plan_round
from shared.audit.checkpoint import encode_checkpoint
from shared.audit.head_seal import seal_head, verify_head_seal
from shared.audit.notes import NoteSigner
from shared.audit.tree_head import TreeHead as NotedHead
from shared.errors import LedgerForked, LedgerInvalid
from shared.keys.private import Ed25519Signer
from shared.ports.clock import Clock
from shared.ports.ledger import HeadMemory, KeptHead, Ledger, Round, TreeHead

log = structlog.get_logger()

ROUND_EVERY_S: Final = 0.25
ROUND_LEAVES: Final = 1000
"""After so many it takes no further frame."""
ROUND_FRAMES: Final = 200
ROUND_BYTES: Final = 32 * 1024 * 1024
"""Frames that a round looks at, and the bytes after which it looks at no more: forged rows must not fill the memory."""
LETTERS_TOGETHER: Final = 10


@dataclass(frozen=True)
class LogSigners:
    """Both keys of the log, named for its origin, and the service's."""

    ed25519: NoteSigner
    mldsa44: NoteSigner
    service: Ed25519Signer
    """The ledger's own key, which seals what is placed and not signed yet."""


class Sequencer:
    def __init__(
        self,
        ledger: Ledger,
        memory: HeadMemory,
        origin: str,
        signers: LogSigners,
        clock: Clock,
        reach: Callable[[str], None],
        reader: LeafReader,
        published: KeptHead | None = None,
    ) -> None:
        """`published` is a head of this log that others hold, whoever signed it."""
        self._ledger = ledger
        self._reader = reader
        self._memory = memory
        self._origin = origin
        self._signers = signers
        self._clock = clock
        self._reach = reach
        self._held_by_others = [] if published is None else [published]
        self._root_checked = False
        self.leads = False
        """Whether this process made the last round, and no other."""
        self.has_more = False
        """Whether the last round left something that waits."""
        self.refused = 0
        """Rows that this process set aside."""
        self._tried_until: int | None = 0
        """The last letter that this process looked at; None when it has looked at all."""
        self._placed: TreeHead | None = None
        self._rested_at: int | None = None

    def hold_against(self, head: KeptHead) -> None:
        """The next round compares the database with this head, which the log's keys signed, before it does anything."""
        self._held_by_others.append(head)

    async def run_round(self) -> int:
        """One round; how many leaves it placed. Raises StoreUnavailable, StoreConflict, LedgerForked."""
        rests_at = await self._ledger.rests_at()
        is_quiet = rests_at is not None and rests_at == self._rested_at
        if is_quiet and self._tried_until is None and not self._held_by_others:
            return 0  # nothing waits, and the last whole round found it so: one question, and no transaction
        await self._sign_newest()
        placed = await self._place_waiting()
        self._rested_at = rests_at
        if placed and self._placed is not None:
            self._reach("round-committed")
            await self._sign(self._placed)
            self._reach("round-signed")
        return placed

    async def _place_waiting(self) -> int:
        async with self._ledger.round() as round_:
            self.leads = round_ is not None
            self.has_more = False
            if round_ is None:
                return 0
            head = await round_.head()
            await self._check_kept(round_, head)
            self._check_own(head)
            letters, waiting = await self._read(round_)
            digests = {digest for one in (*letters, *waiting) for digest in one.leaves}
            placed = await round_.placed(digests, head.size if head else 0)
            done = sort_out(letters, waiting, placed)
            now = self._clock.now()
            if done.refused:
                await round_.set_aside([one.letter(now) for one in done.refused], [one.row.id for one in done.refused])
            if done.leaves:
                edge = await round_.edge(head.size) if head else {}
                planned = plan_round(head, edge, list(done.leaves.values()), now)
                await round_.append(planned.leaves, planned.tiles, self.sealed(planned.head), done.rows)
                await round_.forget_letters(done.mended)
                self._reach("round-written")
                await round_.commit()
                self._placed = planned.head
            elif done.refused:
                await round_.commit()
            self._count(letters, done)
            return len(done.leaves)

    async def _read(self, round_: Round) -> tuple[list[Read], list[Read]]:
        """Letters that this process has not looked at yet, and what waits, as much as one round takes."""
        now = self._clock.now()
        letters, tried = [], self._tried_until
        if tried is not None:
            letters = [self._reader.read(row, now) for row in await round_.letters(tried, LETTERS_TOGETHER)]
        rows = await round_.waiting(ROUND_FRAMES, ROUND_BYTES)
        waiting: list[Read] = []
        for row in rows:
            if sum(len(one.leaves) for one in waiting) >= ROUND_LEAVES:
                break
            waiting.append(self._reader.read(row, now))
        self.has_more = len(waiting) < len(rows) or len(rows) == ROUND_FRAMES
        return letters, waiting

    def _count(self, letters: Sequence[Read], done: Sorted) -> None:
        """After the commit."""
        if self._tried_until is not None:
            self._tried_until = letters[-1].row.id if letters else None
        self.refused += len(done.refused)
        for one in done.refused:
            log.error("leaf.set-aside", row=one.row.id, bytes=len(one.row.frame), why=str(one.refused[0]))
        if done.mended:
            log.info("leaf.letters-mended", letters=len(done.mended))

    async def _sign_newest(self) -> None:
        """Sign the newest committed head if it has no note yet; before the first, check it against the tiles."""
        head = await self._ledger.unsigned_head()
        if head is None:
            return
        if not self._root_checked or not self._continues(head):
            async with self._ledger.round() as round_:
                committed = await round_.head() if round_ else None
                if round_ is None or committed is None or committed != head:
                    return  # another leads; what is signed is what was checked
                check_root(committed, await round_.edge(committed.size))
                await self._check_kept(round_, committed)
                self._check_own(committed)
            self._root_checked = True
        await self._sign(head)

    async def _sign(self, head: TreeHead) -> None:
        await self._memory.keep(KeptHead(head.size, head.root))
        self._reach("head-kept")
        note = encode_checkpoint(
            NotedHead(self._origin, head.size, head.root), self._signers.ed25519, self._signers.mldsa44
        )
        self._reach("head-signed")
        await self._ledger.publish_note(head.size, note)

    def _continues(self, head: TreeHead) -> bool:
        """Whether this process placed it on top of what it kept: then nothing needs to be read again."""
        return head == self._placed

    def sealed(self, head: TreeHead) -> TreeHead:
        """The head as it is committed (rule 6)."""
        return replace(head, seal=seal_head(self._signers.service, self._origin, head.size, head.root, head.logged_at))

    def _check_own(self, head: TreeHead | None) -> None:
        """Raises LedgerForked for a head that no process of this ledger placed (rule 6)."""
        if head is None or head == self._placed:
            return
        kept = self._memory.last()
        if head.seal is None and kept is not None and (kept.size, kept.root) == (head.size, head.root):
            return  # it was placed and signed before there were seals
        own = self._signers.service.public_key()
        try:
            verify_head_seal(head.seal or b"", own, self._origin, head.size, head.root, head.logged_at)
        except LedgerInvalid as foreign:
            raise LedgerForked(why=f"no ledger of this exchange placed what the database holds: {foreign}") from foreign

    async def _check_kept(self, round_: Round, head: TreeHead | None) -> None:
        held_by_others = tuple(self._held_by_others)
        for kept in (self._memory.last(), *held_by_others):
            is_same = kept is None or (head is not None and (head.size, head.root) == (kept.size, kept.root))
            check_kept(head, kept, {} if kept is None or is_same else await round_.edge(kept.size))
        del self._held_by_others[: len(held_by_others)]  # what continues them once does so for ever: rule 1
