"""What receipts promised: a decision in the ledger, accepted or rejected, for exactly these bytes, by that time.

A message that was dropped after its receipt is in no ledger: only the receipt, which its sender holds, tells of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from client.audit_documents import CLOCK_SKEW
from client.audit_memory import AuditMemory
from client.audit_report import AuditReport, Promise
from shared.apisig.receipts import Receipt
from shared.domain.ids import encode_time


def check_promises(
    memory: AuditMemory, report: AuditReport, receipts: Sequence[tuple[str, Receipt]], now: datetime | None
) -> None:
    """Each receipt, by the name of where it was found, against a ledger that was read to its end.

    A promise is broken once its time has passed: by the ledger's own clock, which never goes back, or by `now` for a
    ledger that should be up to date.
    """
    as_of = max((moment for moment in (report.last_logged_at, now) if moment is not None), default=None)
    report.promises = []
    for name, receipt in receipts:
        state, why = _judge(memory, receipt, as_of)
        report.promises.append(Promise(name, receipt.message, receipt.sender, receipt.decide_by, state, why))
        if state == "broken":
            report.differ(None, "promise", f"{name}: {why}")


def _judge(memory: AuditMemory, receipt: Receipt, as_of: datetime | None) -> tuple[str, str]:
    due = receipt.decide_by + CLOCK_SKEW
    decided = memory.decided(receipt.message, receipt.envelope_sha256)
    if decided is None:
        told = f"{receipt.message} of {receipt.sender} was received and was to be decided by"
        told = f"{told} {encode_time(receipt.decide_by)}; no entry decides these bytes"
        return ("open" if as_of is None or as_of <= due else "broken"), told
    told = f"entry {decided.place} decides {receipt.message}, logged at {encode_time(decided.logged_at)}"
    if decided.sender != receipt.sender:
        return "broken", f"{told}, as a message of {decided.sender}, not of {receipt.sender}"
    if decided.decide_by != receipt.decide_by:
        return "broken", f"{told}, and says that {encode_time(decided.decide_by)} was promised"
    return ("kept" if decided.logged_at <= due else "broken"), told
