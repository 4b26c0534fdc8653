"""What the ledger says of the exchange's own services: under which roster each worked, and from when to when.

1. A roster is signed by a quorum of the trust file's operators, for this exchange, and issued after the one that was
   told before it. The same one may be told again. Its gateway's key is one that the trust file names for receipts. Keys
   of the log that it names: `audit_log_keys`.
2. A service that started stands in the roster that it names, and that roster was told before, or within the hour.
   Once a service worked under a roster, it does not start under an older one again; while a new one is brought to all
   machines, for an hour, it may.
3. A process starts once. It ends once, as the service that it started as, and not before it started. The end may be
   told first: within the hour the start is there.

That a service did not tell, or told another roster than it used, cannot be seen here: it is the operator's own word.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from client.audit_log_keys import LogKeyHistory
from client.audit_memory import AuditMemory
from client.audit_report import AuditReport
from client.audit_work import Work
from shared.apisig.receipts import MERGE_DELAY
from shared.audit.log_verification import LoggedLeaf
from shared.domain.ids import encode_time, parse_time
from shared.domain.strict_json import encode_canonical_json
from shared.envelope.encoding import MAX_SKEW_S
from shared.errors import RosterRefused
from shared.keys.roster import Roster, verify_roster
from shared.keys.trust import Trust

BROUGHT_WITHIN: Final = timedelta(hours=1)
TOLD_WITHIN: Final = MERGE_DELAY
_SKEW: Final = timedelta(seconds=MAX_SKEW_S)


class RosterHistory:
    """`take` each leaf `directory.roster`, in the order of the log."""

    def __init__(self, trust: Trust, report: AuditReport) -> None:
        self._trust = trust
        self._report = report
        self._known: dict[str, tuple[LoggedLeaf, Roster]] = {}
        self._newest: Roster | None = None
        self.log_keys = LogKeyHistory(trust, report)

    def take(self, logged: LoggedLeaf) -> None:
        trust, fields = self._trust, logged.leaf.fields
        document = encode_canonical_json(fields["document"])
        try:
            roster = verify_roster(document, trust.operator_keys, trust.operator_quorum, trust.origin)
        except RosterRefused as refused:
            self._differ(logged, refused)
            return
        if fields["roster_sha256"] != roster.digest:
            self._differ(logged, "its digest is not that of its document")
        signs = roster.signing_key("gateway")
        if signs is not None and signs.raw not in {key.raw for key in trust.all_receipt_keys}:
            self._differ(logged, "its gateway signs receipts with a key that the trust file does not name")
        newest = self._newest
        if newest is not None and roster.digest != newest.digest and roster.issued_at <= newest.issued_at:
            issued, before = encode_time(roster.issued_at), encode_time(newest.issued_at)
            self._differ(logged, f"the roster of {issued} was told after that of {before}")
            return
        self._known.setdefault(roster.digest, (logged, roster))
        self._newest = roster
        self.log_keys.take(logged, roster)

    def find(self, digest: str, before: int) -> Roster | None:
        """The roster, if an entry before this place tells it."""
        told = self._known.get(digest)
        return told[1] if told is not None and told[0].index < before else None

    def told_by(self, digest: str, time: datetime) -> Roster | None:
        """The roster, if an entry tells it that was logged by then."""
        told = self._known.get(digest)
        return told[1] if told is not None and told[0].logged_at <= time else None

    def _differ(self, logged: LoggedLeaf, why: object) -> None:
        self._report.differ(logged.index, "roster", why)


class ServiceJudge:
    def __init__(self, rosters: RosterHistory, memory: AuditMemory, report: AuditReport) -> None:
        self._rosters = rosters
        self._memory = memory
        self._report = report

    def judge_started(self, logged: LoggedLeaf) -> None:
        fields = logged.leaf.fields
        if "roster_sha256" not in fields or "process" not in fields or "started_at" not in fields:
            return  # its writer does not say more than that it began
        service, process, started_at = fields["service"], fields["process"], parse_time(fields["started_at"])
        known = self._memory.work.find(process)
        if known is not None and (known.started_at is not None or known.service != service):
            self._differ(logged.index, "service", f"the process {process} began twice")
            return
        ended_at = None if known is None else known.ended_at
        if started_at > logged.leaf.at + _SKEW or (ended_at is not None and ended_at < started_at):
            self._differ(logged.index, "service", f"{service} did not begin at {fields['started_at']}")
        digest, roster = fields["roster_sha256"], self._rosters.find(fields["roster_sha256"], logged.index)
        issued_at = None if roster is None else roster.issued_at
        if roster is not None:
            self._judge_place(logged.index, service, roster)
            self._judge_age(logged, service, started_at, roster)
        began = Work(process, service, logged.index, logged.logged_at, started_at, ended_at, digest, issued_at)
        self._memory.work.keep(began)

    def judge_stopped(self, logged: LoggedLeaf) -> None:
        fields = logged.leaf.fields
        service, process, ended_at = fields["service"], fields["process"], parse_time(fields["stopped_at"])
        known = self._memory.work.find(process)
        if known is not None and (known.ended_at is not None or known.service != service):
            self._differ(logged.index, "service", f"no process {process} of {service} was at work that could end")
            return
        began = Work(process, service, logged.index, logged.logged_at) if known is None else known
        is_early = began.started_at is not None and ended_at < began.started_at
        if is_early or ended_at > logged.leaf.at + _SKEW:
            self._differ(logged.index, "service", f"{service} did not end at {fields['stopped_at']}")
        self._memory.work.keep(replace(began, ended_at=ended_at))

    def look_back(self, last_logged_at: datetime) -> None:
        """What had its hour: ends without a start, and rosters that nobody told."""
        for work in self._memory.work.open(last_logged_at - TOLD_WITHIN):
            if work.started_at is None:
                self._differ(work.place, "service", f"{work.service} ended as {work.process}, which never began")
            elif (roster := self._rosters.told_by(work.roster or "", work.logged_at + TOLD_WITHIN)) is None:
                why = f"{work.service} worked under a roster of which the ledger was not told within the hour"
                self._differ(work.place, "roster", why)
            else:
                self._judge_place(work.place, work.service, roster)
            self._memory.work.close(work)

    def _judge_place(self, place: int, service: str, roster: Roster) -> None:
        if service not in roster.services:
            self._differ(place, "service", f"{service} does not stand in the roster under which it worked")

    def _judge_age(self, logged: LoggedLeaf, service: str, started_at: datetime, roster: Roster) -> None:
        newest = self._memory.work.newest_roster(service, started_at - BROUGHT_WITHIN)
        if newest is not None and roster.issued_at < newest:
            issued, before = encode_time(roster.issued_at), encode_time(newest)
            why = f"{service} began under the roster of {issued}, after it had worked under that of {before}"
            self._differ(logged.index, "roster", why)

    def _differ(self, place: int, what: str, why: object) -> None:
        self._report.differ(place, what, why)
