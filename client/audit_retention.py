"""What a leaf on pruned parts must say: of an accepted message, of a closed dossier, once, and not before its time."""

from __future__ import annotations

from datetime import timedelta

from client.audit_memory import AuditMemory
from client.audit_report import AuditReport
from shared.audit.log_verification import LoggedLeaf
from shared.domain.closure import is_closed
from shared.domain.ids import parse_time


def judge_pruned(logged: LoggedLeaf, memory: AuditMemory, report: AuditReport) -> None:
    fields = logged.leaf.fields
    message, dossier = fields["message"], fields["dossier"]
    if not memory.is_told_first(logged.leaf, message):
        report.differ(logged.index, "pruned", f"that parts of {message} were pruned stands twice")
    if not memory.was_accepted(message, dossier):
        report.differ(logged.index, "pruned", f"{message} was not accepted before in {dossier}")
    elif not is_closed(memory.legs_of(dossier)):
        report.differ(logged.index, "pruned", f"{dossier} was not closed when parts of {message} were pruned")
    elif logged.leaf.at - parse_time(fields["closed_at"]) < timedelta(days=fields["kept_days"]):
        report.differ(logged.index, "pruned", f"parts of {message} went before {fields['kept_days']} days were over")
