"""Which message each sealed part came with, and which messages' parts were pruned by the policy on retention."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from shared.adapters.sql.types import UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TOGETHER = 200


def upgrade() -> None:
    with op.batch_alter_table("part") as parts:
        parts.add_column(sa.Column("message", sa.String(length=36), nullable=True))
    op.create_index(op.f("ix_part_message"), "part", ["message"], unique=False)
    op.create_table(
        "parts_pruned",
        sa.Column("message", sa.String(length=36), nullable=False),
        sa.Column("dossier", sa.String(length=36), nullable=False),
        sa.Column("pruned_at", UtcTime(), nullable=False),
        sa.Column("closed_at", UtcTime(), nullable=False),
        sa.Column("kept_days", sa.Integer(), nullable=False),
        sa.Column("leaf_digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("message", name=op.f("pk_parts_pruned")),
    )
    _find_messages()


def downgrade() -> None:
    op.drop_table("parts_pruned")
    op.drop_index(op.f("ix_part_message"), table_name="part")
    with op.batch_alter_table("part") as parts:
        parts.drop_column("message")


def _find_messages() -> None:
    """A part belongs to the first message that came with it; whoever repeats another's part does not own it."""
    connection = op.get_bind()
    envelope = sa.table("envelope", sa.column("message"), sa.column("jws"))
    part = sa.table("part", sa.column("digest"), sa.column("message"))
    last = ""
    while True:
        piece = sa.select(envelope).where(envelope.c.message > last).order_by(envelope.c.message).limit(_TOGETHER)
        rows = connection.execute(piece).all()
        if not rows:
            return
        for row in rows:
            for digest in _digests(bytes(row.jws)):
                unowned = sa.update(part).where(part.c.digest == digest, part.c.message.is_(None))
                connection.execute(unowned.values(message=row.message))
        last = rows[-1].message


def _digests(jws: bytes) -> Iterator[str]:
    payload = json.loads(jws)["payload"]
    manifest = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return (part["ct_sha256"] for part in manifest["parts"])
