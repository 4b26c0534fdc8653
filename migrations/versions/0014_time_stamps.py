"""What time-stamp authorities gave for the ledger's checkpoints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.adapters.sql.types import UtcTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_time_stamp",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", "authority", name=op.f("pk_ledger_time_stamp")),
    )


def downgrade() -> None:
    op.drop_table("ledger_time_stamp")
