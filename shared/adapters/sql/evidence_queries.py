"""What happened to one message, as a party to it may read it: submissions from decisions, the rest from evidences."""

from __future__ import annotations

from sqlalchemy import or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.adapters.sql.mapping import TABLES, parse_row
from shared.adapters.sql.readers import handed_to
from shared.adapters.tables import METADATA
from shared.contracts.records import Decision, Evidence, FailedEvidence, MailboxEntry, StoredEnvelope
from shared.ports.queries import EvidenceView

_DECISION = TABLES[Decision]
_ENVELOPE = TABLES[StoredEnvelope]
_MAILBOX = TABLES[MailboxEntry]
_LEAF = METADATA.tables["ledger_leaf"]
_TOLD = (TABLES[Evidence], TABLES[FailedEvidence])


async def evidences_of(connection: AsyncConnection, reader: str, message: str) -> list[EvidenceView] | None:
    """None for who has no part in it."""
    # Whoever submits other bytes under this id has a decision of its own here, and no part in the envelope.
    decided = (
        select(_DECISION, _LEAF.c.index)
        .outerjoin(_LEAF, _LEAF.c.leaf_digest == _DECISION.c.leaf_digest)
        .where(_DECISION.c.message == message)
        .order_by(_DECISION.c.decided_at)
    )
    own_copy = (
        select(_ENVELOPE.c.sender, _ENVELOPE.c.digest)
        .join(_MAILBOX, _MAILBOX.c.message == _ENVELOPE.c.message)
        .where(_MAILBOX.c.reader == reader, _MAILBOX.c.message == message)
    )
    copy = (await connection.execute(own_copy)).first()
    if copy is None:
        copy = (await connection.execute(handed_to(reader, message))).first()
    concerns = _DECISION.c.sender == reader
    if copy is not None:  # a reader judges its copy by the decision on it: by whose keys, and when
        concerns = or_(concerns, _DECISION.c.digest == copy.digest)
    decisions = (await connection.execute(decided.where(concerns))).mappings().all()
    if not decisions and copy is None:
        return None
    told = union_all(*(select(table).where(table.c.message == message) for table in _TOLD)).subquery()
    listed = (
        select(told, _LEAF.c.index)
        .outerjoin(_LEAF, _LEAF.c.leaf_digest == told.c.leaf_digest)
        .order_by(told.c.at, told.c.kind, told.c.recipient)
    )
    if not any(row["sender"] == reader and row["decision"] == "accepted" for row in decisions):
        # a recipient sees what concerns itself, not which other authorities fetched theirs
        listed = listed.where(told.c.recipient == reader)
    rows = (await connection.execute(listed)).mappings().all()
    submissions = [_submission(parse_row(Decision, row), row["index"]) for row in decisions]
    return submissions + [EvidenceView(parse_row(Evidence, row), row["index"]) for row in rows]


def _submission(decision: Decision, leaf_index: int | None) -> EvidenceView:
    """The decision seen as an evidence of transport: its leaf attests the acceptance or rejection of the submission."""
    kind = "submission-acceptance" if decision.decision == "accepted" else "submission-rejection"
    evidence = Evidence(decision.message, kind, decision.sender, decision.decided_at, decision.leaf_digest)
    return EvidenceView(evidence, leaf_index)
