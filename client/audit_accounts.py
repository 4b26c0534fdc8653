"""What the exchange tells of itself, as far as it can be contradicted: who of the auditors read, and what was refused.

1. A reading holds the auditor's own signed call for what names all parties, made on the day that it names and not after
   it was recorded; each auditor has one leaf a day.
2. An account of refusals covers a time that had passed when it was written. What it counts is the gateway's word.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from client.audit_documents import CLOCK_SKEW
from client.audit_memory import AuditMemory
from client.audit_report import AuditReport
from client.audit_signatures import Answer, Refusal, RequestQuestion
from shared.apisig.request_text import SignedRequest
from shared.audit.log_verification import LoggedLeaf
from shared.domain.ids import encode_time, parse_time
from shared.keys.directory import Directory

READ_BY_AUDITORS: Final = ("/log/tile/entries/", "/v1/audit/")
LONGEST_ACCOUNT: Final = timedelta(days=1)
"""A gateway tells once a minute; with its bus away it keeps counting."""
_API: Final = "api-ed25519"


class AccountJudge:
    def __init__(self, memory: AuditMemory, report: AuditReport) -> None:
        self._memory = memory
        self._report = report

    def question_of(self, logged: LoggedLeaf, directory: Directory) -> RequestQuestion:
        """Whether a reading's request is signed by any key that the auditor ever called with."""
        party = directory.party(logged.leaf.fields["auditor"])
        keys = {key.kid: key.public.raw for key in party.keys if key.use == _API} if party is not None else {}
        return RequestQuestion(logged.leaf.fields["request"], keys)

    def judge_reading(self, logged: LoggedLeaf, directory: Directory, answer: Answer) -> None:
        auditor, day = logged.leaf.fields["auditor"], logged.leaf.fields["day"]
        known = directory.party(auditor)
        if known is None or known.role != "auditor":
            self._differ(logged, "reading", f"{auditor} is not enrolled as an auditor")
        if not self._memory.is_told_first(logged.leaf, day, auditor):
            self._differ(logged, "reading", f"{auditor} has a leaf for {day} already")
        if isinstance(answer, Refusal):
            self._differ(logged, "reading", answer.why)
        if not isinstance(answer, SignedRequest):
            return
        if answer.method != "GET" or not any(place in answer.target_uri for place in READ_BY_AUDITORS):
            self._differ(logged, "reading", f"the request of {auditor} did not ask for what auditors read")
        days = {encode_time(answer.created + skew)[:10] for skew in (-CLOCK_SKEW, timedelta(0), CLOCK_SKEW)}
        said = encode_time(answer.created)
        if day not in days:
            self._differ(logged, "reading", f"{auditor} signed its request at {said}")
        if answer.created > logged.leaf.at + CLOCK_SKEW:
            self._differ(logged, "reading", f"{auditor} signed its request at {said}, after it was recorded")

    def judge_refusals(self, logged: LoggedLeaf) -> None:
        fields = logged.leaf.fields
        since, until = parse_time(fields["since"]), parse_time(fields["until"])
        if not since <= until <= logged.leaf.at + CLOCK_SKEW or until - since > LONGEST_ACCOUNT:
            self._differ(logged, "refusals", f"it counts from {fields['since']} to {fields['until']}")
        kinds = [(one["code"], one.get("party", "")) for one in fields["refused"]]
        if kinds != sorted(set(kinds)) or not all(one["count"] for one in fields["refused"]):
            self._differ(logged, "refusals", "it does not count each kind once, in their order")

    def _differ(self, logged: LoggedLeaf, what: str, why: object) -> None:
        self._report.differ(logged.index, what, why)
