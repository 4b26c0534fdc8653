"""The roots of full tiles stand in an index of their own: behind the 8 KiB of hashes in a row SQLite finds a root only
by reading these, and a proof asks for the roots of up to 255 neighbours.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_ledger_tile_level_number_root", "ledger_tile", ["level", "number", "root"])


def downgrade() -> None:
    op.drop_index("ix_ledger_tile_level_number_root", "ledger_tile")
