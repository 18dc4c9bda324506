"""The nouns: plain frozen data that travels between the packages.

Offsets are Unicode code points, `start` inclusive and `end` exclusive, into the extracted text of
the document's version. Vectors are float32 and of unit length.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import PurePath
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

StoreKind = Literal["vector", "fulltext", "graph", "sql"]
STORE_KINDS: tuple[StoreKind, ...] = ("vector", "fulltext", "graph", "sql")

EvidenceKind = Literal["chunk", "row", "table", "relation", "query"]
ACCEPTS: dict[StoreKind, frozenset[EvidenceKind]] = {
    "vector": frozenset({"chunk", "row", "table"}),
    "fulltext": frozenset({"chunk", "row", "table"}),
    "graph": frozenset({"chunk", "row"}),
    "sql": frozenset({"table"}),
}
"""The kinds of evidence that each kind of store takes, known without opening one."""
ColumnType = Literal["integer", "real", "boolean", "date", "datetime", "text"]
Cell = int | float | bool | str | date | datetime | None
MetadataValue = str | int | float | bool
Vector = npt.NDArray[np.float32]


def plain(value: Any) -> Any:
    """Return a noun as dictionaries, lists and scalars that JSON can hold."""
    from dataclasses import fields, is_dataclass

    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    return value


Shelves = Mapping[str, frozenset[EvidenceKind]]
"""The stores of the knowledge base and the kinds of evidence that each takes."""
