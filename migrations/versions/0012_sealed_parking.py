"""What a service parked or set aside bears its seal: who writes to the database has none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_PARKED = [f"{service}_parked" for service in ("intake", "routing", "notification")]
_LETTERS = [f"{service}_dead_letter" for service in ("intake", "routing", "notification", "ledger")]


def upgrade() -> None:
    for table in (*_PARKED, *_LETTERS):
        op.add_column(table, sa.Column("seal", sa.LargeBinary(), nullable=True))
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"ALTER TABLE {table} ALTER COLUMN seal SET STORAGE EXTERNAL")


def downgrade() -> None:
    for table in (*_PARKED, *_LETTERS):
        op.drop_column(table, "seal")
