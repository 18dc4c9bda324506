"""Excel workbooks: one table per sheet; a sheet of a single column is text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from hetarag.ingest.cleaning import clean
from hetarag.ingest.loaders.archives import open_office
from hetarag.ingest.loaders.office import office_properties
from hetarag.ingest.loaders.parsed import Parsed
from hetarag.ingest.tables.cells import Raw, to_text
from hetarag.ingest.tables.tables import build_table
from hetarag.types import Page, Table

_ERRORS = frozenset(
    ["#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"]
)


def parse(data: bytes) -> Parsed:
    """Read the values of every sheet, formulas as the result that was last saved.

    Lines above a sheet's table (a heading, a remark) become text.

    Raises:
        ValueError: the file is damaged or not a workbook.
    """
    from openpyxl import load_workbook

    file = open_office(data)
    try:
        book = load_workbook(file, read_only=True, data_only=True)
        sheets = [(sheet.title, _rows(sheet)) for sheet in book.worksheets]
        properties = office_properties(book.properties)
    except Exception as error:  # the parser raises whatever it stumbles over
        raise ValueError(f"the file is damaged ({error}); save it again in its program") from error
    builder = _Builder()
    for number, (title, rows) in enumerate(sheets, 1):
        builder.sheet(number, title, rows)
    return Parsed(
        builder.text,
        properties.title,
        tuple(builder.pages),
        tuple(builder.tables),
        properties.metadata,
        tuple(builder.warnings),
    )


class _Builder:
    """Collects the text and tables of one workbook."""

    def __init__(self) -> None:
        self.text = ""
        self.pages: list[Page] = []
        self.tables: list[Table] = []
        self.warnings: list[str] = []

    def sheet(self, number: int, title: str, rows: list[list[Raw]]) -> None:
        """Take in one sheet."""
        remarks, rows = _remarks(rows)
        if max(map(len, rows), default=0) < 2:
            remarks, rows = remarks + rows, []
        self._page(number, clean("\n\n".join(to_text(c) for row in remarks for c in row if c)))
        if built := build_table(title, rows):
            self.tables.append(built.table)
            self.warnings.extend(built.warnings)

    def _page(self, number: int, text: str) -> None:
        if text:
            start = len(self.text) + 2 if self.text else 0
            self.text = f"{self.text}\n\n{text}" if self.text else text
            self.pages.append(Page(number, start, len(self.text)))


def _rows(sheet: Any) -> list[list[Raw]]:
    """Return the rows that hold something, without the empty columns at the left."""
    sheet.reset_dimensions()  # some programs write a wrong size
    rows = [row for row in map(_row, sheet.iter_rows(values_only=True)) if row]
    left = min((next(i for i, c in enumerate(row) if c is not None) for row in rows), default=0)
    return [row[left:] for row in rows]


def _row(values: Iterable[object]) -> list[Raw]:
    cells = [_cell(value) for value in values]
    while cells and cells[-1] is None:
        cells.pop()
    return cells


def _cell(value: Any) -> Raw:
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, str):
        return None if not value.strip() or value in _ERRORS else value
    return value  # type: ignore[no-any-return]  # openpyxl gives numbers, truth values and dates


def _remarks(rows: Sequence[list[Raw]]) -> tuple[list[list[Raw]], list[list[Raw]]]:
    """Split off the lines above the table: those with one cell where the table has three or more."""
    width = max(map(len, rows), default=0)
    count = 0
    while width >= 3 and count < len(rows) and len(rows[count]) == 1:
        count += 1
    return list(rows[:count]), list(rows[count:])
