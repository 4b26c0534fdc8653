"""What a retried dead letter's leaf must hold: an operator's own signed call for exactly this letter, made before
it was recorded and told once."""

from __future__ import annotations

from hashlib import sha256

from client.audit_documents import CLOCK_SKEW
from client.audit_memory import AuditMemory
from client.audit_report import AuditReport
from shared.apisig.request_text import verify_signed_request_text
from shared.audit.log_verification import LoggedLeaf
from shared.domain.ids import encode_time
from shared.errors import Rejection
from shared.keys.public import OPERATOR
from shared.keys.trust import Trust


def judge_retry(logged: LoggedLeaf, trust: Trust, memory: AuditMemory, report: AuditReport) -> None:
    fields = logged.leaf.fields
    if not memory.is_told_first(logged.leaf, sha256(fields["request"].encode()).hexdigest()):
        report.differ(logged.index, "retry", "the operator's call stands twice")
    keys = {key.kid(OPERATOR): key for key in trust.operator_keys}
    try:
        request = verify_signed_request_text(fields["request"], keys.get)
    except Rejection as refused:
        report.differ(logged.index, "retry", refused)
        return
    named = f"/v1/operator/dead-letters/{fields['service']}-{fields['letter']}/retry"
    if request.method != "POST" or not request.target_uri.endswith(named):
        report.differ(logged.index, "retry", f"the operator's call was not for {fields['service']}-{fields['letter']}")
    if request.created > logged.leaf.at + CLOCK_SKEW:
        said = encode_time(request.created)
        report.differ(logged.index, "retry", f"the operator's call was signed at {said}, after it was recorded")
