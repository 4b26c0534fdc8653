"""What a leaf must say, given all leaves before it: one judge for each kind, called in the order of the log.

1. `at` is not later than `logged_at` by more than two clocks may differ, and not earlier by more than a receipt allows
   for what has effects in law or is the operators': within that hour the writer's clock is believed, and no longer.
2. Key events and registries of instruments: `audit_documents.py`. Decisions: `audit_decisions.py`. Evidences:
   `audit_evidences.py`. An operator's retry: `audit_retries.py`. Pruned parts: `audit_retention.py`.
   Clock events: `audit_clocks.py`.
   Auditors' readings and refusals: `audit_accounts.py`. Services and their rosters: `audit_services.py`.

It fetches nothing and hashes nothing. Differences go into the report; a leaf that differs does not stop the reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from client.audit_accounts import AccountJudge
from client.audit_clocks import ClockJudge
from client.audit_decisions import DecisionJudge
from client.audit_documents import CLOCK_SKEW, DOCUMENT_TYPES, OperatorDocuments
from client.audit_envelopes import Asked
from client.audit_evidences import EvidenceJudge
from client.audit_keys import look_back_at_keys
from client.audit_memory import AuditMemory
from client.audit_report import AuditReport
from client.audit_retention import judge_pruned
from client.audit_retries import judge_retry
from client.audit_services import ServiceJudge
from client.audit_signatures import Answer, Question, Refusal
from client.audit_transport import TransportJudge
from shared.apisig.receipts import MERGE_DELAY
from shared.audit.log_verification import LoggedLeaf
from shared.domain.ids import encode_time
from shared.domain.transport_limits import WARNING_LEAF
from shared.envelope.container import ReceivedEnvelope
from shared.keys.trust import Trust

_DATED: Final = ("decision.", "evidence.", "clock.", "directory.key-event", "directory.instruments")
"""What has effects in law by its `at`, or is shown with it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A leaf whose envelope, if it has one, is read; `question` is what its signatures are to be asked."""

    logged: LoggedLeaf
    received: ReceivedEnvelope | None
    asked: Asked | None
    question: Question | None


class LeafJudge:
    """`prepare` every leaf, then `conclude` every leaf, both in the order of the log; some may lie between the two."""

    def __init__(self, trust: Trust, memory: AuditMemory, report: AuditReport) -> None:
        self._trust = trust
        self._memory = memory
        self._report = report
        self._documents = OperatorDocuments(trust, report)
        self._clocks = ClockJudge(memory, report, self._documents)
        self._decisions = DecisionJudge(memory, report, self._documents, self._clocks)
        self._transport = TransportJudge(memory, report, self._clocks)
        self._evidences = EvidenceJudge(memory, report, self._transport)
        self._accounts = AccountJudge(memory, report)
        self._services = ServiceJudge(self._documents.rosters, memory, report)
        with report.silent():
            for logged in memory.documents():
                self._documents.take(logged)

    def prepare(self, logged: LoggedLeaf) -> Prepared:
        """The operators' documents count from here on; what is signed by parties is read and its question put."""
        leaf = logged.leaf
        self._report.leaves[leaf.type] += 1
        if leaf.at > logged.logged_at + CLOCK_SKEW:
            self._differ(logged, "post-dated", f"it is dated {encode_time(leaf.at)}, after it was logged")
        if leaf.type.startswith(_DATED) and leaf.at < logged.logged_at - MERGE_DELAY - CLOCK_SKEW:
            self._differ(logged, "back-dated", f"it is dated {encode_time(leaf.at)}, long before it was logged")
        received, asked = None, None
        question: Question | None = None
        if leaf.type in DOCUMENT_TYPES:
            self._documents.take(logged)
            self._memory.keep_document(logged)
        elif leaf.type.startswith("decision."):
            received, asked = self._decisions.read(logged)
            question = None if asked is None else asked.question
        elif leaf.type == "evidence.retrieval":
            question = self._evidences.question_of(logged, self._documents.directory)
        elif leaf.type == "audit.reading":
            question = self._accounts.question_of(logged, self._documents.directory)
        return Prepared(logged, received, asked, question)

    def conclude(self, prepared: Prepared, answer: Answer) -> None:
        """Judge the leaf; `answer` is that to its question."""
        logged = prepared.logged
        type_ = logged.leaf.type
        self._clocks.pass_time(logged.logged_at)
        if type_.startswith("decision."):
            refusal = answer if isinstance(answer, Refusal) else None
            self._decisions.judge(logged, prepared.received, prepared.asked, refusal)
        elif type_.startswith("evidence.") or type_ == WARNING_LEAF:
            self._evidences.judge(logged, self._documents.directory, answer)
        elif type_ == "clock.event":
            self._clocks.judge(logged)
        elif type_ == "exchange.parts-pruned":
            judge_pruned(logged, self._memory, self._report)
        elif type_ == "audit.reading":
            self._accounts.judge_reading(logged, self._documents.directory, answer)
        elif type_ == "exchange.calls-refused":
            self._accounts.judge_refusals(logged)
        elif type_ == "exchange.started":
            self._services.judge_started(logged)
        elif type_ == "exchange.stopped":
            self._services.judge_stopped(logged)
        elif type_ == "exchange.letter-retried":
            judge_retry(logged, self._trust, self._memory, self._report)

    def look_back(self, last_logged_at: datetime) -> None:
        """What should have followed by the end of the log and did not."""
        self._transport.look_back(last_logged_at)
        self._evidences.look_back(last_logged_at)
        self._services.look_back(last_logged_at)
        self._documents.rosters.log_keys.look_back(self._report.size)
        self._clocks.look_back(last_logged_at)
        look_back_at_keys(self._report, self._memory)

    def _differ(self, logged: LoggedLeaf, what: str, why: object) -> None:
        self._report.differ(logged.index, what, why)
