"""Tables, rows and query results as text: what a reader is shown and what is embedded.

Pure functions over the nouns, so that ledger, stores and plane write evidence in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from hetarag.types import Cell, QueryResult, TableInfo

COMPUTED_BY = "\nComputed by: "
"""What stands between a computed answer and the statement behind it."""

_SAMPLE_ROWS = 3
_SHOWN_COLUMNS = 40
_CELL_LENGTH = 500


def render_cell(cell: Cell) -> str:
    """Return one cell as text: whole numbers without a fraction, dates in ISO form, None empty."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return " ".join(str(cell).split())


def render_row(table: TableInfo, cells: Sequence[Cell]) -> str:
    """Return a row as a sentence: "title — table: column is value; …", empty cells left out."""
    parts = [
        f"{_line(column.name)} is {_shorten(render_cell(cell))}"
        for column, cell in zip(table.columns, cells, strict=False)
        if render_cell(cell)
    ]
    return f"{table_label(table)}: {'; '.join(parts) or 'an empty row'}."


def render_table(table: TableInfo, sample: Sequence[Sequence[Cell]] = ()) -> str:
    """Return a table's schema and a few of its rows."""
    shown = table.columns[:_SHOWN_COLUMNS]
    columns = ", ".join(f"{_line(column.name)} ({column.type})" for column in shown)
    if len(table.columns) > len(shown):
        columns += f" and {len(table.columns) - len(shown)} more"
    rows = "1 row" if table.row_count == 1 else f"{table.row_count:,} rows"
    lines = [f"{table_label(table)}: a table of {rows} with the columns {columns}."]
    if sample:
        lines.append(" | ".join(_line(column.name) for column in shown))
        lines += [
            " | ".join(_shorten(render_cell(cell)) for cell in row[: len(shown)])
            for row in sample[:_SAMPLE_ROWS]
        ]
    return "\n".join(lines)


def render_result(result: QueryResult) -> str:
    """Return a query result: a single value as "name: value", else a small table; then the SQL."""
    if len(result.rows) == 1 and len(result.columns) == 1:
        answer = f"{_line(result.columns[0])}: {render_cell(result.rows[0][0]) or 'none'}"
    elif not result.rows:
        answer = f"{' | '.join(map(_line, result.columns))}\n(no rows)"
    else:
        lines = [" | ".join(map(_line, result.columns))]
        lines += [" | ".join(_shorten(render_cell(cell)) for cell in row) for row in result.rows]
        answer = "\n".join(lines)
    return f"{answer}{COMPUTED_BY}{result.statement}"


def table_label(table: TableInfo) -> str:
    """Return how a table is called in evidence: its document's title and its own name."""
    title, name = _line(table.title), _line(table.name)
    if not title or not name or title.casefold() == name.casefold():
        return title or name or "table"
    return f"{title} — {name}"


def _line(text: str) -> str:
    return _shorten(" ".join(text.split()), 200)


def _shorten(text: str, length: int = _CELL_LENGTH) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
