"""Whether each pair of the log's keys was announced before it signed, and is the one that the trust file names.

1. The trust file says which pair signs checkpoints, and up to how many entries those of before did. The roster that was
   told last before a change, of those that name a pair, names the one that follows.
2. The roster that was told last of all, of those that name a pair, names one of the trust file. One that it does not
   name is about to be used, or is another than the reader was handed: a person finds out which.
3. A roster does not name a pair that was changed before it was told.

The first pair is the one by which the log is read at all: nothing could announce it.
"""

from __future__ import annotations

from client.audit_report import AuditReport
from shared.audit.checkpoint import parse_log_keys
from shared.audit.log_verification import LoggedLeaf
from shared.errors import KeyRefused
from shared.keys.roster import Roster
from shared.keys.trust import Trust

Pair = frozenset[str]


class LogKeyHistory:
    """`take` each roster, in the order of the log."""

    def __init__(self, trust: Trust, report: AuditReport) -> None:
        self._report = report
        self._ends = {frozenset(one.vkeys): one.size for one in trust.former_log_keys}
        pairs = [frozenset(trust.log_vkeys), *self._ends]
        changes = zip(self._ends.values(), pairs, strict=False)
        self._changes = [(since, pair) for since, pair in changes if self._ends.get(pair) != since]
        """From which entry on a pair signed. One that was changed again before there was any did not."""
        self._pairs = frozenset(pairs)
        self._told: list[tuple[int, Pair]] = []

    def take(self, logged: LoggedLeaf, roster: Roster) -> None:
        if roster.log_vkeys is None:
            return
        pair = frozenset(roster.log_vkeys)
        try:
            parse_log_keys(pair)
        except KeyRefused as refused:
            self._report.differ(logged.index, "log-keys", refused)
            return
        self._told.append((logged.index, pair))
        end = self._ends.get(pair)
        if end is not None and end <= logged.index:
            self._report.differ(logged.index, "log-keys", f"it names keys of the log that were changed at entry {end}")

    def look_back(self, size: int) -> None:
        """At the log as it is now, with so many entries."""
        for since, pair in self._changes:
            if since <= size and self._told_last(since) != pair:
                why = (
                    f"the trust file names keys that signed from entry {since} on, and no roster announced them before"
                )
                self._report.differ(None, "log-keys", why)
        newest = self._told_last(size)
        if newest is not None and newest not in self._pairs:
            place = self._told[-1][0]
            why = (
                f"entry {place} announces keys of the log that the trust file does not name: ask the operators for the"
                " new one and compare it as the first; until they hand it out this is told each time"
            )
            self._report.differ(None, "log-keys", why)

    def _told_last(self, before: int) -> Pair | None:
        return next((pair for place, pair in reversed(self._told) if place < before), None)
