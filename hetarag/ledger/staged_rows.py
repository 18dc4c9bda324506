"""Rows of tables in the ledger, packed, on their way to the SQL store."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from hetarag.types import Cell

STAGED_ROWS = 1_000


def pack_rows(rows: Sequence[tuple[Cell, ...]]) -> bytes:
    """Pack rows on their way to the SQL store, types kept."""
    plain = [[_tagged(cell) for cell in row] for row in rows]
    return zlib.compress(json.dumps(plain, ensure_ascii=False).encode("utf-8", "surrogatepass"), 1)


def unpack_rows(data: bytes) -> list[tuple[Cell, ...]]:
    """Return what `pack_rows` packed."""
    rows = json.loads(zlib.decompress(data).decode("utf-8", "surrogatepass"))
    return [tuple(_untagged(cell) for cell in row) for row in rows]


def _tagged(cell: Cell) -> Any:
    if isinstance(cell, datetime):
        return {"t": cell.isoformat()}
    if isinstance(cell, date):
        return {"d": cell.isoformat()}
    return cell


def _untagged(cell: Any) -> Cell:
    if isinstance(cell, dict):
        return datetime.fromisoformat(cell["t"]) if "t" in cell else date.fromisoformat(cell["d"])
    value: Cell = cell
    return value
