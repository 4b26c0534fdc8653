"""What witnesses cosigned, and the sizes of which a quorum did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_cosignature",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", "key", name=op.f("pk_ledger_cosignature")),
    )
    op.create_table(
        "ledger_quorum",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_ledger_quorum")),
    )


def downgrade() -> None:
    op.drop_table("ledger_quorum")
    op.drop_table("ledger_cosignature")
