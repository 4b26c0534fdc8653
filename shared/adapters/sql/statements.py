"""The statements of the hot path, each made once. Those that write rows take what `keyed.bound_rows` gives."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, LargeBinary, Table, bindparam, cast, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shared.adapters.sql.engine import epoch_now
from shared.adapters.sql.keyed import changed_name, is_each, is_one_of, unnested
from shared.adapters.sql.prepared import Prepared
from shared.adapters.tables import METADATA
from shared.frame.seal import MAX_FRAME_BYTES

RELAY_DELAY_S: Final = 10.0
"""An outbox row that is not confirmed after this long is published again, by any relay."""


@cache
def inserting(table: Table, is_sqlite: bool) -> Prepared:
    """Without asking for the ids that the database gives: to hear them would take the right to select."""
    return Prepared(insert(table).inline() if is_sqlite else _rows_into(table), is_sqlite)


@cache
def inserting_new(table: Table, is_sqlite: bool) -> Prepared:
    """Rows whose key exists are left as they are."""
    new = sqlite.insert(table) if is_sqlite else _rows_into(table)
    return Prepared(new.on_conflict_do_nothing(), is_sqlite)


@cache
def claiming(inbox: Table, is_sqlite: bool) -> Prepared:
    """Returns the items that are new."""
    new = sqlite.insert(inbox) if is_sqlite else _rows_into(inbox)
    return Prepared(new.on_conflict_do_nothing().returning(inbox.c.item), is_sqlite)


@cache
def forgetting_claims(inbox: Table, is_sqlite: bool) -> Prepared:
    """At most `most` items claimed before `before`, the oldest first; returns them."""
    oldest = select(inbox.c.item).where(inbox.c.claimed_at < bindparam("before")).order_by(inbox.c.claimed_at)
    chosen = oldest.limit(bindparam("most"))
    return Prepared(delete(inbox).where(inbox.c.item.in_(chosen)).returning(inbox.c.item), is_sqlite)


@cache
def pruning_chunks(is_sqlite: bool) -> Prepared:
    """The bytes of the parts that came with these messages."""
    part, chunk = METADATA.tables["part"], METADATA.tables["part_chunk"]
    digests = select(part.c.digest).where(is_one_of([part.c.message], is_sqlite))
    return Prepared(delete(chunk).where(chunk.c.digest.in_(digests)), is_sqlite)


@cache
def pruning_parts(is_sqlite: bool) -> Prepared:
    """The parts themselves; returns their messages."""
    part = METADATA.tables["part"]
    return Prepared(delete(part).where(is_one_of([part.c.message], is_sqlite)).returning(part.c.message), is_sqlite)


@cache
def writing_outbox(outbox: Table, is_sqlite: bool) -> Prepared:
    """The rows come without `relay_after`, which the database's clock gives."""
    relay_after = epoch_now(is_sqlite) + RELAY_DELAY_S
    if is_sqlite:
        return Prepared(insert(outbox).values(relay_after=relay_after), is_sqlite)
    columns = [column for column in outbox.c if column.name != "relay_after"]
    names = [column.name for column in columns]
    given = unnested(columns).add_columns(relay_after)
    return Prepared(insert(outbox).from_select([*names, "relay_after"], given), is_sqlite)


@cache
def loading(table: Table, key: tuple[str, ...], is_locked: bool, is_sqlite: bool) -> Prepared:
    """The rows with these keys, in the order of their keys, so that locks never cross."""
    columns = [table.c[name] for name in key]
    found = select(table).where(is_one_of(columns, is_sqlite)).order_by(*columns)
    return Prepared(found.with_for_update() if is_locked else found, is_sqlite)


@cache
def deleting(table: Table, column: str, is_sqlite: bool) -> Prepared:
    """Takes what `keyed.bound_each` gives."""
    return Prepared(delete(table).where(is_each(table.c[column], is_sqlite)), is_sqlite)


@cache
def updating(table: Table, is_sqlite: bool) -> Prepared:
    """Rows by their keys; takes what `keyed.bound_changes` gives."""
    if is_sqlite:
        given: Any = {column.name: bindparam(changed_name(column.name), type_=column.type) for column in table.c}
    else:
        given = unnested(list(table.c)).subquery("given").c
    changed = update(table).values({column.name: given[column.name] for column in table.c if not column.primary_key})
    return Prepared(changed.where(*(column == given[column.name] for column in table.primary_key)), is_sqlite)


@cache
def listing_due(parked: Table, is_sqlite: bool) -> Prepared:
    """At most `most` parked items that are due at `now`, the longest due first."""
    due = select(*_bounded(parked)).where(parked.c.due_at <= bindparam("now", type_=parked.c.due_at.type))
    return Prepared(due.order_by(parked.c.due_at).limit(bindparam("most")), is_sqlite)


@cache
def holding(parked: Table, is_sqlite: bool) -> Prepared:
    """The parked `held`, locked, unless another holds it."""
    one = select(parked.c.item).where(parked.c.item == bindparam("held"))
    return Prepared(one.with_for_update(skip_locked=True), is_sqlite)


@cache
def taking(letters: Table, is_sqlite: bool) -> Prepared:
    """The dead letter `taken`, removed."""
    return Prepared(delete(letters).where(letters.c.id == bindparam("taken")).returning(*_bounded(letters)), is_sqlite)


@cache
def listing_overdue(outbox: Table, is_sqlite: bool) -> Prepared:
    """At most `most` outbox rows that are overdue and that no other relay holds, locked, the longest overdue first.

    No more of a frame is read than shows that it is too large to be one.
    """
    frame = bounded_bytes(outbox.c.frame, MAX_FRAME_BYTES + 1).label("frame")
    overdue = select(outbox.c.id, frame).where(outbox.c.relay_after <= epoch_now(is_sqlite))
    oldest = overdue.order_by(outbox.c.relay_after)
    return Prepared(oldest.limit(bindparam("most")).with_for_update(skip_locked=True), is_sqlite)


def _bounded(table: Table) -> list[ColumnElement[Any]]:
    """All columns; no more of a frame than shows that it is too large to be one."""
    frame = bounded_bytes(table.c.frame, MAX_FRAME_BYTES + 1).label("frame")
    return [frame if column.name == "frame" else column for column in table.c]


def bounded_bytes(column: ColumnElement[bytes], most: int) -> ColumnElement[bytes]:
    """The first bytes of a value, whatever it is: SQLite holds texts and numbers in a column of bytes, if told to, and
    the beginning of nothing is NULL to it."""
    return func.coalesce(cast(func.substr(column, 1, most), LargeBinary), b"")


@cache
def postponing(outbox: Table, is_sqlite: bool) -> Prepared:
    """Outbox rows with these keys are not overdue for another while."""
    later = update(outbox).where(is_one_of([outbox.c.id], is_sqlite))
    return Prepared(later.values(relay_after=epoch_now(is_sqlite) + RELAY_DELAY_S), is_sqlite)


@cache
def outbox_age(outbox: Table, is_sqlite: bool) -> Prepared:
    """Seconds since the oldest row became due to be relayed, as `age`."""
    return Prepared(select((epoch_now(is_sqlite) - func.min(outbox.c.relay_after)).label("age")), is_sqlite)


def _rows_into(table: Table) -> postgresql.Insert:
    """All columns but an id that the database gives."""
    columns = [column for column in table.c if column is not table.autoincrement_column]
    return postgresql.insert(table).from_select([column.name for column in columns], unnested(columns))
