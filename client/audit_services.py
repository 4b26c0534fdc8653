"""What the ledger says of the exchange's own services: under which roster each worked, and from when to when.

1. A roster is signed by a quorum of the trust file's operators, for this exchange, and issued after the one that was
   told before it. The same one may be told again. Its gateway's key is one that the trust file names for receipts.
2. A service that started stands in the roster that it names, and that roster was told before. Once a service worked
   under a roster, it does not start under an older one again; while a new one is brought to all machines, for an hour,
   it may.
3. A process starts once. It ends once, as the service that it started as, and not before it started.

That a service did not tell, or told another roster than it used, cannot be seen here: it is the operator's own word.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from client.audit_memory import AuditMemory
from client.audit_report import AuditReport
from shared.audit.log_verification import LoggedLeaf
from shared.domain.ids import encode_time, parse_time
from shared.domain.strict_json import encode_canonical_json
from shared.envelope.encoding import MAX_SKEW_S
from shared.errors import RosterRefused
from shared.keys.roster import Roster, verify_roster
from shared.keys.trust import Trust

BROUGHT_WITHIN: Final = timedelta(hours=1)
_SKEW: Final = timedelta(seconds=MAX_SKEW_S)


class RosterHistory:
    """`take` each leaf `directory.roster`, in the order of the log."""

    def __init__(self, trust: Trust, report: AuditReport) -> None:
        self._trust = trust
        self._report = report
        self._known: dict[str, tuple[int, Roster]] = {}
        self._newest: Roster | None = None

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
        self._known.setdefault(roster.digest, (logged.index, roster))
        self._newest = roster

    def find(self, digest: str, before: int) -> Roster | None:
        """The roster, if an entry before this place tells it."""
        place, roster = self._known.get(digest, (before, None))
        return roster if place < before else None

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
        if started_at > logged.leaf.at + _SKEW:
            self._differ(logged, "service", f"{service} told of a start that was to come, at {fields['started_at']}")
        roster = self._rosters.find(fields["roster_sha256"], logged.index)
        if roster is None:
            self._differ(logged, "roster", f"{service} worked under a roster of which the ledger was not told before")
        elif service not in roster.services:
            self._differ(logged, "service", f"{service} does not stand in the roster under which it worked")
        else:
            self._judge_age(logged, service, started_at, roster)
        issued_at = None if roster is None else roster.issued_at
        if not self._memory.begin_work(process, service, started_at, issued_at):
            self._differ(logged, "service", f"the process {process} began twice")

    def judge_stopped(self, logged: LoggedLeaf) -> None:
        fields = logged.leaf.fields
        service, process = fields["service"], fields["process"]
        started_at = self._memory.end_work(process, service)
        if started_at is None:
            self._differ(logged, "service", f"no process {process} of {service} was at work that could end")
        elif not started_at <= parse_time(fields["stopped_at"]) <= logged.leaf.at + _SKEW:
            self._differ(logged, "service", f"{service} did not end at {fields['stopped_at']}")

    def _judge_age(self, logged: LoggedLeaf, service: str, started_at: datetime, roster: Roster) -> None:
        newest = self._memory.newest_roster(service, started_at - BROUGHT_WITHIN)
        if newest is not None and roster.issued_at < newest:
            issued, before = encode_time(roster.issued_at), encode_time(newest)
            why = f"{service} began under the roster of {issued}, after it had worked under that of {before}"
            self._differ(logged, "roster", why)

    def _differ(self, logged: LoggedLeaf, what: str, why: object) -> None:
        self._report.differ(logged.index, what, why)
