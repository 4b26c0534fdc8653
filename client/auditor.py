"""A whole ledger verified from outside, with nothing but the trust file; every step is made on the reader's machine.

The argument, step by step:
 1. the checkpoint is of this log, both of the log's keys signed it, and a quorum of the trust file's witnesses cosigned
 2. every entry bundle is there, of its exact size, and so is every tile of hashes
 3. every entry parses: a time that does not go back, a leaf of the catalogue in its one form
 4. every entry is hashed again; every tile, full or partial, on every level, holds the hashes that result
 5. the root that results is the checkpoint's
 6. every leaf says what follows from those before it (`audit_leaves.py`): key events by the operators' keys, decisions
    by the envelopes' signatures and intake's rules, evidences by decisions

Rules:
1. It imports nothing of the server's storage and asks the source for files only.
2. Memory is bounded: some bundles, one tile per level, and a temporary file for what must be remembered.
3. A difference is named and the reading goes on, as far as what is there allows; `AuditReport.ok` says whether all was
   read and nothing differed. Only an unreachable source raises.

It cannot see what was never logged: a sender finds that out by its receipt, a recipient by `seen`, and everybody by
comparing checkpoints with each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final

from client.audit_envelopes import answer_all
from client.audit_leaves import LeafJudge, Prepared
from client.audit_memory import AuditMemory
from client.audit_report import AuditReport
from client.ledger_source import CHECKPOINT, LedgerSource
from shared.audit.log_verification import LogVerifier
from shared.audit.quorum import rule_of
from shared.audit.tiles import TILE_WIDTH, Tile, build_tiles, bundle_at, parse_bundle
from shared.audit.tree import hash_leaf
from shared.audit.tree_head import TreeHead
from shared.errors import LedgerInvalid, NotThere, QuorumMissing
from shared.keys.trust import Trust

Progress = Callable[[int, int], None]
"""(entries read, entries in all)."""

WORKERS: Final = 2
POOL_FROM: Final = 20_000
"""Entries below which starting worker processes costs more than it saves."""
_BUNDLES_AHEAD: Final = 4


def verify_ledger(
    source: LedgerSource, trust: Trust, progress: Progress | None = None, *, workers: int = WORKERS
) -> AuditReport:
    """Verify everything, as the module's steps say. Raises what the source raises when it cannot be reached."""
    report = AuditReport(trust.origin)
    rule = rule_of(trust)
    try:
        checkpoint = rule.read(source.read(CHECKPOINT))
    except NotThere:
        report.differ(None, "checkpoint", "there is no signed checkpoint")
        return report
    except LedgerInvalid as broken:
        report.differ(None, "checkpoint", broken)
        return report
    report.size, report.root = checkpoint.head.size, checkpoint.head.root.hex()
    report.witnesses = rule.witnesses_of(checkpoint)
    try:
        rule.require_quorum(checkpoint)
    except QuorumMissing as missing:  # what it says is read all the same: a fork that no witness signed is evidence
        report.differ(None, "witnesses", missing)
    with ExitStack() as closing:
        memory = AuditMemory()
        closing.callback(memory.close)
        pool: Executor | None = None
        if workers > 0 and checkpoint.head.size >= POOL_FROM:
            # spawned, not forked: a fork would inherit open connections and database handles
            pool = closing.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
        _Reading(source, checkpoint.head, LeafJudge(trust, memory, report), report, pool, progress).run()
    return report


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Leaves of one bundle whose questions are being answered."""

    leaves: list[Prepared]
    answers: Future[list[str | None]] | list[str | None]

    def refusals(self) -> list[str | None]:
        return self.answers if isinstance(self.answers, list) else self.answers.result()


class _Reading:
    """One pass over one log."""

    def __init__(
        self,
        source: LedgerSource,
        head: TreeHead,
        judge: LeafJudge,
        report: AuditReport,
        pool: Executor | None,
        progress: Progress | None,
    ) -> None:
        self._source = source
        self._head = head
        self._judge = judge
        self._report = report
        self._pool = pool
        self._progress = progress
        self._log = LogVerifier()
        self._edge: dict[Tile, bytes] = {}  # the partial tiles of the entries read so far
        self._waiting: deque[_Waiting] = deque()
        self._leaves_are_sound = True

    def run(self) -> None:
        try:
            for entries in self._bundles():
                self._check_tiles(entries)
                self._take(entries)
                self._report.read += len(entries)
                if self._progress is not None:
                    self._progress(self._report.read, self._head.size)
            self._check_edge()
        except NotThere:
            self._report.differ(
                self._report.read, "missing", "a file of the ledger is not there; nothing after was read"
            )
            return
        except LedgerInvalid as broken:
            self._report.differ(self._report.read, "bundle", broken)
            return
        finally:
            self._conclude(leave=0)
        self._report.finished = self._leaves_are_sound and self._report.read == self._head.size
        if self._report.finished and self._report.last_logged_at is not None:
            self._judge.look_back(self._report.last_logged_at)

    def _bundles(self) -> Iterator[list[bytes]]:
        for number in range(-(-self._head.size // TILE_WIDTH)):
            bundle = bundle_at(number, self._head.size)
            yield parse_bundle(self._source.read(bundle.path), bundle.width)

    def _check_tiles(self, entries: list[bytes]) -> None:
        """Steps 2, 4 and 5: build the tiles that these entries make, and compare those that are full now."""
        old_size = self._report.read
        made = build_tiles(old_size, [hash_leaf(entry) for entry in entries], self._edge.__getitem__)
        for tile, data in made.tiles.items():
            self._edge = {other: kept for other, kept in self._edge.items() if other.level != tile.level}
            if tile.width == TILE_WIDTH:
                self._compare(tile, data)
        self._edge |= {tile: data for tile, data in made.tiles.items() if tile.width < TILE_WIDTH}
        if made.size == self._head.size and made.root != self._head.root:
            self._report.differ(None, "root", f"the entries have the root {made.root.hex()}, not the checkpoint's")

    def _check_edge(self) -> None:
        for tile, data in self._edge.items():
            self._compare(tile, data)

    def _compare(self, tile: Tile, data: bytes) -> None:
        if self._source.read(tile.path) != data:
            self._report.differ(None, "tile", f"{tile.path} does not hold the hashes of the entries")

    def _take(self, entries: list[bytes]) -> None:
        """Steps 3 and 6. After an entry that cannot be read no later one can be judged; tiles and root still are."""
        prepared: list[Prepared] = []
        for entry in entries if self._leaves_are_sound else ():
            try:
                logged = self._log.add(entry)
            except LedgerInvalid as broken:
                self._report.differ(self._log.size, "entry", f"{broken} No entry after it was judged.")
                self._leaves_are_sound = False
                break
            self._report.first_logged_at = self._report.first_logged_at or logged.logged_at
            self._report.last_logged_at = logged.logged_at
            prepared.append(self._judge.prepare(logged))
        questions = [one.question for one in prepared]
        answers = answer_all(questions) if self._pool is None else self._pool.submit(answer_all, questions)
        self._waiting.append(_Waiting(prepared, answers))
        self._conclude(leave=_BUNDLES_AHEAD)

    def _conclude(self, leave: int) -> None:
        while len(self._waiting) > leave:
            waiting = self._waiting.popleft()
            for prepared, refusal in zip(waiting.leaves, waiting.refusals(), strict=True):
                self._judge.conclude(prepared, refusal)
