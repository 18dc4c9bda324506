"""What several kinds of nouns share: kinds of stores and evidence, cells, vectors; plain data for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import PurePath
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

StoreKind = str
"""What a store indexes: "vector", "fulltext", "graph", "sql", or a kind that another package brings."""
STORE_KINDS: tuple[StoreKind, ...] = ("vector", "fulltext", "graph", "sql")
"""The kinds that hetarag itself has engines for; each is also the name of the store that is there by default."""

EvidenceKind = Literal["chunk", "row", "table", "relation", "query"]
RecordPart = Literal["vector", "names", "table"]
"""What a store wants of a record beside title and text: its vector; its mentions and relations; a table's rows."""
ColumnType = Literal["integer", "real", "boolean", "date", "datetime", "text"]
Cell = int | float | bool | str | date | datetime | None
MetadataValue = str | int | float | bool
Vector = npt.NDArray[np.float32]


def first_of_kind(kinds: Mapping[str, StoreKind], kind: StoreKind) -> str | None:
    """Return the store that stands for its kind where one is needed: called like it, else the first one."""
    if kinds.get(kind) == kind:
        return kind
    return next((name for name, own in kinds.items() if own == kind), None)


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


AcceptedKinds = Mapping[str, frozenset[EvidenceKind]]
"""The stores of a knowledge base by name, and the kinds of evidence that each takes."""
