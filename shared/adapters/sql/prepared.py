"""Statements of the hot path: said in SQLAlchemy's language, compiled once, and run by the driver itself on PostgreSQL.

What SQLAlchemy does to run a statement (a context, a look into its cache, a greenlet, a cursor, a result) costs three
times what the driver takes to run it (`docs/adr/0012-statements-run-by-the-driver.md`). Types mean the same either way:
values go through SQLAlchemy's own processors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from sqlalchemy import ClauseElement, Dialect, Executable, Float, Numeric
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.sql.compiler import SQLCompiler


class Row(Protocol):
    def __getitem__(self, column: str, /) -> Any: ...


Given = Mapping[str, Any]
_POSTGRESQL: Final[Dialect] = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


class Prepared:
    """One statement for one dialect. Whoever uses it keeps it: to make one costs more than to run it."""

    def __init__(self, statement: Executable, is_sqlite: bool) -> None:
        self.statement = statement
        """As SQLAlchemy runs it, which is on SQLite."""
        if not is_sqlite:
            self._compile()

    def _compile(self) -> None:
        assert isinstance(self.statement, ClauseElement)  # noqa: S101 - for the type alone
        compiled = self.statement.compile(dialect=_POSTGRESQL)
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 - for the type alone
        self.text = str(compiled)
        """As the driver runs it."""
        assert "POSTCOMPILE" not in self.text, "a list of values cannot be prepared"  # noqa: S101 - for whoever writes one
        constants = compiled.params
        self._arguments = [
            (name, constants.get(name), compiled.binds[name].type.dialect_impl(_POSTGRESQL).bind_processor(_POSTGRESQL))
            for name in compiled.positiontup or ()
        ]
        self._read: dict[str, Callable[[Any], Any]] = {}
        for name, column in _told(self.statement).items():
            kind = column.type.dialect_impl(_POSTGRESQL)
            if isinstance(kind, Numeric | Float):
                continue  # numbers are the driver's own; the processor would have to be told which
            read = kind.result_processor(_POSTGRESQL, None)
            if read is not None:
                self._read[name] = read

    def arguments(self, given: Given) -> list[Any]:
        """The values of `given`, and the statement's own constants, as the driver takes them."""
        return [
            value if bind is None else bind(value)
            for name, constant, bind in self._arguments
            for value in (given.get(name, constant),)
        ]

    def rows(self, records: Sequence[Any]) -> Sequence[Row]:
        """The driver's records, with every value as its column's type has it."""
        if not self._read:
            return records
        read = self._read
        return [
            {name: read[name](value) if name in read else value for name, value in record.items()} for record in records
        ]


def _told(statement: Any) -> Mapping[str, Any]:
    """The columns that the statement returns, by name."""
    return {column.name: column for column in getattr(statement, "exported_columns", ()) if hasattr(column, "name")}
