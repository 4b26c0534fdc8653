"""One pass over the entries of a log, bundle by bundle: steps 3 to 7 of `auditor.py`.

While worker processes answer what the signatures of one bundle are asked, the next ones are read. What was read is kept
each KEEP_EVERY entries, when nothing is on its way. A file that knows a signed head takes nothing before the root of
the next one is there: what is served may be altered, and would be remembered as the ledger.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from client.audit_file import AuditFile, Position
from client.audit_leaves import LeafJudge, Prepared
from client.audit_report import AuditReport
from client.audit_signatures import Answer, answer_all
from client.ledger_source import LedgerSource
from client.worker_processes import start_processes
from shared.audit.leaves import parse_entry
from shared.audit.log_verification import LoggedLeaf
from shared.audit.tiles import TILE_WIDTH, Bundle, Tile, build_tiles, bundle_at, parse_bundle
from shared.audit.tree import hash_leaf
from shared.audit.tree_head import TreeHead
from shared.errors import LedgerInvalid, NotThere

Progress = Callable[[int, int], None]
"""(entries read, entries in all)."""

POOL_FROM: Final = 20_000
"""Entries below which starting worker processes costs more than it saves."""
KEEP_EVERY: Final = 256 * TILE_WIDTH
"""Entries after which what was read is kept: a reading that is killed repeats at most so many. Each time it waits for
its workers."""
COLLECT_EVERY: Final = 1_000_000
"""Values in lists and objects that are made, and not gone, before Python looks for cycles among them."""
_BUNDLES_AHEAD: Final = 16
"""While worker processes start, and where one is held up, the reading goes on."""


@contextmanager
def few_collections() -> Iterator[None]:
    """For a reading, which makes values by the million and hardly any in cycles: Python looks for cycles seldom, and
    not in what was there before [a tenth of the reading's time]."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


class Workers:
    """Processes that check signatures, if there are enough entries to be worth them. Once one was killed, by a machine
    that was short of memory perhaps, there are none: what they did not answer is answered here."""

    def __init__(self, count: int, entries: int) -> None:
        self._pool: Executor | None = None
        if count > 0 and entries >= POOL_FROM:
            self._pool = start_processes(count)

    def ask(self, prepared: list[Prepared]) -> Future[list[Answer]] | list[Answer]:
        questions = [one.question for one in prepared]
        if self._pool is None or not any(questions):
            return answer_all(questions)
        try:
            return self._pool.submit(answer_all, questions)
        except BrokenExecutor:
            return answer_all(questions)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Leaves of one bundle whose questions are being answered."""

    leaves: list[Prepared]
    answers: Future[list[Answer]] | list[Answer]

    def taken(self) -> list[Answer]:
        if isinstance(self.answers, list):
            return self.answers
        try:
            return self.answers.result()
        except BrokenExecutor:
            return answer_all([one.question for one in self.leaves])


class Reading:
    """Reads on from a position to a head that the caller believes."""

    def __init__(
        self,
        source: LedgerSource,
        head: TreeHead,
        judge: LeafJudge,
        report: AuditReport,
        file: AuditFile,
        workers: Workers,
        progress: Progress | None,
    ) -> None:
        self._source = source
        self._head = head
        self._judge = judge
        self._report = report
        self._file = file
        self._workers = workers
        self._progress = progress
        self._edge: dict[Tile, bytes] = {}  # the partial tiles of the entries read so far
        self._waiting: deque[_Waiting] = deque()
        self._judged = True
        self._kept = 0
        self._keeps_unproven = file.head() is None
        self._is_proven = True

    def run(self, position: Position) -> None:
        """Differences go into the report; `finished` says whether all was read and judged."""
        report = self._report
        self._edge, self._judged, self._kept = dict(position.edge), position.judged, position.size
        try:
            for entries in self._bundles():
                self._check_tiles(entries)
                self._take(entries)
                report.read += len(entries)
                if self._keeps_unproven and report.read - self._kept >= KEEP_EVERY:
                    self._keep()
                if self._progress is not None:
                    self._progress(report.read, self._head.size)
            self._keep()
            self._check_edge()
        except NotThere:
            report.differ(None, "missing", f"a file is not there; nothing from entry {report.read} on was read")
        except LedgerInvalid as broken:
            report.differ(None, "bundle", f"from entry {report.read} on: {broken}")
        else:
            report.finished = self._judged
        finally:
            self._conclude(leave=0)
        if report.finished and report.last_logged_at is not None:
            self._judge.look_back(report.last_logged_at)
            self._keep()

    def _bundles(self) -> Iterator[list[bytes]]:
        """The entries after those that were read, bundle by bundle."""
        for number in range(self._report.read // TILE_WIDTH, -(-self._head.size // TILE_WIDTH)):
            bundle = bundle_at(number, self._head.size)
            entries = self._read(bundle)[self._report.read - number * TILE_WIDTH :]
            if entries:
                yield entries

    def _read(self, bundle: Bundle) -> list[bytes]:
        return parse_bundle(self._source.read(bundle.path), bundle.width)

    def _check_tiles(self, entries: list[bytes]) -> None:
        """Steps 3, 5 and 6: build the tiles that these entries make, and compare those that are full now."""
        made = build_tiles(self._report.read, [hash_leaf(entry) for entry in entries], self._edge.__getitem__)
        for tile, data in made.tiles.items():
            self._edge = {other: kept for other, kept in self._edge.items() if other.level != tile.level}
            if tile.width == TILE_WIDTH:
                self._compare(tile, data)
                self._file.note_tile(tile, data)
        self._edge |= {tile: data for tile, data in made.tiles.items() if tile.width < TILE_WIDTH}
        if made.size == self._head.size and made.root != self._head.root:
            self._is_proven = False
            self._report.differ(None, "root", f"the entries have the root {made.root.hex()}, not the checkpoint's")

    def _check_edge(self) -> None:
        for tile, data in self._edge.items():
            self._compare(tile, data)

    def _compare(self, tile: Tile, data: bytes) -> None:
        if self._source.read(tile.path) != data:
            self._report.differ(None, "tile", f"{tile.path} does not hold the hashes of the entries")

    def _take(self, entries: list[bytes]) -> None:
        """Steps 4 and 7. After an entry that cannot be read no later one can be judged; tiles and root still are."""
        report = self._report
        prepared: list[Prepared] = []
        for index, entry in enumerate(entries if self._judged else (), report.read):
            try:
                logged = _parse(index, entry, report.last_logged_at)
            except LedgerInvalid as broken:
                report.differ(index, "entry", f"{broken} No entry after it was judged.")
                self._judged = False
                break
            report.first_logged_at = report.first_logged_at or logged.logged_at
            report.last_logged_at = logged.logged_at
            prepared.append(self._judge.prepare(logged))
        self._file.index.note((one.logged, None if one.received is None else one.received.header) for one in prepared)
        self._waiting.append(_Waiting(prepared, self._workers.ask(prepared)))
        self._conclude(leave=_BUNDLES_AHEAD)

    def _conclude(self, leave: int) -> None:
        while len(self._waiting) > leave:
            waiting = self._waiting.popleft()
            for prepared, answer in zip(waiting.leaves, waiting.taken(), strict=True):
                self._judge.conclude(prepared, answer)

    def _keep(self) -> None:
        self._conclude(leave=0)
        if not (self._keeps_unproven or self._is_proven):
            return
        self._kept = self._report.read
        self._file.keep(Position(self._report.read, self._judged, self._edge, self._report.figures()))


def _parse(index: int, entry: bytes, after: datetime | None) -> LoggedLeaf:
    try:
        logged_at, leaf = parse_entry(entry)
    except LedgerInvalid as broken:
        raise LedgerInvalid(why=f"entry {index}: {broken}") from None
    if after is not None and logged_at < after:
        raise LedgerInvalid(why=f"entry {index} was logged before the entry that it follows")
    return LoggedLeaf(index, logged_at, leaf)
