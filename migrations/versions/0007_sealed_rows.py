"""What services leave in the database is sealed: outboxes to their own service, leaves to the ledger.

What still lies there unsealed is refused: a migration has no keys to seal it with, and nobody could say who wrote it.
The version before empties these tables by itself within seconds, once the gateway is stopped.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.adapters.sql.types import IDENTITY, UtcTime
from shared.errors import SettingsRefused

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OUTBOXES = ("intake_outbox", "routing_outbox", "notification_outbox")


def upgrade() -> None:
    _require_empty("leaf_waiting", *OUTBOXES)
    with op.batch_alter_table("leaf_waiting") as waiting:
        waiting.alter_column("leaf", new_column_name="frame")
    for name in OUTBOXES:
        with op.batch_alter_table(name) as outbox:
            for column in ("type", "version", "data"):
                outbox.drop_column(column)
            outbox.add_column(sa.Column("frame", sa.LargeBinary(), nullable=False))
        _store_uncompressed(name, "frame")
    op.create_table(
        "ledger_dead_letter",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("item", sa.String(length=36), nullable=True),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("retries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("earlier", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_dead_letter")),
        sqlite_autoincrement=True,
    )
    _store_uncompressed("ledger_dead_letter", "frame")


def downgrade() -> None:
    _require_empty("leaf_waiting", *OUTBOXES)
    op.drop_table("ledger_dead_letter")
    for name in OUTBOXES:
        with op.batch_alter_table(name) as outbox:
            outbox.drop_column("frame")
            outbox.add_column(sa.Column("type", sa.String(length=64), nullable=False))
            outbox.add_column(sa.Column("version", sa.Integer(), nullable=False))
            outbox.add_column(sa.Column("data", sa.LargeBinary(), nullable=False))
        _store_uncompressed(name, "data")
    with op.batch_alter_table("leaf_waiting") as waiting:
        waiting.alter_column("frame", new_column_name="leaf")


def _require_empty(*tables: str) -> None:
    for name in tables:
        count = op.get_bind().execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one()
        if count:
            raise SettingsRefused(
                why=f"{count} rows wait in {name}, in the form of the version before: stop the gateway, let that "
                "version work until `comity operator queues` shows that nothing waits, then migrate"
            )


def _store_uncompressed(table: str, column: str) -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL")
