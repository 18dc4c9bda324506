"""Rows of cells become a typed table: header, column names, equal widths, column types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from hetarag.ingest.cleaning import clean, numbered, one_line
from hetarag.ingest.tables.cells import Raw, is_typed, to_text, type_column
from hetarag.types import Column, Table

_MAX_NAME = 200


class BuiltTable(NamedTuple):
    """A table, and what the user should know about how it was read."""

    table: Table
    warnings: tuple[str, ...]


def build_table(
    name: str,
    rows: Iterable[Sequence[Raw]],
    *,
    header: bool | None = None,
    decimal_comma: bool = False,
) -> BuiltTable | None:
    """Make a typed table of `rows`; None when every cell is empty.

    `header` tells whether the first row names the columns; None looks at the cells. Short rows
    are filled with empty cells; longer ones extend the table by columns: no cell is lost.
    """
    kept = [row for row in (_row(row) for row in rows) if row]
    if not kept:
        return None
    warnings: list[str] = []
    if header is None:
        header = has_header(kept)
    first = kept.pop(0) if header else []
    width = max([len(first), *map(len, kept)])
    if header and not kept:
        warnings.append(f"{_label(name)} has column names but no rows")
    warnings += _ragged(name, len(first) or width, kept, offset=2 if header else 1)
    names = unique_names([to_text(cell) for cell in first], width)
    return BuiltTable(_typed(name, names, kept, decimal_comma), tuple(warnings))


def _typed(
    name: str, names: Sequence[str], rows: Sequence[Sequence[Raw]], decimal_comma: bool
) -> Table:
    columns, cells = [], []
    for index, column_name in enumerate(names):
        raw = [row[index] if index < len(row) else None for row in rows]
        typed = type_column(raw, decimal_comma)
        percent = typed.percent and "%" not in column_name
        columns.append(Column(f"{column_name} (%)" if percent else column_name, typed.type))
        cells.append(typed.cells)
    return Table(name, tuple(columns), list(zip(*cells, strict=True)))


def has_header(rows: Sequence[Sequence[Raw]]) -> bool:
    """Judge whether the first row names the columns.

    It does when it holds words only, or words and distinct years, and its words are not values
    that come again below.
    """
    first = rows[0]
    filled = [cell for cell in first if to_text(cell)]
    width = max(len(row) for row in rows[:50])
    if len(filled) * 2 < width:
        return False
    typed = [to_text(cell) for cell in filled if is_typed(cell)]
    if typed and not (
        len(typed) < len(filled)
        and len(set(typed)) == len(typed)
        and all(len(text) == 4 and text.isdigit() and "1000" <= text <= "2999" for text in typed)
    ):
        return False
    repeated = 0
    for index, cell in enumerate(first):
        below = {to_text(row[index]) for row in rows[1:200] if index < len(row)}
        repeated += bool(to_text(cell)) and to_text(cell) in below
    return repeated * 2 < len(filled)


def unique_names(names: Sequence[str], width: int) -> list[str]:
    """Return `width` different, non-empty names: "name", "name_2", "column_3"."""
    found: list[str] = []
    taken = {one_line(name).casefold() for name in names}
    used: set[str] = set()
    for number in range(1, width + 1):
        given = one_line(names[number - 1])[:_MAX_NAME] if number <= len(names) else ""
        base = given or f"column_{number}"
        name, count = base, 1
        while name.casefold() in used or (name != given and name.casefold() in taken):
            count += 1
            name = f"{base}_{count}"
        used.add(name.casefold())
        found.append(name)
    return found


def unique_tables(tables: Sequence[Table], title: str) -> tuple[Table, ...]:
    """Return the tables of one document with different names; nameless ones get the title's."""
    names = unique_names([table.name or title for table in tables], len(tables))
    return tuple(replace(table, name=name) for table, name in zip(tables, names, strict=True))


def _row(row: Sequence[Raw]) -> list[Raw]:
    """Clean the texts of a row and drop the empty cells at its end."""
    cells = [_tidy(cell) if isinstance(cell, str) else cell for cell in row]
    while cells and (cells[-1] is None or cells[-1] == ""):
        cells.pop()
    return cells


def _tidy(cell: str) -> str:
    return cell.strip() if cell.isprintable() else clean(cell)  # the first is much faster


def _label(name: str) -> str:
    return f"table {name!r}" if name else "the table"


def _ragged(name: str, width: int, rows: Sequence[Sequence[Raw]], offset: int) -> list[str]:
    wrong = [number for number, row in enumerate(rows, offset) if len(row) > width]
    if not wrong:
        return []
    return [
        f"{_label(name)}: {numbered('row', wrong)}: more cells than the {width} columns of its head; "
        "columns were added for them"
    ]
