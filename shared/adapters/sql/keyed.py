"""Many rows in one statement, whose text does not depend on how many there are.

PostgreSQL prepares a statement once for its text: a list written out would be prepared, and planned, anew for each
length, and a statement run once for each row costs it more than the row. There the values come as one array a column
instead, of a type without a length: a cast to a length would cut what is too long, where a row must refuse it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Label, Select, String, bindparam, func, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from shared.adapters.sql.prepared import Columns

_KEYS = "keys"


def is_one_of(columns: Sequence[Column[Any]], is_sqlite: bool) -> ColumnElement[bool]:
    """Whether the columns of a row hold one of the keys that `bound_keys` gives when the statement is run."""
    if is_sqlite:
        return tuple_(*columns).in_(bindparam(_KEYS, expanding=True))
    if len(columns) == 1:
        return columns[0] == func.any(_array(f"{_KEYS}_0", columns[0]))
    return tuple_(*columns).in_(
        select(*(func.unnest(_array(f"{_KEYS}_{number}", column)) for number, column in enumerate(columns)))
    )


def bound_keys(keys: Sequence[tuple[Any, ...]], is_sqlite: bool) -> dict[str, Any]:
    """The parameters of a statement with `is_one_of`; there is at least one key."""
    if is_sqlite:
        return {_KEYS: list(keys)}
    return {f"{_KEYS}_{number}": list(values) for number, values in enumerate(zip(*keys, strict=True))}


def is_each(column: Column[Any], is_sqlite: bool) -> ColumnElement[bool]:
    """For what writes: SQLite's driver runs it for each of the values that `bound_each` gives, PostgreSQL for all."""
    return column == bindparam(f"{_KEYS}_0") if is_sqlite else is_one_of([column], is_sqlite)


def bound_each(values: Sequence[Any]) -> Columns:
    """The parameters of a statement with `is_each`; there is at least one value."""
    return Columns({f"{_KEYS}_0": list(values)})


def unnested(columns: Sequence[Column[Any]]) -> Select[Any]:
    """A row for each of the rows that `bound_rows` gives; PostgreSQL only."""
    return select(*(_unnested(column) for column in columns))


def bound_rows(rows: Sequence[Mapping[str, Any]], is_sqlite: bool) -> Any:
    """The parameters of a statement that takes rows; there is at least one, and all have the same columns."""
    return list(rows) if is_sqlite else {name: [row[name] for row in rows] for name in rows[0]}


def bound_changes(rows: Sequence[Mapping[str, Any]], is_sqlite: bool) -> Any:
    """The same for rows that are changed. To SQLAlchemy the name of a column would mean a value to be set."""
    if is_sqlite:
        return [{changed_name(name): value for name, value in row.items()} for row in rows]
    return bound_rows(rows, is_sqlite)


def changed_name(column: str) -> str:
    return f"b_{column}"


def _unnested(column: Column[Any]) -> Label[Any]:
    return func.unnest(_array(column.name, column)).label(column.name)


def _array(name: str, column: Column[Any]) -> ColumnElement[Any]:
    kind: TypeEngine[Any] = column.type if getattr(column.type, "length", None) is None else String()
    return bindparam(name, type_=ARRAY(kind))
