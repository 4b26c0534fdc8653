"""The sequencer: rounds that give waiting leaves their place, and signatures on heads that are committed.

Rules:
1. Leaves, tiles and the intended head are committed in one transaction; only a committed head is ever signed, so two
   trees of one size cannot both be signed by this code, whenever it is killed.
2. Signing comes after the commit, and again on the next round if it did not happen: recovery is the normal path.
3. If the stored tiles do not make the committed root, it halts (LedgerForked): nothing more is signed.
4. Before a head is signed it is kept outside the database, durably. A database that is behind what was kept, or holds
   another tree, was set back or changed: it halts, since signing would fork the log. What is kept is read anew in
   each round: another process may have led since. Who meets a head that another placed keeps it too, so that a ledger
   that waits remembers what the leader signed. A copy of the ledger that was published, if the settings name one, and
   the signed heads that witnesses show are held against the database in the same way whenever a process begins to
   lead: when it starts, and when it leads again after another did.
5. What waits is believed for its seal alone (`admission.py`). A row of no service is set aside, and stops nobody. What
   was set aside is looked at once more by each new process: only a restart changes keys, roster and program. Whether
   a leaf has its place is read from entries under the signed root (`recent.py`): if they were changed, it halts.
6. A committed head bears a seal of the ledger's own key. A head without it was put there by somebody who can write to
   the database: it halts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from services.ledger.admission import LeafReader, Read, Sorted, sort_out
from services.ledger.policy import check_kept, check_root, plan_round
from services.ledger.recent import READ_BACK, RecentLeaves
from shared.audit.checkpoint import encode_checkpoint
from shared.audit.head_seal import seal_head, verify_head_seal
from shared.audit.notes import NoteSigner
from shared.audit.tree_head import TreeHead as NotedHead
from shared.errors import LedgerForked, LedgerInvalid
from shared.keys.private import Ed25519Signer
from shared.keys.public import Ed25519Public
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


async def nobody_to_ask() -> None: ...


@dataclass(frozen=True)
class LogSigners:
    """Both keys of the log, named for its origin, and the service's."""

    ed25519: NoteSigner
    mldsa44: NoteSigner
    service: Ed25519Signer
    """The ledger's own key, which seals what is placed and not signed yet."""
    sealed_by: Callable[[datetime], Sequence[Ed25519Public]] | None = None
    """With which keys it may have sealed a head at this time; without it, with this one alone."""

    def head_keys(self, at: datetime) -> Sequence[Ed25519Public]:
        return [self.service.public_key()] if self.sealed_by is None else self.sealed_by(at)


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
        look_back: Callable[[], Awaitable[None]] = nobody_to_ask,
        read_back: int = READ_BACK,
    ) -> None:
        """`look_back` is awaited before this process begins to lead: it gives the heads that others hold, whoever
        signed them, to `hold_against`. `read_back` is as in `recent.py`."""
        self._ledger = ledger
        self._reader = reader
        self._memory = memory
        self._origin = origin
        self._signers = signers
        self._clock = clock
        self._reach = reach
        self._look_back = look_back
        self._has_looked_back = False
        self._held_by_others: list[KeptHead] = []
        self._judged: KeptHead | None = None
        """What the machine remembered when the database was last held against it."""
        self._root_checked = False
        self.leads = False
        """Whether this process made the last round, and no other."""
        self.has_more = False
        """Whether the last round left something that waits."""
        self.refused = 0
        """Rows that this process set aside."""
        self._recent = RecentLeaves(read_back)
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
        if not await self._may_lead():
            return 0
        await self._sign_newest()
        placed = await self._place_waiting()
        self._rested_at = rests_at
        if placed and self._placed is not None:
            self._reach("round-committed")
            await self._sign(self._placed)
            self._reach("round-signed")
        return placed

    async def _may_lead(self) -> bool:
        """Whether nobody else leads now; who did not lead before looks at what others hold first (rule 4)."""
        if not self._has_looked_back:
            async with self._ledger.round() as round_:
                self._led(is_so=round_ is not None)
            if self.leads:
                await self._look_back()
                self._has_looked_back = True
        return self._has_looked_back

    def _led(self, *, is_so: bool) -> None:
        self.leads = is_so
        self._has_looked_back = self._has_looked_back and is_so
        self.has_more = self.has_more and is_so

    async def _place_waiting(self) -> int:
        async with self._ledger.round() as round_:
            self._led(is_so=round_ is not None)
            if round_ is None:
                return 0
            self.has_more = False
            head = await round_.head()
            await self._check_kept(round_, head)
            self._check_own(head)
            await self._keep_met(head)
            now = max(self._clock.now(), head.logged_at) if head else self._clock.now()
            letters, waiting = await self._read(round_, now)
            placed = await self._find_placed(round_, head, [*letters, *waiting])
            letters, waiting = (
                [one if self._is_known(one) else one.known(placed) for one in some] for some in (letters, waiting)
            )
            done = sort_out(letters, waiting, placed)
            if done.refused:
                await round_.set_aside([one.letter(now) for one in done.refused], [one.row.id for one in done.refused])
            if done.leaves:
                edge = await round_.edge(head.size) if head else {}
                planned = plan_round(head, edge, done.leaves, now)
                await round_.append(planned.leaves, planned.tiles, self.sealed(planned.head), done.rows)
                await round_.forget_letters(done.mended)
                self._reach("round-written")
                await round_.commit()
                self._placed = planned.head
                self._recent.add(planned.leaves, planned.head)
            elif done.refused:
                await round_.commit()
            self._count(letters, done)
            return len(done.leaves)

    async def _find_placed(self, round_: Round, head: TreeHead | None, read: Sequence[Read]) -> set[bytes]:
        """Which of these leaves have their place. Of frames that are older than what this process knows a column tells
        a copy at once; its silence proves nothing."""
        placed: set[bytes] = set()
        older = [one for one in read if one.sealed_at and not self._recent.knows(head, one.sealed_at)]
        if older:
            placed = await round_.placed({digest for one in older for digest in one.leaves}, head.size if head else 0)
            asked = [one.sealed_at for one in older if one.sealed_at and not placed.issuperset(one.leaves)]
            if asked:
                await self._recent.look_back(round_, head, min(asked))
        return placed | self._recent.holds({digest for one in read for digest in one.leaves})

    def _is_known(self, one: Read) -> bool:
        return one.sealed_at is None or self._recent.knows_since(one.sealed_at)

    async def _read(self, round_: Round, now: datetime) -> tuple[list[Read], list[Read]]:
        """Letters that this process has not looked at yet, and what waits, as much as one round takes."""
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
                    self._led(is_so=round_ is not None)
                    return  # another leads; what is signed is what was checked
                check_root(committed, await round_.edge(committed.size))
                await self._check_kept(round_, committed)
                self._check_own(committed)
            self._root_checked = True
        await self._sign(head)

    async def _sign(self, head: TreeHead) -> None:
        if not await self._memory.keep(KeptHead(head.size, head.root), self._judged):
            self._placed = None  # another process of this machine led: the next round begins with what it kept
            return
        self._reach("head-kept")
        note = encode_checkpoint(
            NotedHead(self._origin, head.size, head.root), self._signers.ed25519, self._signers.mldsa44
        )
        self._reach("head-signed")
        await self._ledger.publish_note(head.size, note)

    async def _keep_met(self, head: TreeHead | None) -> None:
        """Of one that another process placed and signed; `_sign_newest` came before."""
        if head is not None and head != self._placed and (self._judged is None or head.size > self._judged.size):
            met = KeptHead(head.size, head.root)
            self._judged = met if await self._memory.keep(met, self._judged) else self._judged

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
        own = self._signers.head_keys(head.logged_at)
        try:
            verify_head_seal(head.seal or b"", own, self._origin, head.size, head.root, head.logged_at)
        except LedgerInvalid as foreign:
            raise LedgerForked(why=f"no ledger of this exchange placed what the database holds: {foreign}") from foreign

    async def _check_kept(self, round_: Round, head: TreeHead | None) -> None:
        own, held_by_others = self._memory.last(), tuple(self._held_by_others)
        for kept in (own, *held_by_others):
            is_same = kept is None or (head is not None and (head.size, head.root) == (kept.size, kept.root))
            edge = {} if kept is None or is_same else await round_.edge(kept.size)
            check_kept(head, kept, edge, is_own=kept is own)
        self._judged = own
        del self._held_by_others[: len(held_by_others)]  # what continues them once does so for ever: rule 1
