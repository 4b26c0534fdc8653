"""What an evidence must say, given the decisions before it, and which evidence must be there at the end.

1. An evidence speaks of a decided message, these bytes and one of its recipients, and stands once; delivery and
   retrieval follow an acceptance. What a time limit denies, or warns of, is counted again (`audit_transport.py`). The
   route that a delivery names is the one that the leg and the registry of then give.
2. A retrieval holds the recipient's own signed request for this message, by a key that counted at the time that was
   signed (`created`), and it was made after the message was admitted and not long before the evidence is dated.
3. An accepted message is delivered to each of its recipients within DELIVERY_LIMIT, or said not to be: what a broker
   lost after the decision shows here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from client.audit_decided import Decided
from client.audit_documents import CLOCK_SKEW, DOCUMENTS_STALE
from client.audit_memory import AuditMemory
from client.audit_report import AuditReport
from client.audit_signatures import Answer, Refusal, RequestQuestion
from client.audit_transport import TransportJudge, said_by
from shared.apisig.receipts import MERGE_DELAY
from shared.apisig.request_text import SignedRequest
from shared.audit.log_verification import LoggedLeaf
from shared.domain.ids import encode_time
from shared.domain.transport_limits import SAID
from shared.keys.directory import Directory, Party

DELIVERY_LIMIT: Final = timedelta(hours=24)
_API: Final = "api-ed25519"
_DELIVERED: Final = frozenset({"delivery", "non-delivery"})
_CAME: Final = frozenset({"delivery", "retrieval"})
_DENIED: Final = {"relay-rejection": "delivery"}
"""What an evidence denies, and which it may not follow. What a time limit denies: `audit_transport.py`."""


class EvidenceJudge:
    def __init__(self, memory: AuditMemory, report: AuditReport, transport: TransportJudge) -> None:
        self._memory = memory
        self._report = report
        self._transport = transport

    def question_of(self, logged: LoggedLeaf, directory: Directory) -> RequestQuestion:
        """Whether a retrieval's request is signed by any key that its recipient ever called with."""
        party = directory.party(logged.leaf.fields["recipient"])
        keys = {key.kid: key.public.raw for key in party.keys if key.use == _API} if party is not None else {}
        return RequestQuestion(logged.leaf.fields["request"], keys)

    def judge(self, logged: LoggedLeaf, directory: Directory, answer: Answer) -> None:
        """`answer` is that to the question, for a retrieval."""
        fields, kind = logged.leaf.fields, said_by(logged)
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
        if kind in SAID and decided.accepted:
            self._transport.judge_said(logged, decided)
        if not self._memory.is_new_evidence(message, kind, recipient, logged.leaf.at):
            self._differ(logged, "evidence", f"{kind} of {message} stands twice")
        denied = _DENIED.get(kind)
        if denied is not None and denied in self._memory.evidences(message, recipient):
            self._differ(logged, "evidence", f"{kind} of {message}, of which a {denied} stands before")
        route = decided.route_to(recipient)
        if route is not None and fields.get("route", route) != route:
            self._differ(logged, "evidence", f"{message} went to {recipient} as {route}, not as {fields['route']}")
        if kind in _DELIVERED:
            self._memory.delivered(message, recipient)
        if kind in _CAME and decided.accepted:
            self._transport.came(logged, decided)
        elif kind in SAID and decided.accepted:
            self._transport.wait_on(decided, message, recipient)
        if kind == "retrieval":
            self._judge_request(logged, decided, directory, answer)

    def look_back(self, last_logged_at: datetime) -> None:
        """What should have followed by the end of the log and did not. Each is said once."""
        for place, message, recipient in self._memory.take_undelivered(last_logged_at - DELIVERY_LIMIT):
            self._report.differ(place, "undelivered", f"{message} was accepted, and never delivered to {recipient}")

    def _judge_request(self, logged: LoggedLeaf, decided: Decided, directory: Directory, answer: Answer) -> None:
        message, recipient, at = logged.leaf.fields["message"], logged.leaf.fields["recipient"], logged.leaf.at
        if isinstance(answer, Refusal):
            self._differ(logged, "retrieval", answer.why)
        if not isinstance(answer, SignedRequest):
            return
        if answer.method != "GET" or not answer.target_uri.endswith(f"/v1/messages/{message}"):
            self._differ(logged, "retrieval", f"the request of {recipient} did not ask for {message}")
        said = encode_time(answer.created)
        if answer.created > at + CLOCK_SKEW:
            self._differ(logged, "retrieval", f"{recipient} signed its request at {said}, after it was recorded")
        if answer.created < decided.at - CLOCK_SKEW:
            self._differ(logged, "retrieval", f"{recipient} signed its request at {said}, before {message} was there")
        if answer.created < at - MERGE_DELAY - CLOCK_SKEW:
            self._differ(logged, "retrieval", f"{recipient} signed its request at {said}, long before it was recorded")
        party = directory.party(recipient)
        if party is not None and not _counted(party, answer.keyid, answer.created):
            self._differ(logged, "retrieval", f"the key that signed the request did not count at {said}")

    def _differ(self, logged: LoggedLeaf, what: str, why: object) -> None:
        self._report.differ(logged.index, what, why)


def _counted(party: Party, kid: str, at: datetime) -> bool:
    """Whether the exchange may have answered this key then. What became known later is not held against it."""
    suspended_since = party.suspended_since
    if suspended_since is not None and suspended_since + DOCUMENTS_STALE < at:
        return False
    then = party
    if any(key.compromised_since for key in party.keys):
        then = replace(party, keys=tuple(replace(key, compromised_since=None) for key in party.keys))
    return any(
        key.kid == kid for moment in (at, at + CLOCK_SKEW, at - CLOCK_SKEW) for key in then.accepted(_API, moment)
    )
