"""Which enrolled authority a leg was handed to: it reads the leg, and the messages of before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("leg") as legs:
        legs.add_column(sa.Column("holder", sa.String(length=19), nullable=True))
        legs.create_index(op.f("ix_leg_holder"), ["holder"])


def downgrade() -> None:
    with op.batch_alter_table("leg") as legs:
        legs.drop_index(op.f("ix_leg_holder"))
        legs.drop_column("holder")
