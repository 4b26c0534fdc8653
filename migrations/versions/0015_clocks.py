"""What clocks have struck on a leg, and when the next event falls: legs of before are looked at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.adapters.sql.types import JSON_COLUMN, UtcTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("leg") as legs:
        legs.add_column(sa.Column("struck", JSON_COLUMN, nullable=True))
        legs.add_column(sa.Column("next_fall", UtcTime(), nullable=True))
        legs.add_column(sa.Column("calendars", sa.Integer(), nullable=False, server_default="0"))
        legs.create_index(op.f("ix_leg_next_fall"), ["next_fall"])
    op.execute("UPDATE leg SET next_fall = updated_at")


def downgrade() -> None:
    with op.batch_alter_table("leg") as legs:
        legs.drop_index(op.f("ix_leg_next_fall"))
        legs.drop_column("calendars")
        legs.drop_column("next_fall")
        legs.drop_column("struck")
