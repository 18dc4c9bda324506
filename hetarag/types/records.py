"""What is written to stores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hetarag.types.common import Cell, ColumnType, EvidenceKind, Vector
from hetarag.types.documents import Mention, Relation


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A column of a table in the SQL store: the user's name beside the generated one."""

    name: str
    physical: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table version in the catalogue; `physical` is its generated name in the SQL store."""

    number: int
    id: str
    document_id: str
    collection: str
    tags: tuple[str, ...]
    title: str
    name: str
    physical: str
    columns: tuple[ColumnInfo, ...]
    row_count: int


@dataclass(frozen=True, slots=True)
class Record:
    """One piece of evidence as a store gets it, everything that any store may index included.

    `digest` covers all that is written, so that equal digests mean that nothing is to be done.
    What a store `takes` beside title and text is set for it: `vector`; `mentions` and `relations`; `table`
    and `rows`. The SQL store alone keeps rows once it has them: `rows` None are those that it has, under
    another digest.
    """

    id: str
    kind: EvidenceKind
    document_id: str
    collection: str
    tags: tuple[str, ...]
    title: str
    text: str
    digest: str
    vector: Vector | None = None
    mentions: tuple[Mention, ...] = ()
    relations: tuple[Relation, ...] = ()
    table: TableInfo | None = None
    rows: Iterable[tuple[Cell, ...]] | None = ()
