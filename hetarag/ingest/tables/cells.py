"""The type of a column, found from all of its cells; doubt leaves it text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from typing import NamedTuple

from hetarag.types import Cell, ColumnType

_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_REAL = re.compile(r"-?(?:0|[1-9]\d*)?\.\d+(?:[eE][+-]?\d+)?|-?(?:0|[1-9]\d*)(?:[eE][+-]\d+)?")
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(?:,\d{3})+(\.\d+)?")
_DECIMAL_COMMA = re.compile(r"-?(?:0|[1-9]\d*|[1-9]\d{0,2}(?:\.\d{3})+),\d+")
_PERCENT = re.compile(r"(-?(?:0|[1-9]\d*)(?:\.\d+)?) ?%")
_ISO_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_DOTTED_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_WORDED_DATE = re.compile(
    r"(\d{1,2})\.? ([A-Za-z]{3,9})\.?,? (\d{4})|([A-Za-z]{3,9})\.? (\d{1,2}), (\d{4})"
)
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_TRUTH = {"true": True, "false": False, "yes": True, "no": False}
_MISSING = frozenset(["", "na", "n/a", "n.a.", "nan", "null", "none", "-", "–", "—"])
_LARGEST = 2**63


class TypedColumn(NamedTuple):
    """A column after typing; `percent` tells that the cells were percentages."""

    type: ColumnType
    cells: list[Cell]
    percent: bool = False


class _Parser(NamedTuple):
    type: ColumnType
    parse: Callable[[str], Cell]
    percent: bool = False


Raw = str | int | float | bool | date | datetime | time | None


def type_column(raw: Sequence[Raw], decimal_comma: bool = False) -> TypedColumn:
    """Give a column the narrowest type that holds every one of its non-empty cells.

    Numbers with leading zeros (codes) and with more than 18 digits stay text, as do dates whose
    day and month could be exchanged. Markers such as "n/a" are empty cells, but only in columns
    that are otherwise typed. `decimal_comma` reads 1.234,5 as a number.
    """
    native = _native([value for value in raw if value is not None and value != ""])
    if native is not None:
        return TypedColumn(native, [_to_native(value, native) for value in raw])
    texts = [to_text(value) for value in raw]
    for kind, parse, percent in _parsers(decimal_comma):
        cells = _parse_all(texts, parse)
        if cells is not None:
            return TypedColumn(kind, cells, percent)
    return TypedColumn("text", [text or None for text in texts])


def is_typed(value: Raw) -> bool:
    """Tell whether a single cell is a number, truth value or date rather than a name."""
    return value is not None and type_column([value]).type != "text"


def to_text(value: Raw) -> str:
    """Return a cell as text; empty for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.date().isoformat() if _midnight(value) else value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value).strip()


def _native(values: Sequence[Raw]) -> ColumnType | None:
    """Return the type of cells that came typed from a spreadsheet, None if they are not of one."""
    kinds = {type(value) for value in values}
    if not kinds or not kinds <= {bool, int, float, date, datetime}:
        return None
    if kinds == {bool}:
        return "boolean"
    if kinds <= {int, float}:
        fits = all(not isinstance(v, int) or -_LARGEST <= v < _LARGEST for v in values)
        return None if not fits else "integer" if kinds == {int} else "real"
    if kinds <= {date, datetime}:
        return "date" if all(_midnight(v) for v in values) else "datetime"
    return None


def _midnight(value: Raw) -> bool:
    return not isinstance(value, datetime) or (value.time() == time() and value.tzinfo is None)


def _to_native(value: Raw, kind: ColumnType) -> Cell:
    if value is None or value == "":
        return None
    if kind == "real" and isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    if kind == "date" and isinstance(value, datetime):
        return value.date()
    if kind == "datetime" and isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return None if isinstance(value, time) else value


def _parsers(decimal_comma: bool) -> list[_Parser]:
    number = [_Parser("real", _decimal_comma)] if decimal_comma else []
    return [
        _Parser("integer", _integer),
        _Parser("real", _real),
        *number,
        _Parser("real", _percent, percent=True),
        _Parser("boolean", lambda text: _TRUTH.get(text.lower())),
        _Parser("date", _date),
        _Parser("datetime", _datetime),
    ]


def _parse_all(texts: Sequence[str], parse: Callable[[str], Cell]) -> list[Cell] | None:
    """Parse every cell, or return None as soon as one does not fit or when all are empty."""
    cells: list[Cell] = []
    seen = False
    for text in texts:
        cell = parse(text) if text else None
        if cell is None and text and text.lower() not in _MISSING:
            return None
        seen = seen or cell is not None
        cells.append(cell)
    return cells if seen else None


def _integer(text: str) -> Cell:
    if _INTEGER.fullmatch(text):
        return int(text)
    found = _THOUSANDS.fullmatch(text)
    return int(text.replace(",", "")) if found and not found.group(1) and len(text) < 20 else None


def _real(text: str) -> Cell:
    if _REAL.fullmatch(text) or _THOUSANDS.fullmatch(text):
        value = float(text.replace(",", ""))
        digits = sum(c.isdigit() for c in text)
        return value if math.isfinite(value) and digits <= 18 else None
    return None


def _decimal_comma(text: str) -> Cell:
    if _INTEGER.fullmatch(text):
        return float(text)
    if _DECIMAL_COMMA.fullmatch(text):
        return float(text.replace(".", "").replace(",", "."))
    return None


def _percent(text: str) -> Cell:
    found = _PERCENT.fullmatch(text)
    return float(found.group(1)) if found else None


def _date(text: str) -> Cell:
    if found := _ISO_DATE.fullmatch(text):
        year, month, day = map(int, found.groups())
    elif found := _DOTTED_DATE.fullmatch(text):
        day, month, year = map(int, found.groups())
    elif found := _WORDED_DATE.fullmatch(text):
        d1, m1, y1, m2, d2, y2 = found.groups()
        day, year, month = int(d1 or d2), int(y1 or y2), _month(m1 or m2)
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(name: str) -> int:
    name = name.lower()
    if name in _MONTH_NAMES or name in (*_MONTHS, "sept"):
        return _MONTHS.index(name[:3]) + 1
    return 0


def _datetime(text: str) -> Cell:
    if not _ISO_TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
