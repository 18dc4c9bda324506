"""Statements of users' tables as text, put together from pieces that SQLAlchemy compiles once.

Each table has statements of its own, so SQLAlchemy would compile every one of them anew, which
takes longer than an engine takes to run it. Types, quoting, table options and the conversion of
values are still SQLAlchemy's: its dialect is asked for each type once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hetarag.errors import StoreError
from hetarag.stores.sql.schema import BIG_INTEGER, COLUMN_TYPES, ROW, TABLE_OPTIONS, check_physical
from hetarag.types import Cell, TableInfo

_SAMPLE = "t_0_0"
_KEY = "\n\tPRIMARY KEY"
_CONVERTED = ("boolean", "date", "datetime")
_MARKS = {"qmark": "?", "format": "%s", "pyformat": "%s"}


class TableText:
    """The statements of one dialect; values go beside them, in the order of the columns."""

    @classmethod
    @functools.lru_cache(maxsize=16)
    def of(cls, dialect: sa.Dialect) -> TableText:
        """Return the text of a dialect, made once for each engine that has connected."""
        return cls(dialect)

    def __init__(self, dialect: sa.Dialect) -> None:
        """Ask the dialect for its pieces; raises `StoreError` for one with named parameters."""
        self._quote: Callable[[str], str] = dialect.identifier_preparer.quote
        self._row = self._quote(ROW)
        if dialect.paramstyle not in _MARKS:
            raise StoreError(
                "sql",
                f"the driver {dialect.driver} takes its parameters as {dialect.paramstyle}; use one "
                f"that takes them as {', '.join(_MARKS)}, such as psycopg or PyMySQL",
            )
        self._mark = _MARKS[dialect.paramstyle]
        key = sa.Column(ROW, BIG_INTEGER, primary_key=True, autoincrement=False)
        sample = sa.Table(_SAMPLE, sa.MetaData(), key, **TABLE_OPTIONS)
        self._create = str(sa.schema.CreateTable(sample).compile(dialect=dialect)).strip()
        self._types = {name: kind.compile(dialect) for name, kind in COLUMN_TYPES.items()}
        own = {name: kind.dialect_impl(dialect) for name, kind in COLUMN_TYPES.items()}
        self._binds = {name: kind.bind_processor(dialect) for name, kind in own.items()}
        # Drivers give whole and real numbers and texts as they are.
        self._results = {
            name: own[name].result_processor(dialect, None) if name in _CONVERTED else None
            for name in own
        }

    def among(self, start: str, column: str, values: Sequence[Any]) -> str:
        """Add to a statement that `column` has one of so many values."""
        return f"{start} {self._quote(column)} IN ({self._marks(len(values))})"

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
        marks = self._marks(len(table.columns) + 1)
        return f"INSERT INTO {self._name(table.physical)} ({names}) VALUES ({marks})"  # noqa: S608  names are checked

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

    def select_rows(
        self,
        table: TableInfo,
        ordinals: Sequence[int],
        tests: Sequence[Mapping[int, Sequence[Cell]]],
        *,
        every: bool,
        most: int,
    ) -> tuple[str, tuple[Any, ...]]:
        """Select the numbers and some columns of the first `most` rows that pass a test, or every.

        A test names values by the ordinals of columns, one of which must hold one of its values.
        """
        given: list[Any] = []
        passed = []
        for test in tests:
            held = []
            for ordinal, cells in test.items():
                convert = self._binds[table.columns[ordinal].type]
                given += cells if convert is None else map(convert, cells)
                held.append(f"{self._column(table, ordinal)} IN ({self._marks(len(cells))})")
            passed.append(f"({' OR '.join(held)})")
        names = ", ".join((self._row, *(self._column(table, o) for o in ordinals)))
        where = (" AND " if every else " OR ").join(passed)
        return (
            f"SELECT {names} FROM {self._name(table.physical)} WHERE {where} "  # noqa: S608  as above
            f"ORDER BY {self._row} LIMIT {most}",
            tuple(given),
        )

    def cells(
        self, table: TableInfo, ordinals: Sequence[int], values: Sequence[Any]
    ) -> dict[int, Cell]:
        """Return the cells that the driver gave for these columns, by ordinal."""
        found = dict(zip(ordinals, values, strict=True))
        for ordinal in ordinals:
            convert = self._results[table.columns[ordinal].type]
            if convert is not None:
                found[ordinal] = convert(found[ordinal])
        return found

    def _marks(self, count: int) -> str:
        return ", ".join([self._mark] * count)

    def _column(self, table: TableInfo, ordinal: int) -> str:
        return self._name(table.columns[ordinal].physical)

    def _name(self, physical: str) -> str:
        return self._quote(check_physical(physical))
