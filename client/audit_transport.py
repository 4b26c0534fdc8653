"""What must have been said when a limit of transport passed, counted again from the decisions and evidences.

1. A warning or a negative evidence names a limit that was missed, and when it fell; it was not said before, and nothing
   else is its reason. What came in time is not denied, neither before nor after it is said to have come.
2. What was missed is said within CLOCK_LIMIT, while the exchange was at work (`audit_clocks`).
What comes in time costs a look at two times: nothing can have been said of it yet.
"""

from __future__ import annotations

from datetime import datetime

from client.audit_clocks import CLOCK_LIMIT, ClockJudge
from client.audit_decided import Decided
from client.audit_memory import AuditMemory
from client.audit_report import AuditReport
from shared.audit.log_verification import LoggedLeaf
from shared.domain.evidences import Evidence
from shared.domain.header import Urgency
from shared.domain.ids import encode_time
from shared.domain.transport_limits import (
    ASKED_BY,
    FIRST,
    SAID,
    TIME_LIMIT,
    WARNING_LEAF,
    WARNINGS,
    MissedLimit,
    missed_limits,
)


class TransportJudge:
    def __init__(self, memory: AuditMemory, report: AuditReport, clocks: ClockJudge) -> None:
        self._memory = memory
        self._report = report
        self._clocks = clocks

    def judge_said(self, logged: LoggedLeaf, decided: Decided) -> None:
        """Of a warning or a negative evidence that speaks of an accepted message; before it is remembered."""
        fields, at = logged.leaf.fields, logged.leaf.at
        said, message, recipient = said_by(logged), fields["message"], fields["recipient"]
        missed = {one.said: one for one in self._missed(decided, message, recipient)}
        limit = missed.get(said)
        if limit is None:
            self._differ(logged, "evidence", f"{said} of {message} to {recipient}, where no limit was missed")
        elif at < limit.falls:
            self._differ(logged, "evidence", f"{said} of {message}, when no time limit had passed")
        elif fields.get("falls", encode_time(limit.falls)) != encode_time(limit.falls):
            self._differ(logged, "evidence", f"{said} of {message} fell at {encode_time(limit.falls)}")
        elif fields.get("code", TIME_LIMIT) != TIME_LIMIT:
            self._differ(
                logged, "evidence", f"{said} of {message} is said to be for {fields['code']}, not for its limit"
            )
        elif self._clocks.is_late(limit.falls, at):
            self._differ(logged, "clock", f"{_told(limit, message, recipient)} was struck at {encode_time(at)}")

    def came(self, logged: LoggedLeaf, decided: Decided) -> None:
        """A delivery or a retrieval of an accepted message, once it is remembered."""
        urgency, message, recipient = Urgency(decided.urgency), logged.leaf.fields["message"], _recipient(logged)
        is_delivery = logged.leaf.type.endswith(Evidence.delivery)
        if logged.logged_at <= decided.at + FIRST[urgency]:
            if is_delivery:
                self._memory.watch(message, recipient, decided.at + ASKED_BY[urgency])
            else:
                self._memory.unwatch(message, recipient)
            return
        missed = {one.said for one in self._missed(decided, message, recipient)}
        denied = [one for one in self._memory.evidences(message, recipient) if one in SAID and one not in missed]
        for said in denied:
            self._differ(logged, "evidence", f"{message} came to {recipient} in time, and {said} was said of it")
        self.wait_on(decided, message, recipient)

    def wait_on(self, decided: Decided, message: str, recipient: str) -> None:
        """Until the next limit that is missed, or will be, and was not said."""
        unsaid = self._unsaid(decided, message, recipient)
        self._memory.unwatch(message, recipient)
        if unsaid:
            self._memory.watch(message, recipient, unsaid[0].falls)

    def look_back(self, last_logged_at: datetime) -> None:
        """What was missed and never said. Each is said once."""
        before = last_logged_at - CLOCK_LIMIT
        for message, recipient in self._memory.watched(before, before - min(FIRST.values())):
            decided = self._memory.decided(message, self._memory.spent_on(message))
            if decided is None:
                continue
            for one in self._unsaid(decided, message, recipient):
                if one.falls < before and self._clocks.is_late(one.falls, last_logged_at):
                    self._report.differ(None, "clock", f"{_told(one, message, recipient)}, and it was never said")
                    self._memory.is_new_evidence(message, one.said, recipient, last_logged_at)
            self.wait_on(decided, message, recipient)

    def _missed(self, decided: Decided, message: str, recipient: str) -> list[MissedLimit]:
        came = self._memory.evidence_times(message, recipient)
        delivered_at, retrieved_at = came.get(Evidence.delivery), came.get(Evidence.retrieval)
        return missed_limits(Urgency(decided.urgency), decided.at, delivered_at, retrieved_at)

    def _unsaid(self, decided: Decided, message: str, recipient: str) -> list[MissedLimit]:
        said = self._memory.evidences(message, recipient)
        return [one for one in self._missed(decided, message, recipient) if one.said not in said]

    def _differ(self, logged: LoggedLeaf, what: str, why: str) -> None:
        self._report.differ(logged.index, what, why)


def said_by(logged: LoggedLeaf) -> str:
    """Which of `transport_limits.SAID` the leaf says; another word for any other leaf."""
    if logged.leaf.type == WARNING_LEAF:
        return {awaited.value: word for awaited, word in WARNINGS.items()}.get(
            logged.leaf.fields["awaited"], WARNING_LEAF
        )
    return logged.leaf.type.removeprefix("evidence.")


def _recipient(logged: LoggedLeaf) -> str:
    return str(logged.leaf.fields["recipient"])


def _told(limit: MissedLimit, message: str, recipient: str) -> str:
    return f"{limit.said} of {message} to {recipient} at {encode_time(limit.falls)}"
