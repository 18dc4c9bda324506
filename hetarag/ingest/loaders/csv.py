"""Comma-separated values and their kin: one table, no text."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from itertools import islice

from hetarag.ingest.cleaning import numbered
from hetarag.ingest.loaders.encoding import decode
from hetarag.ingest.loaders.parsed import Parsed
from hetarag.ingest.tables.tables import build_table

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 200
_SAMPLE = 200_000


def parse(data: bytes) -> Parsed:
    """Read one table; its delimiter, encoding, header and column types are found from the data."""
    text, warning = decode(data)
    text, delimiter = _declared_delimiter(text)
    delimiter = delimiter or sniff_delimiter(text)
    csv.field_size_limit(max(csv.field_size_limit(), min(sys.maxsize, 2**31 - 1)))
    reader = csv.reader(_lines(text), delimiter=delimiter)
    rows = [[cell.replace("\0", "") for cell in row] for row in reader if row]
    built = build_table("", rows, decimal_comma=delimiter == ";")
    if built is None:
        return Parsed("", warnings=(warning,) if warning else ())
    warnings = [warning, *built.warnings, _short(rows), _open_quote(rows)]
    return Parsed("", tables=(built.table,), warnings=tuple(w for w in warnings if w))


def sniff_delimiter(text: str) -> str:
    """Return the delimiter that cuts the first lines most evenly; a comma when none does."""
    best, best_score = ",", (0.0, 0)
    sample = text[:_SAMPLE]
    if len(text) > _SAMPLE and "\n" in sample:  # leave out the line that was cut
        sample = sample[: sample.rindex("\n")]
    for delimiter in _DELIMITERS:
        counts = _widths(sample, delimiter)
        width, lines = Counter(counts).most_common(1)[0] if counts else (0, 0)
        if width < 2:
            continue
        evenness = lines / len(counts) - (counts[0] != width) * 0.3
        if (round(evenness, 1), width) > best_score:
            best, best_score = delimiter, (round(evenness, 1), width)
    return best


def _widths(sample: str, delimiter: str) -> list[int]:
    reader = csv.reader(_lines(sample), delimiter=delimiter)
    try:
        return [len(row) for row in islice(reader, _SAMPLE_ROWS) if any(row)]
    except csv.Error:  # a field longer than the limit: not this delimiter
        return []


def _lines(text: str) -> list[str]:
    """Cut at line feeds only, so that other line separators inside cells are kept."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return [line + "\n" for line in unified.removesuffix("\n").split("\n")]


def _declared_delimiter(text: str) -> tuple[str, str]:
    """Take off the line `sep=;` that Excel writes."""
    if text[:4].lower() == "sep=" and text[5:6] in ("\n", "\r") and text[4] in _DELIMITERS:
        return text[5:].lstrip("\r\n"), text[4]
    return text, ""


def _short(rows: list[list[str]]) -> str:
    width = len(rows[0])
    wrong = [number for number, row in enumerate(rows, 1) if len(row) < width and any(row)]
    if not wrong or len(rows) < 2:
        return ""
    return (
        f"the table: {numbered('row', wrong)}: fewer cells than the {width} columns of its head; the "
        "missing cells are empty"
    )


def _open_quote(rows: list[list[str]]) -> str:
    """Notice a quotation mark that swallowed the rest of the file."""
    last = rows[-1][-1] if rows else ""
    if last.count("\n") < 3 or not last.endswith("\n"):
        return ""
    return (
        f"row {len(rows)} has a quotation mark that is never closed, and took in "
        f"{last.count(chr(10))} lines; close it"
    )
