"""Many rows by their keys in one statement, whose text does not depend on how many there are.

PostgreSQL prepares a statement once for its text: a list written out would be prepared, and planned, anew for each
length. There the keys come as one array a column instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY


def is_one_of(columns: Sequence[Column[Any]], keys: Sequence[tuple[Any, ...]], is_sqlite: bool) -> ColumnElement[bool]:
    """Whether the columns of a row hold one of these keys."""
    if is_sqlite:
        return tuple_(*columns).in_(keys)
    return tuple_(*columns).in_(unnested(columns, keys))


def unnested(columns: Sequence[Column[Any]], keys: Sequence[tuple[Any, ...]]) -> Select[Any]:
    """A row for each key; PostgreSQL only."""
    arrays = [literal([key[number] for key in keys], ARRAY(column.type)) for number, column in enumerate(columns)]
    return select(*(func.unnest(array) for array in arrays))
