"""A head that is committed bears a seal of the ledger's until it is signed: who writes to the database has none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.errors import SettingsRefused

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    size = sa.column("size", sa.BigInteger())
    newest = [
        op.get_bind()
        .execute(sa.select(sa.func.coalesce(sa.func.max(size), 0)).select_from(sa.table(name)))
        .scalar_one()
        for name in ("ledger_checkpoint", "ledger_note")
    ]
    if newest[0] != newest[1]:
        raise SettingsRefused(
            why=f"the head of {newest[0]} entries is not signed yet, and could not be told from a forged one: "
            "let the ledger of the version before work for a moment, then migrate"
        )
    op.add_column("ledger_checkpoint", sa.Column("seal", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("ledger_checkpoint") as checkpoint:
        checkpoint.drop_column("seal")
