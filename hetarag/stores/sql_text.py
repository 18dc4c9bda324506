"""Statements of users' tables as text, put together from pieces that SQLAlchemy compiles once.

Each table has statements of its own, so SQLAlchemy would compile every one of them anew, which
takes longer than an engine takes to run it. Types, quoting, table options and the conversion of
values are still SQLAlchemy's: its dialect is asked for each type once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from hetarag.errors import StoreError
from hetarag.stores.sql_schema import COLUMN_TYPES, ROW, ROW_TYPE, TABLE_OPTIONS, check_physical
from hetarag.types import Cell, ColumnType, TableInfo

Convert = Callable[[Any], Any]

_SAMPLE = "t_0_0"
_KEY = "\n\tPRIMARY KEY"
_MARKS = {"qmark": "?", "format": "%s", "pyformat": "%s"}


class TableText:
    """The statements of one dialect; values go beside them, in the order of the columns."""

    @classmethod
    def of(cls, dialect: sa.Dialect) -> TableText:
        """Return the text of a dialect, made once for each engine."""
        if dialect not in _KNOWN:
            _KNOWN[dialect] = cls(dialect)
        return _KNOWN[dialect]

    def __init__(self, dialect: sa.Dialect) -> None:
        self._dialect = dialect
        self._quote: Callable[[str], str] = dialect.identifier_preparer.quote
        self._row = self._quote(ROW)
        if dialect.paramstyle not in _MARKS:
            raise StoreError(
                "sql",
                f"the driver {dialect.driver} takes its parameters as {dialect.paramstyle}; use one "
                f"that takes them as {', '.join(_MARKS)}, such as psycopg or PyMySQL",
            )
        self._mark = _MARKS[dialect.paramstyle]
        key = sa.Column(ROW, ROW_TYPE, primary_key=True, autoincrement=False)
        sample = sa.Table(_SAMPLE, sa.MetaData(), key, **TABLE_OPTIONS)
        self._create = str(sa.schema.CreateTable(sample).compile(dialect=dialect)).strip()
        self._types = {name: kind.compile(dialect) for name, kind in COLUMN_TYPES.items()}
        self._binds: dict[ColumnType, Convert | None] = {
            name: kind.dialect_impl(dialect).bind_processor(dialect)
            for name, kind in COLUMN_TYPES.items()
        }

    def drop(self, physical: str) -> str:
        """Drop the table of this physical name if it is there."""
        return f"DROP TABLE IF EXISTS {self._name(physical)}"

    def create(self, table: TableInfo) -> str:
        """Create the physical table: the number of the row, then the columns."""
        columns = (f"\n\t{self._name(c.physical)} {self._types[c.type]}, " for c in table.columns)
        text = self._create.replace(_SAMPLE, self._name(table.physical), 1)
        return text.replace(_KEY, "".join(columns) + _KEY, 1)

    def insert(self, table: TableInfo) -> str:
        """Insert one row, its number first."""
        names = ", ".join((self._row, *(self._name(c.physical) for c in table.columns)))
        marks = ", ".join([self._mark] * (len(table.columns) + 1))
        return f"INSERT INTO {self._name(table.physical)} ({names}) VALUES ({marks})"  # noqa: S608  generated names

    def values(self, table: TableInfo, lines: Iterable[Sequence[Cell]]) -> list[tuple[Any, ...]]:
        """Return rows, their numbers first, as the driver takes them."""
        converts = [(i, self._binds[c.type]) for i, c in enumerate(table.columns, start=1)]
        needed = [(i, convert) for i, convert in converts if convert is not None]
        if not needed:
            return [tuple(line) for line in lines]
        found = []
        for line in lines:
            values = list(line)
            for place, convert in needed:
                values[place] = convert(values[place])
            found.append(tuple(values))
        return found

    def _name(self, physical: str) -> str:
        return self._quote(check_physical(physical))


_KNOWN: WeakKeyDictionary[sa.Dialect, TableText] = WeakKeyDictionary()
