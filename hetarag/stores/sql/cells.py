"""Cells on their way into the database and back, and the names under which they are found."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import NamedTuple

from hetarag.errors import StoreError
from hetarag.stores.sql.schema import KEY_LENGTH
from hetarag.text import STOP_WORDS, name_key
from hetarag.types import Cell, ColumnType

NAME_LENGTH = 80
YEARS = range(1000, 3000)
_PORTION = 50_000  # distinct values held in memory before they are written
_EXACT = 2**53
_BEYOND_UTF8 = re.compile("[\x00\ud800-\udfff]")
_BRACKETS = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)


def fits(cell: Cell, kind: ColumnType) -> bool:
    """Tell whether a column of this type gives `cell` back as it is."""
    return cell is None or _FITS[kind](cell)


_FITS: dict[ColumnType, Callable[[Cell], bool]] = {
    "integer": lambda c: type(c) is int and -(2**63) <= c < 2**63,
    "real": lambda c: (
        (type(c) is float and math.isfinite(c)) or (type(c) is int and abs(c) <= _EXACT)
    ),
    "boolean": lambda c: type(c) is bool,
    "date": lambda c: type(c) is date,
    "datetime": lambda c: type(c) is datetime and c.tzinfo is None,
    "text": lambda c: type(c) is str and not _BEYOND_UTF8.search(c),
}


def pack(cell: Cell) -> str:
    """Return a cell as JSON with its type, in ASCII."""
    if isinstance(cell, datetime):
        return json.dumps({"datetime": cell.isoformat()})
    if isinstance(cell, date):
        return json.dumps({"date": cell.isoformat()})
    return json.dumps(cell)


def unpack(text: str) -> Cell:
    """Return the cell that `pack` wrote."""
    value = json.loads(text)
    if isinstance(value, dict):
        if "datetime" in value:
            return datetime.fromisoformat(value["datetime"])
        return date.fromisoformat(value["date"])
    if value is not None and not isinstance(value, bool | int | float | str):
        raise StoreError("sql", "a kept cell is damaged; run `hetarag repair`")
    return value


def names(cell: Cell) -> list[str]:
    """Return the normalised names a question may call this cell by; none for most numbers."""
    if isinstance(cell, bool) or cell is None:
        return []
    if isinstance(cell, int | float):
        return [str(int(cell))] if cell in YEARS else []
    if isinstance(cell, date):  # a datetime is one too
        month = _MONTHS[cell.month - 1]
        return [
            f"{cell.year:04} {cell.month:02} {cell.day:02}",
            f"{cell.day} {month} {cell.year}",
            f"{month} {cell.day} {cell.year}",
        ]
    return _text_names(cell) if len(cell) <= NAME_LENGTH else []


def _text_names(cell: str) -> list[str]:
    whole = name_key(cell)[:KEY_LENGTH]
    bare = name_key(_BRACKETS.sub(" ", cell))[:KEY_LENGTH]
    return [key for key in dict.fromkeys((whole, bare)) if key and key not in STOP_WORDS]


class NamedCell(NamedTuple):
    """A line of the cell index."""

    name: str
    ordinal: int
    row: int
    occurrences: int
    value: str


class CellNames:
    """Collects the distinct values of a table's columns, a bounded number of them at a time."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, Cell], list[int]] = {}

    def add(self, row: int, ordinal: int, cell: Cell) -> None:
        """Take in one cell; the same value in a column again only counts."""
        if cell is None or isinstance(cell, bool):
            return
        if isinstance(cell, str):
            if len(cell) > NAME_LENGTH:
                return
        elif isinstance(cell, int | float) and cell not in YEARS:
            return
        known = self._seen.setdefault((ordinal, cell), [row, 0])
        known[1] += 1

    @property
    def full(self) -> bool:
        """Whether it is time to `take` what has been collected."""
        return len(self._seen) >= _PORTION

    def take(self) -> Iterator[NamedCell]:
        """Yield what has been collected and forget it."""
        seen, self._seen = self._seen, {}
        for (ordinal, cell), (row, occurrences) in seen.items():
            for name in names(cell):
                yield NamedCell(name, ordinal, row, occurrences, pack(cell))
