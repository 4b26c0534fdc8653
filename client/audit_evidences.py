"""What an evidence must say, given the decisions before it, and which evidence must be there at the end.

1. An evidence speaks of a decided message, these bytes and one of its recipients, and stands once; delivery and
   retrieval follow an acceptance.
2. A retrieval holds the recipient's own signed request for this message.
3. An accepted message is delivered to each of its recipients within DELIVERY_LIMIT, or said not to be: what a broker
   lost after the decision shows here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from client.audit_memory import AuditMemory
from client.audit_report import AuditReport
from shared.apisig.request_text import verify_signed_request_text
from shared.audit.log_verification import LoggedLeaf
from shared.errors import Rejection
from shared.keys.directory import Directory
from shared.keys.public import Ed25519Public

DELIVERY_LIMIT: Final = timedelta(hours=24)


class EvidenceJudge:
    def __init__(self, memory: AuditMemory, report: AuditReport) -> None:
        self._memory = memory
        self._report = report

    def judge(self, logged: LoggedLeaf, directory: Directory) -> None:
        fields, kind = logged.leaf.fields, logged.leaf.type.removeprefix("evidence.")
        message = fields["message"]
        decided = self._memory.decided(message, fields["envelope_sha256"])
        if decided is None:
            self._differ(logged, "evidence", f"{message} was not decided before, or for other bytes")
            return
        rejection = kind == "submission-rejection"
        if decided.accepted == rejection:
            self._differ(logged, "evidence", f"{kind} of {message}, which entry {decided.place} decided otherwise")
        if rejection and fields["code"] != decided.code:
            self._differ(logged, "evidence", f"it says {fields['code']}, entry {decided.place} says {decided.code}")
        if fields.get("dossier") != decided.dossier:
            self._differ(logged, "evidence", f"{message} is of another dossier")
        recipient = fields.get("recipient", "")
        if recipient and recipient not in decided.recipients:
            self._differ(logged, "evidence", f"{recipient} is no recipient of {message}")
        if not self._memory.is_new_evidence(message, kind, recipient):
            self._differ(logged, "evidence", f"{kind} of {message} stands twice")
        if kind == "retrieval":
            self._judge_request(logged, message, recipient, directory)

    def _judge_request(self, logged: LoggedLeaf, message: str, recipient: str, directory: Directory) -> None:
        def api_key(kid: str) -> Ed25519Public | None:
            key = directory.key(kid)
            fits = key is not None and key.party == recipient and key.use == "api-ed25519"
            return key.public if fits and key is not None and isinstance(key.public, Ed25519Public) else None

        try:
            request = verify_signed_request_text(logged.leaf.fields["request"], api_key)
        except Rejection as refused:
            self._differ(logged, "retrieval", refused)
            return
        if request.method != "GET" or not request.target_uri.endswith(f"/v1/messages/{message}"):
            self._differ(logged, "retrieval", f"the request of {recipient} did not ask for {message}")

    def look_back(self, last_logged_at: datetime) -> None:
        """What should have followed by the end of the log and did not."""
        for place, message, recipient in self._memory.undelivered(last_logged_at - DELIVERY_LIMIT):
            self._report.differ(place, "undelivered", f"{message} was accepted, and never delivered to {recipient}")

    def _differ(self, logged: LoggedLeaf, what: str, why: object) -> None:
        self._report.differ(logged.index, what, why)
