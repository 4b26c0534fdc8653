"""Statements of the hot path: said in SQLAlchemy's language, compiled once, and run by the driver itself: on PostgreSQL
always; on SQLite where it selects, or writes many rows.

What SQLAlchemy does to run a statement (a context, a look into its cache, a greenlet, a cursor, a result) costs three
times what the driver takes to run it (`docs/adr/0012-statements-run-by-the-driver.md`). Types mean the same either way:
values go through SQLAlchemy's own processors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from sqlalchemy import ClauseElement, Dialect, Executable, Float, Numeric, SelectBase
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as aiosqlite_dialect
from sqlalchemy.sql.compiler import SQLCompiler


class Row(Protocol):
    def __getitem__(self, column: str, /) -> Any: ...


Given = Mapping[str, Any]


class Columns(dict[str, Sequence[Any]]):
    """Rows to be written, column by column; all columns are of one length, which is not nothing."""


ROWS_TOGETHER: Final = 50
"""So many rows SQLite inserts by one statement, which finds its place in the table once [1,000 rows of three blobs and
an index: 1.2 ms of CPU instead of 2.2]."""
_POSTGRESQL: Final[Dialect] = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
_SQLITE: Final[Dialect] = aiosqlite_dialect()
_Bind = tuple[str, Any, Callable[[Any], Any] | None]
"""A place in the statement: the name of its value, its constant, how the driver takes it."""


class Prepared:
    """One statement for one dialect. Whoever uses it keeps it: to make one costs more than to run it."""

    def __init__(self, statement: Executable, is_sqlite: bool) -> None:
        self.statement = statement
        """As SQLAlchemy runs it on SQLite: where a list is written out, where rows are returned by what writes them."""
        self.tells = bool(_told(statement))
        """Whether it returns rows."""
        self._repeated: dict[tuple[str, ...], tuple[str, str | None, list[_Bind]]] = {}
        self.text: str | None = None
        """As the driver runs it; None where it does not."""
        if not is_sqlite:
            self._compile(_POSTGRESQL)
            assert "POSTCOMPILE" not in str(self.text), "a list of values cannot be prepared"  # noqa: S101
        elif isinstance(statement, SelectBase):
            self._compile(_SQLITE)
            if "POSTCOMPILE" in str(self.text):
                self.text = None

    def repeated(self, given: Columns | Sequence[Given]) -> Iterator[tuple[str, list[list[Any]]]]:
        """Texts and values by which SQLite's driver runs it for each row; all rows name the same values."""
        columns = given if isinstance(given, Columns) else {name: [row[name] for row in given] for name in given[0]}
        names, count = tuple(columns), len(next(iter(columns.values())))
        if names not in self._repeated:
            text, binds = _compiled(self.statement, _SQLITE, names)
            self._repeated[names] = text, _for_many(text, len(binds)), binds
        text, many, binds = self._repeated[names]
        width, values = len(binds), [None] * (count * len(binds))
        for place, bind in enumerate(binds):
            values[place::width] = _column(bind, columns, count)
        whole = count - count % ROWS_TOGETHER if many else 0
        if many and whole:
            yield many, _cut(values[: whole * width], ROWS_TOGETHER * width)
        if whole < count:
            yield text, _cut(values[whole * width :], width)

    def _compile(self, dialect: Dialect) -> None:
        self.text, self._arguments = _compiled(self.statement, dialect)
        told = _told(self.statement)
        self._names = tuple(told)
        self._read: dict[str, Callable[[Any], Any]] = {}
        for name, column in told.items():
            kind = column.type.dialect_impl(dialect)
            if isinstance(kind, Numeric | Float):
                continue  # numbers are the driver's own; the processor would have to be told which
            read = kind.result_processor(dialect, None)
            if read is not None:
                self._read[name] = read

    def arguments(self, given: Given) -> list[Any]:
        """The values of `given`, and the statement's own constants, as the driver takes them."""
        return _taken(self._arguments, given)

    def named(self, tuples: Sequence[Sequence[Any]]) -> Sequence[Row]:
        """What SQLite's driver returns, which does not name its columns."""
        return [dict(zip(self._names, row, strict=True)) for row in zip(*self.columns(tuples).values(), strict=True)]

    def columns(self, records: Sequence[Sequence[Any]]) -> dict[str, Sequence[Any]]:
        """What either driver returns, column by column."""
        columns = zip(*records, strict=True) if records else ((),) * len(self._names)
        told = dict(zip(self._names, columns, strict=True))
        return {name: [*map(self._read[name], told[name])] if name in self._read else told[name] for name in told}

    def rows(self, records: Sequence[Any]) -> Sequence[Row]:
        """The driver's records, with every value as its column's type has it."""
        if not self._read:
            return records
        read = self._read
        return [
            {name: read[name](value) if name in read else value for name, value in record.items()} for record in records
        ]


def _compiled(statement: Executable, dialect: Dialect, names: Sequence[str] | None = None) -> tuple[str, list[_Bind]]:
    """The text and its places in order; `names` are the columns that an insert gives, all without it."""
    assert isinstance(statement, ClauseElement)  # noqa: S101 - for the type alone
    compiled = statement.compile(dialect=dialect, column_keys=names)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - for the type alone
    constants = compiled.params
    return str(compiled), [
        (name, constants.get(name), compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
        for name in compiled.positiontup or ()
    ]


def _taken(binds: Sequence[_Bind], given: Given) -> list[Any]:
    return [
        value if bind is None else bind(value)
        for name, constant, bind in binds
        for value in (given.get(name, constant),)
    ]


def _for_many(text: str, values: int) -> str | None:
    """The text that inserts ROWS_TOGETHER rows; None where the statement is no insert of given values alone."""
    row = f"({', '.join('?' * values)})"
    before, found, behind = text.partition(f" VALUES {row}")
    return f"{before} VALUES {', '.join([row] * ROWS_TOGETHER)}{behind}" if found else None


def _cut(values: list[Any], width: int) -> list[list[Any]]:
    return [values[start : start + width] for start in range(0, len(values), width)]


def _column(bind: _Bind, columns: Given, count: int) -> Iterable[Any]:
    """The values of one place, row after row."""
    name, constant, take = bind
    values = columns[name] if name in columns else [constant] * count
    return values if take is None else _taken_in_turn(take, values)


def _taken_in_turn(take: Callable[[Any], Any], values: Iterable[Any]) -> Iterator[Any]:
    """Neighbours often share a value, as the leaves of one round their time."""
    last, taken = object(), None
    for value in values:
        if value is not last:
            last, taken = value, take(value)
        yield taken


def _told(statement: Any) -> Mapping[str, Any]:
    """The columns that the statement returns, by name."""
    return {column.name: column for column in getattr(statement, "exported_columns", ()) if hasattr(column, "name")}
