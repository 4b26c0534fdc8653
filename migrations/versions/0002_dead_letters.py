"""Dead letters say what they are, how often they were tried, and why before; their ids are not given twice."""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SERVICES = ("intake", "routing", "notification")


def upgrade() -> None:
    # Made anew on SQLite: without AUTOINCREMENT the id of a deleted row comes back.
    anew: Literal["always", "never"] = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    for service in SERVICES:
        with op.batch_alter_table(f"{service}_parked") as parked:
            parked.add_column(sa.Column("retries", sa.Integer(), nullable=False, server_default="0"))
            parked.add_column(sa.Column("earlier", sa.Text(), nullable=False, server_default=""))
        options = {"sqlite_autoincrement": True}
        with op.batch_alter_table(f"{service}_dead_letter", recreate=anew, table_kwargs=options) as letters:
            letters.add_column(sa.Column("type", sa.String(length=64), nullable=True))
            letters.add_column(sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
            letters.add_column(sa.Column("retries", sa.Integer(), nullable=False, server_default="0"))
            letters.add_column(sa.Column("earlier", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    for service in SERVICES:
        with op.batch_alter_table(f"{service}_dead_letter") as letters:
            for column in ("earlier", "retries", "attempts", "type"):
                letters.drop_column(column)
        with op.batch_alter_table(f"{service}_parked") as parked:
            for column in ("earlier", "retries"):
                parked.drop_column(column)
