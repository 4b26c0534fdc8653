"""The statements of the hot path, each made once."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Delete, Insert, Select, Table, Update, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shared.adapters.sql.keyed import is_one_of, unnested


@cache
def inserting(table: Table) -> Insert:
    """Without asking for the ids that the database gives: to hear them would take the right to select."""
    return insert(table).inline()


@cache
def inserting_new(table: Table, is_sqlite: bool) -> sqlite.Insert | postgresql.Insert:
    """INSERT … ON CONFLICT DO NOTHING in the dialect's words."""
    if is_sqlite:
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


@cache
def claiming(inbox: Table, is_sqlite: bool) -> Insert:
    """Returns the items that are new. SQLite takes a row for each, PostgreSQL keys and one `claimed_at`."""
    if is_sqlite:
        return inserting_new(inbox, is_sqlite).returning(inbox.c.item)
    given = unnested([inbox.c.item]).add_columns(bindparam("claimed_at", type_=inbox.c.claimed_at.type))
    new = postgresql.insert(inbox).from_select(["item", "claimed_at"], given)
    return new.on_conflict_do_nothing().returning(inbox.c.item)


@cache
def loading(table: Table, key: tuple[str, ...], is_locked: bool, is_sqlite: bool) -> Select[Any]:
    """The rows with these keys, in the order of their keys, so that locks never cross."""
    columns = [table.c[name] for name in key]
    found = select(table).where(is_one_of(columns, is_sqlite)).order_by(*columns)
    return found.with_for_update() if is_locked else found


@cache
def deleting(table: Table, column: str, is_sqlite: bool) -> Delete:
    return delete(table).where(is_one_of([table.c[column]], is_sqlite))


@cache
def updating(table: Table) -> Update:
    """One row by its key. Values are bound as `b_` and the column: a bare column name would be set as well."""
    bound: dict[str, BindParameter[Any]] = {column.name: bindparam(f"b_{column.name}") for column in table.c}
    statement = update(table).values({column.name: bound[column.name] for column in table.c if not column.primary_key})
    return statement.where(*(column == bound[column.name] for column in table.primary_key))
