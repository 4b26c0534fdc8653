"""What clocks must have said on each leg, counted again from its messages and the operators' calendars.

1. A clock event is the next one that fell on its leg: by the calendar that it names, of a registry that counted then,
   and not before its time.
2. When a message moves a leg, everything that had fallen until then stands before it.
3. Nothing that fell is struck later than CLOCK_LIMIT afterwards, or not at all, while the exchange was at work: while
   no two entries lie farther apart than that. Who stops the whole exchange for longer has an excuse, and shows it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from client.audit_documents import OperatorDocuments
from client.audit_memory import AuditMemory
from client.audit_report import AuditReport
from shared.audit.log_verification import LoggedLeaf
from shared.domain.clock_events import ClockEvent, Struck, due_events, moved, next_fall, with_struck
from shared.domain.ids import encode_time
from shared.domain.instruments import calendars_of
from shared.domain.leg import Leg

CLOCK_LIMIT: Final = timedelta(hours=1)
"""A keeper looks once a second; a database or a process may be away for some time."""


class ClockJudge:
    def __init__(self, memory: AuditMemory, report: AuditReport, documents: OperatorDocuments) -> None:
        self._memory = memory
        self._report = report
        self._documents = documents
        self._at_work_since: datetime | None = None
        self._last: datetime | None = None

    def pass_time(self, logged_at: datetime) -> None:
        """To be told of each entry, in order."""
        if self._last is None or logged_at - self._last > CLOCK_LIMIT:
            self._at_work_since = logged_at
        self._last = logged_at

    def judge(self, logged: LoggedLeaf) -> None:
        fields, at = dict(logged.leaf.fields), logged.leaf.at
        number = fields.pop("registry")
        leg = self._memory.leg(fields["dossier"], fields["leg"])
        if leg is None:
            self._differ(logged, f"{fields['dossier']} has no leg {fields['leg']}")
            return
        known = dict(self._documents.numbered_registries_for(logged.logged_at))
        if number not in known:
            self._differ(logged, f"registry {number} did not count then")
            return
        calendars, struck = calendars_of(known[number]), self._memory.struck(leg)
        fallen = due_events(leg, struck, calendars, at)
        if not fallen or fallen[0].encode() != fields:
            ought = _told(fallen[0]) if fallen else "nothing"
            self._differ(logged, f"it says {fields['event']}; what had fallen next was {ought}")
            return
        if self.is_late(fallen[0].falls, at):
            self._differ(logged, f"{_told(fallen[0])} was struck at {encode_time(at)}")
        struck = with_struck(struck, fallen[:1])
        self._memory.keep_leg(leg, struck, next_fall(leg, struck, calendars))

    def judge_move(self, logged: LoggedLeaf, before: Leg) -> None:
        """Of a leg that an accepted message moves."""
        struck = self._memory.struck(before)
        missed: list[ClockEvent] = []
        for _, registry in self._documents.numbered_registries_for(logged.logged_at):
            missed = due_events(before, struck, calendars_of(registry), logged.leaf.at)
            if not missed:
                return
        self._differ(logged, f"the leg moved on before it was said: {', '.join(map(_told, missed))}")

    def keep(self, logged: LoggedLeaf, leg: Leg, before: Leg | None) -> None:
        """The leg as it moved from what it was `before`, or opened."""
        registries = self._documents.numbered_registries_for(logged.logged_at)
        calendars, at = calendars_of(registries[0][1]), logged.leaf.at
        struck = Struck(at) if before is None else moved(leg, self._memory.struck(before), calendars, at)
        self._memory.keep_leg(leg, struck, next_fall(leg, struck, calendars))

    def look_back(self, last_logged_at: datetime) -> None:
        """What fell and was never said. Each is said once."""
        calendars = calendars_of(self._documents.numbered_registries_for(last_logged_at)[0][1])
        for leg in self._memory.fallen(last_logged_at - CLOCK_LIMIT):
            struck = self._memory.struck(leg)
            fallen = due_events(leg, struck, calendars, last_logged_at)
            missed = [one for one in fallen if self.is_late(one.falls, last_logged_at)]
            for one in missed:
                self._report.differ(None, "clock", f"{_told(one)}, and it was never said")
            struck = with_struck(struck, missed)
            self._memory.keep_leg(leg, struck, next_fall(leg, struck, calendars))

    def is_late(self, falls: datetime, at: datetime) -> bool:
        """Whether what fell then should have been said before this time."""
        since = falls if self._at_work_since is None else max(falls, self._at_work_since)
        return at - since > CLOCK_LIMIT

    def _differ(self, logged: LoggedLeaf, why: str) -> None:
        self._report.differ(logged.index, "clock", why)


def _told(event: ClockEvent) -> str:
    owed = "" if event.owed is None else f" of {event.owed}"
    return f"{event.event}{owed} on the leg {event.leg} of {event.dossier} at {encode_time(event.falls)}"
