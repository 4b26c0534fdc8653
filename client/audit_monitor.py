"""A log watched: each look reads what is new, and everything that is wrong is told once, when it is seen first.

What is told, by one word each:
- `forked`, `rolled-back`, `witnesses`, and every other difference of `auditor.py` and its judges, with the entry
- `key` a key event that only a person can explain, until it is named as explained; `doubt` a message under a stolen key
- `promise`, `late`, `undelivered` what was promised and not done
- `stalled` the newest entry is older than it may be: nothing happens there, or nothing is written down
- `unreachable` the ledger could not be read for longer than it may be

What is wrong with a look as a whole (a fork, a stall) is told again only if it had ceased in between. A dishonest
exchange can be silent: `stalled` and `unreachable` are then all that it cannot prevent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from client.audit_folder import AuditFolder
from client.audit_keys import unexplained, words_of
from client.audit_report import MOST_SHOWN, AuditReport, Difference, Doubt
from client.auditor import Elsewhere
from client.ledger_source import LedgerSource
from shared.domain.ids import encode_time
from shared.errors import AuditBusy, Transient

LOOK_EVERY_S: Final = 10.0
STALLED_AFTER: Final = timedelta(minutes=30)
"""An exchange logs within ten minutes, also one that rests: each of its gateways tells that it refused nothing."""
COPY_STALLED_AFTER: Final = timedelta(hours=26)
"""A copy is as old as its last export."""
UNREACHABLE_AFTER: Final = timedelta(minutes=5)
STALLED: Final = "stalled"
UNREACHABLE: Final = "unreachable"


@dataclass(frozen=True, slots=True)
class Finding:
    """`at` is the monitor's clock, `index` the entry's if it is about one."""

    at: datetime
    what: str
    index: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a ledger may stand still, and how long it may be out of reach."""

    stalled_after: timedelta = STALLED_AFTER
    unreachable_after: timedelta = UNREACHABLE_AFTER


PATIENCE: Final = Patience()


class Monitor:
    """Not for use from several threads. `tell` hears each finding; `elsewhere` is asked at each look, so that receipts
    can be added while it runs."""

    def __init__(
        self,
        folder: AuditFolder,
        source: LedgerSource,
        elsewhere: Callable[[], Elsewhere],
        tell: Callable[[Finding], None],
        clock: Callable[[], datetime],
        *,
        explained: tuple[int, ...] = (),
        kept: Collection[str] = (),
        patience: Patience = PATIENCE,
        workers: int = 0,
    ) -> None:
        self._folder = folder
        self._source = source
        self._elsewhere = elsewhere
        self._tell_one = tell
        self._clock = clock
        self._explained = explained
        self._kept = kept
        self._patience = patience
        self._workers = workers
        self._standing: dict[str, str] = {}
        self._seen_now: dict[str, str] = {}
        self._heard: set[Difference] = set()
        self._told_keys: set[int] = set()
        self._told_doubts: set[Doubt] = set()
        self._reached_at = clock()
        self.size = 0
        self.away: AuditBusy | Transient | None = None
        """What kept the newest look from reading."""
        self.told = 0
        """Findings so far."""

    def look(self, *, last: bool = False) -> None:
        """One look. Raises what is neither a finding nor a matter of patience; of the `last` look, after which nobody
        is patient any more, whatever kept it from reading."""
        self.away = None
        try:
            report = self._read()
        except (AuditBusy, Transient) as away:
            if last:
                raise
            self.away = away
            if isinstance(away, AuditBusy):
                return  # another command reads into the same file: the next look sees what it found
            if self._clock() - self._reached_at > self._patience.unreachable_after:
                self._stand({**self._standing, UNREACHABLE: away.sentence()})
            return
        self._reached_at, self.size = self._clock(), report.size
        for one in report.differences:  # also those of earlier readings on this machine
            self._hear(one)
        self._tell_keys(report)
        if (why := self._stalled(report)) is not None:
            self._seen_now[STALLED] = why
        self._stand(self._seen_now)

    def _read(self) -> AuditReport:
        self._seen_now = {}
        report = AuditReport(self._folder.trust.origin, hear=self._hear)
        latest = self._folder.brought_up_to_date(
            self._source, workers=self._workers, elsewhere=self._elsewhere(), report=report
        )
        with latest as (done, _):
            return done

    def _hear(self, one: Difference) -> None:
        """Of an entry: told once. Of the look as a whole: told when all of it is known."""
        if one.is_of_the_look:
            self._seen_now[_title(one)] = one.why
        elif one not in self._heard:
            self._tell(one.what, one.index, one.why)
            if len(self._heard) < MOST_SHOWN:  # those that a report shows again are among the first
                self._heard.add(one)

    def _stand(self, standing: dict[str, str]) -> None:
        """Told when it begins."""
        for title, why in standing.items():
            if title not in self._standing:
                self._tell(title.partition(" ")[0], None, why)
        self._standing = standing

    def _tell_keys(self, report: AuditReport) -> None:
        for change in unexplained(report.key_changes, (*self._explained, *self._told_keys), self._kept):
            self._told_keys.add(change.seq)
            self._tell("key", change.index, f"key event {change.seq}: {words_of(change)} ({', '.join(change.flags)})")
        for doubt in report.doubts:
            if doubt not in self._told_doubts:
                self._told_doubts.add(doubt)
                self._tell("doubt", doubt.index, f"{doubt.message} was signed by {doubt.kid} in other hands")

    def _stalled(self, report: AuditReport) -> str | None:
        newest = report.last_logged_at
        if newest is None or self._clock() - newest <= self._patience.stalled_after:
            return None
        return f"its newest entry, {report.size - 1}, was logged at {encode_time(newest)}"

    def _tell(self, what: str, index: int | None, why: str) -> None:
        self.told += 1
        self._tell_one(Finding(self._clock(), what, index, why))


def _title(one: Difference) -> str:
    """What tells one thing that stands from another: promises are many, a fork is one however it is put."""
    return f"{one.what} {one.why}" if one.what == "promise" else one.what
