"""What a retried dead letter's leaf must hold: an operator's own signed call for exactly this letter."""

from __future__ import annotations

from client.audit_report import AuditReport
from shared.apisig.request_text import verify_signed_request_text
from shared.audit.log_verification import LoggedLeaf
from shared.errors import Rejection
from shared.keys.public import OPERATOR
from shared.keys.trust import Trust


def judge_retry(logged: LoggedLeaf, trust: Trust, report: AuditReport) -> None:
    fields = logged.leaf.fields
    keys = {key.kid(OPERATOR): key for key in trust.operator_keys}
    try:
        request = verify_signed_request_text(fields["request"], keys.get)
    except Rejection as refused:
        report.differ(logged.index, "retry", refused)
        return
    named = f"/v1/operator/dead-letters/{fields['service']}-{fields['letter']}/retry"
    if request.method != "POST" or not request.target_uri.endswith(named):
        report.differ(logged.index, "retry", f"the operator's call was not for {fields['service']}-{fields['letter']}")
