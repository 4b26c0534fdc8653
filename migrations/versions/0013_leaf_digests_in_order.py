"""Digests of leaves begin with the time of their leaf: an index of them grows at its end, and not everywhere.

The time is that of the leaf, in milliseconds, in six bytes. A row whose leaf has no place yet bears the same time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TOGETHER = 1000
_INDEX = "ix_ledger_leaf_leaf_digest"
_LEAF = sa.table("ledger_leaf", sa.column("index"), sa.column("entry"), sa.column("leaf_digest"))
_POINTING = {
    "decision": ("decided_at", ("message", "digest")),
    "evidence": ("at", ("message", "kind", "recipient")),
    "parts_pruned": ("pruned_at", ("message",)),
    "key_event": ("recorded_at", ("seq",)),
}
"""Table → when its row and its leaf were written, and its key."""


def upgrade() -> None:
    for name, (written, key) in _POINTING.items():
        _point(name, written, key)
    op.drop_index(_INDEX, "ledger_leaf")
    for rows in _pieces(_LEAF, ("index",), "index", "entry", "leaf_digest"):
        _set(_LEAF, ("index",), [(row.index, _timed(row.entry) + row.leaf_digest) for row in rows])
    op.create_index(_INDEX, "ledger_leaf", ["leaf_digest"])


def downgrade() -> None:
    for name in ("ledger_leaf", *_POINTING):
        op.execute(f"UPDATE {name} SET leaf_digest = substr(leaf_digest, 7) WHERE leaf_digest IS NOT NULL")  # noqa: S608


def _point(name: str, written: str, key: Sequence[str]) -> None:
    table = sa.table(name, sa.column(written), sa.column("leaf_digest"), *map(sa.column, key))
    for rows in _pieces(table, key, *key, written, "leaf_digest"):
        digests = [row.leaf_digest for row in rows if row.leaf_digest is not None]
        placed = sa.select(_LEAF.c.leaf_digest, _LEAF.c.entry).where(_LEAF.c.leaf_digest.in_(digests))
        times = {bytes(digest): _timed(entry) for digest, entry in op.get_bind().execute(placed)}
        changed = []
        for row in rows:
            if row.leaf_digest is not None:
                time = times.get(bytes(row.leaf_digest)) or _time(getattr(row, written))
                changed.append((*row[: len(key)], time + row.leaf_digest))
        _set(table, key, changed)


def _pieces(table: Any, key: Sequence[str], *columns: str) -> Iterator[Sequence[Any]]:
    order = [table.c[name] for name in key]
    piece = sa.select(*(table.c[name] for name in columns)).order_by(*order).limit(_TOGETHER)
    rows = op.get_bind().execute(piece).all()
    while rows:
        yield rows
        last = [getattr(rows[-1], name) for name in key]
        rows = op.get_bind().execute(piece.where(sa.tuple_(*order) > sa.tuple_(*last))).all()


def _set(table: Any, key: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        same = [table.c[name] == sa.bindparam(f"b_{name}") for name in key]
        changed = sa.update(table).where(*same).values(leaf_digest=sa.bindparam("b_leaf_digest"))
        names = [f"b_{name}" for name in (*key, "leaf_digest")]
        op.get_bind().execute(changed, [dict(zip(names, row, strict=True)) for row in rows])


def _timed(entry: bytes) -> bytes:
    """The time of the leaf in this entry: 27 characters behind `…Z\\n{"at":"`."""
    try:
        return _time(bytes(entry)[35:62].decode())
    except ValueError:
        return bytes(6)


def _time(at: datetime | str) -> bytes:
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    return max(0, int(moment.timestamp() * 1000)).to_bytes(6, "big")
