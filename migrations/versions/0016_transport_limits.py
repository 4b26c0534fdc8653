"""Limits of transport: to whom an accepted message goes and how urgent it is, what missed a limit, and what was said.

Acceptances of before keep no recipients, and are not looked at.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.adapters.sql.types import UtcTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("decision") as decisions:
        decisions.add_column(sa.Column("dossier", sa.String(36), nullable=True))
        decisions.add_column(sa.Column("recipients", sa.String(), nullable=True))
        decisions.add_column(sa.Column("urgency", sa.String(16), nullable=True))
        decisions.create_index("ix_decision_urgency_decided_at", ["urgency", "decided_at"])
    op.create_table(
        "late_message",
        sa.Column("message", sa.String(36), nullable=False),
        sa.Column("recipient", sa.String(19), nullable=False),
        sa.Column("dossier", sa.String(36), nullable=False),
        sa.Column("digest", sa.String(43), nullable=False),
        sa.Column("sender", sa.String(19), nullable=False),
        sa.Column("urgency", sa.String(16), nullable=False),
        sa.Column("accepted_at", UtcTime(), nullable=False),
        sa.Column("struck", sa.String(), nullable=False),
        sa.Column("next_fall", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("message", "recipient", name=op.f("pk_late_message")),
    )
    op.create_index(op.f("ix_late_message_next_fall"), "late_message", ["next_fall"])
    op.create_table(
        "failed_evidence",
        sa.Column("message", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("recipient", sa.String(19), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("leaf_digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("message", "kind", "recipient", name=op.f("pk_failed_evidence")),
    )
    op.create_table(
        "transport_scan",
        sa.Column("awaited", sa.String(32), nullable=False),
        sa.Column("urgency", sa.String(16), nullable=False),
        sa.Column("accepted_at", UtcTime(), nullable=False),
        sa.Column("message", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("awaited", "urgency", name=op.f("pk_transport_scan")),
    )


def downgrade() -> None:
    op.drop_table("transport_scan")
    op.drop_table("failed_evidence")
    op.drop_table("late_message")
    with op.batch_alter_table("decision") as decisions:
        decisions.drop_index("ix_decision_urgency_decided_at")
        decisions.drop_column("urgency")
        decisions.drop_column("recipients")
        decisions.drop_column("dossier")
