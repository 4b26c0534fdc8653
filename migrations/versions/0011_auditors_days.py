"""On which days which auditor read: the ledger has one leaf for each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.adapters.sql.types import UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "auditor_day",
        sa.Column("auditor", sa.String(length=19), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("first_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("auditor", "day", name=op.f("pk_auditor_day")),
    )


def downgrade() -> None:
    op.drop_table("auditor_day")
