"""Writing a user's table: rows, the names of its cells, what does not fit, and its registry line.

The order makes it safe to be killed anywhere. Where DDL belongs to the transaction (SQLite,
PostgreSQL) all of it is one; elsewhere the registry line with an empty digest is there before the
table and gets its digest last, so that what is half done is seen and overwritten or dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa

from hetarag.errors import StoreError
from hetarag.stores.sql.cells import CellNames, fits, pack
from hetarag.stores.sql.schema import (
    ROW,
    cells,
    check_physical,
    misfits,
    tables,
)
from hetarag.stores.sql.statement_text import TableText
from hetarag.types import Cell, Record, TableInfo

_CELLS_AT_ONCE = 20_000
_LINES_AT_ONCE = 5_000


def remove(connection: sa.Connection, ids: Sequence[str]) -> None:
    """Drop the tables of these records with everything that belongs to them."""
    text = TableText.of(connection.dialect)
    known = connection.execute(
        sa.select(tables.c.record_id, tables.c.table_number, tables.c.physical).where(
            tables.c.record_id.in_(ids)
        )
    ).all()
    for record_id, number, physical in known:
        # The digest goes first: where DDL commits by itself, no dropped table keeps one.
        connection.execute(
            sa.update(tables).where(tables.c.record_id == record_id).values(digest="")
        )
        connection.exec_driver_sql(text.drop(physical))
        forget(connection, [number])
        connection.execute(sa.delete(tables).where(tables.c.record_id == record_id))


def keep(connection: sa.Connection, record: Record, table: TableInfo) -> None:
    """Put a record over the one that is there with the same rows.

    Raises:
        StoreError: the rows are not there, and nobody else has them.
    """
    there = connection.scalar(
        sa.select(tables.c.row_count).where(
            tables.c.record_id == record.id,
            tables.c.table_number == table.number,
            tables.c.digest != "",
        )
    )
    if there != table.row_count:
        raise StoreError(
            "sql",
            f"the rows of table {table.name!r} are gone from this store, which alone had them: "
            "delete its document and ingest it again",
        )
    connection.execute(
        sa.update(tables).where(tables.c.record_id == record.id).values(digest=record.digest)
    )


def load_tables(connection: sa.Connection, new: Sequence[tuple[Record, TableInfo]]) -> None:
    """Create and fill the physical tables of records that are not there, nor their cells' names."""
    connection.execute(
        sa.insert(tables),
        [
            {
                "record_id": record.id,
                "digest": "",
                "table_number": table.number,
                "physical": check_physical(table.physical),
                "row_count": 0,
            }
            for record, table in new
        ],
    )
    text = TableText.of(connection.dialect)
    whole = []
    with CellLines(connection) as lines:
        for record, table in new:
            connection.exec_driver_sql(text.drop(table.physical))
            connection.exec_driver_sql(text.create(table))
            count = fill(connection, table, record.rows or (), lines)
            whole.append({"id": record.id, "digest": record.digest, "row_count": count})
    connection.execute(_WHOLE, whole)


_WHOLE = sa.update(tables).where(tables.c.record_id == sa.bindparam("id"))
"""The digests and row counts of tables that are whole."""


def forget(connection: sa.Connection, numbers: Sequence[int]) -> None:
    """Remove what the store's own tables hold of the rows of these tables."""
    for owned in (cells, misfits):
        connection.execute(sa.delete(owned).where(owned.c.table_number.in_(numbers)))


class CellLines:
    """Lines of the cell index, written some thousands at once."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._lines: list[dict[str, Any]] = []

    def __enter__(self) -> CellLines:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._write()

    def take(self, number: int, collected: CellNames) -> None:
        """Take over what was collected of the table of this number."""
        for named in collected.take():
            self._lines.append(
                {
                    "name": named.name,
                    "table_number": number,
                    "ordinal": named.ordinal,
                    ROW: named.row,
                    "occurrences": named.occurrences,
                    "value": named.value,
                }
            )
            if len(self._lines) == _LINES_AT_ONCE:
                self._write()

    def _write(self) -> None:
        if self._lines:
            self._connection.execute(sa.insert(cells), self._lines)
            self._lines = []


def fill(
    connection: sa.Connection,
    table: TableInfo,
    rows: Iterable[tuple[Cell, ...]],
    lines: CellLines,
) -> int:
    """Write rows, their cells' names and what does not fit; return how many rows there were."""
    text = TableText.of(connection.dialect)
    insert = text.insert(table)
    size = max(1, min(1_000, _CELLS_AT_ONCE // (len(table.columns) + 1)))
    numbered = enumerate(rows, start=1)
    collected = CellNames()
    count = 0
    while batch := list(islice(numbered, size)):
        count = batch[-1][0]
        odd: list[dict[str, Any]] = []
        fitting = [_line(table, number, row, collected, odd) for number, row in batch]
        connection.exec_driver_sql(insert, text.values(table, fitting))
        if odd:
            connection.execute(sa.insert(misfits), odd)
        if collected.full:
            lines.take(table.number, collected)
    lines.take(table.number, collected)
    return count


def _line(
    table: TableInfo,
    number: int,
    row: tuple[Cell, ...],
    collected: CellNames,
    odd: list[dict[str, Any]],
) -> list[Cell]:
    if len(row) != len(table.columns):
        raise StoreError(
            "sql",
            f"row {number} of table {table.name!r} has {len(row)} cells for "
            f"{len(table.columns)} columns; ingest its document again",
        )
    line: list[Cell] = [number]
    for ordinal, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
        if fits(cell, column.type):
            line.append(cell)
            collected.add(number, ordinal, cell)
        else:
            line.append(None)
            odd.append(
                {
                    "table_number": table.number,
                    ROW: number,
                    "ordinal": ordinal,
                    "value": pack(cell),
                }
            )
    return line
