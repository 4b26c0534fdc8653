"""Where each key event stands in the ledger: whoever believes it checks its inclusion."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TOGETHER = 1000
_TYPE = "directory.key-event"


def upgrade() -> None:
    with op.batch_alter_table("key_event") as events:
        events.add_column(sa.Column("leaf_digest", sa.LargeBinary(), nullable=True))
    _find_places()


def downgrade() -> None:
    with op.batch_alter_table("key_event") as events:
        events.drop_column("leaf_digest")


def _find_places() -> None:
    """Key events come first and are few, but a ledger is long: it is read in pieces, and no further than needed."""
    connection = op.get_bind()
    leaf = sa.table("ledger_leaf", sa.column("index"), sa.column("entry"), sa.column("leaf_digest"))
    event = sa.table("key_event", sa.column("seq"), sa.column("leaf_digest"))
    missing = {seq for (seq,) in connection.execute(sa.select(event.c.seq))}
    first = 0
    while missing:
        piece = sa.select(leaf).where(leaf.c.index >= first, leaf.c.index < first + _TOGETHER).order_by(leaf.c.index)
        rows = connection.execute(piece).all()
        if not rows:
            return
        for row in rows:
            told = bytes(row.entry).partition(b"\n")[2]
            if f'"type":"{_TYPE}"'.encode() not in told or json.loads(told)["type"] != _TYPE:
                continue
            seq = json.loads(told)["seq"]
            missing.discard(seq)
            connection.execute(sa.update(event).where(event.c.seq == seq).values(leaf_digest=row.leaf_digest))
        first += _TOGETHER
