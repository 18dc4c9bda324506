"""Writing a user's table: rows, the names of its cells, what does not fit, and its registry line.

The order makes it safe to be killed anywhere. Where DDL belongs to the transaction (SQLite,
PostgreSQL) all of it is one; elsewhere the registry line with an empty digest is there before the
table and gets its digest last, so that what is half done is seen and overwritten or dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa

from hetarag.errors import StoreError
from hetarag.stores.sql_cells import CellNames, fits, pack
from hetarag.stores.sql_schema import (
    ROW,
    cells,
    check_physical,
    drop_physical,
    misfits,
    physical_table,
    tables,
)
from hetarag.types import Cell, Record, TableInfo

_CELLS_AT_ONCE = 20_000


def remove(connection: sa.Connection, ids: Sequence[str]) -> None:
    """Drop the tables of these records with everything that belongs to them."""
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
        drop_physical(connection, physical)
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


def load(
    connection: sa.Connection, record: Record, table: TableInfo, rows: Iterable[tuple[Cell, ...]]
) -> None:
    """Create and fill the physical table of a record that is not there, nor its cells' names."""
    physical = physical_table(table)
    connection.execute(
        sa.insert(tables).values(
            record_id=record.id,
            digest="",
            table_number=table.number,
            physical=check_physical(table.physical),
            row_count=0,
        )
    )
    drop_physical(connection, table.physical)
    physical.create(connection)
    count = fill(connection, physical, table, rows)
    connection.execute(
        sa.update(tables)
        .where(tables.c.record_id == record.id)
        .values(digest=record.digest, row_count=count)
    )


def forget(connection: sa.Connection, numbers: Sequence[int]) -> None:
    """Remove what the store's own tables hold of the rows of these tables."""
    for owned in (cells, misfits):
        connection.execute(sa.delete(owned).where(owned.c.table_number.in_(numbers)))


def fill(
    connection: sa.Connection,
    physical: sa.Table,
    table: TableInfo,
    rows: Iterable[tuple[Cell, ...]],
) -> int:
    """Write rows, their cells' names and what does not fit; return how many rows there were."""
    size = max(1, min(1_000, _CELLS_AT_ONCE // (len(table.columns) + 1)))
    numbered = enumerate(rows, start=1)
    collected = CellNames()
    count = 0
    while batch := list(islice(numbered, size)):
        count = batch[-1][0]
        odd: list[dict[str, Any]] = []
        lines = [_line(table, number, row, collected, odd) for number, row in batch]
        connection.execute(sa.insert(physical), lines)
        if odd:
            connection.execute(sa.insert(misfits), odd)
        if collected.full:
            _write_names(connection, table.number, collected)
    _write_names(connection, table.number, collected)
    return count


def _line(
    table: TableInfo,
    number: int,
    row: tuple[Cell, ...],
    collected: CellNames,
    odd: list[dict[str, Any]],
) -> dict[str, Cell]:
    if len(row) != len(table.columns):
        raise StoreError(
            "sql",
            f"row {number} of table {table.name!r} has {len(row)} cells for "
            f"{len(table.columns)} columns; ingest its document again",
        )
    line: dict[str, Cell] = {ROW: number}
    for ordinal, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
        if fits(cell, column.type):
            line[column.physical] = cell
            collected.add(number, ordinal, cell)
        else:
            line[column.physical] = None
            odd.append(
                {
                    "table_number": table.number,
                    ROW: number,
                    "ordinal": ordinal,
                    "value": pack(cell),
                }
            )
    return line


def _write_names(connection: sa.Connection, number: int, collected: CellNames) -> None:
    lines = (
        {
            "name": named.name,
            "table_number": number,
            "ordinal": named.ordinal,
            ROW: named.row,
            "occurrences": named.occurrences,
            "value": named.value,
        }
        for named in collected.take()
    )
    for batch in _portions(lines):
        connection.execute(sa.insert(cells), batch)


def _portions(lines: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(lines, 5_000)):
        yield batch
