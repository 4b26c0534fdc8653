"""The driver's errors as ours.

They leave as StoreConflict (a race: try again), StoreRefused (the row can never be written) or StoreUnavailable (all
others: whatever is wrong, it is not the row's fault, and nobody's message pays for it).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg  # type: ignore[import-untyped]  # ships no types
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.errors import ComityError, StoreConflict, StoreRefused, StoreUnavailable

RACES: Final = frozenset(
    {
        "23505",  # unique_violation
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "SQLITE_CONSTRAINT_PRIMARYKEY",
        "SQLITE_CONSTRAINT_UNIQUE",
        "SQLITE_CONSTRAINT_ROWID",
    }
)
ROW_AT_FAULT: Final = ("22", "23")  # SQLSTATE classes: data exception, integrity constraint violation


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except DBAPIError as broken:
        at_fault = not broken.connection_invalidated and isinstance(broken, IntegrityError | DataError)
        raise _ours(broken.orig, at_fault) from broken
    except sqlite3.Error as broken:
        raise _ours(broken, isinstance(broken, sqlite3.IntegrityError | sqlite3.DataError)) from broken
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as broken:
        raise _ours(broken) from broken
    except (PoolTimeout, OSError) as broken:  # asyncpg raises plain OSErrors while it connects
        raise StoreUnavailable(why=_first_line(broken)) from broken


def _ours(broken: object, is_row_at_fault: bool = False) -> ComityError:
    name = _error_name(broken)
    if name in RACES:
        return StoreConflict()
    if is_row_at_fault or name.startswith(ROW_AT_FAULT):
        return StoreRefused(why=name)
    return StoreUnavailable(why=_first_line(broken))


def _error_name(broken: object) -> str:
    """The SQLSTATE, SQLite's name of the error, or the exception's own: none of them quotes a value."""
    known = getattr(broken, "sqlstate", None) or getattr(broken, "sqlite_errorname", None)
    return str(known or type(broken).__name__)


def _first_line(error: object) -> str:
    return str(error).split("\n")[0][:200] or type(error).__name__
