"""Many rows by their keys in one statement, whose text does not depend on how many there are.

PostgreSQL prepares a statement once for its text: a list written out would be prepared, and planned, anew for each
length. There the keys come as one array a column instead. The statement object is made once too, and kept by whoever
uses it: to build and to compare it costs more than to run it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, bindparam, func, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

_KEYS = "keys"


def is_one_of(columns: Sequence[Column[Any]], is_sqlite: bool) -> ColumnElement[bool]:
    """Whether the columns of a row hold one of the keys that `bound_keys` gives when the statement is run."""
    if is_sqlite:
        return tuple_(*columns).in_(bindparam(_KEYS, expanding=True))
    return tuple_(*columns).in_(unnested(columns))


def unnested(columns: Sequence[Column[Any]]) -> Select[Any]:
    """A row for each key; PostgreSQL only."""
    arrays = [bindparam(f"{_KEYS}_{number}", type_=ARRAY(column.type)) for number, column in enumerate(columns)]
    return select(*(func.unnest(array) for array in arrays))


def bound_keys(keys: Sequence[tuple[Any, ...]], is_sqlite: bool) -> dict[str, Any]:
    """The parameters of a statement with `is_one_of` or `unnested`; there is at least one key."""
    if is_sqlite:
        return {_KEYS: list(keys)}
    return {f"{_KEYS}_{number}": list(values) for number, values in enumerate(zip(*keys, strict=True))}
