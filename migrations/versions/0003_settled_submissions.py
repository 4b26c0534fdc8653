"""What became of a submission is found in the feeds by its id: admission follows delivery."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("feed_entry") as feeds:
        feeds.create_index("ix_feed_entry_message", ["message"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("feed_entry") as feeds:
        feeds.drop_index("ix_feed_entry_message")
