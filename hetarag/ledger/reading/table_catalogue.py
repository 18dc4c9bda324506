"""The catalogue of users' tables: which are live, and under which names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from threading import Lock

from sqlalchemy import Connection, Select, bindparam, select

from hetarag.ids import row_id
from hetarag.ledger.schema import documents, tables, tags, versions
from hetarag.ledger.session import Ledger, batched
from hetarag.protocols import TableCatalogue
from hetarag.types import ColumnInfo, Filter, TableInfo


class Catalogue(TableCatalogue):
    """Live tables, read again only when the ledger has changed."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = Lock()
        self._stamp: str | None = None
        self._live: dict[int, TableInfo] = {}

    def visible(self, restriction: Filter) -> Sequence[TableInfo]:
        """Return the live tables that `restriction` admits."""
        return [
            table
            for table in self._current().values()
            if restriction.admits(table.collection, table.document_id, table.tags)
        ]

    def by_number(self, numbers: Collection[int]) -> Mapping[int, TableInfo]:
        """Return the live table versions with these numbers."""
        live = self._current()
        return {number: live[number] for number in numbers if number in live}

    def _current(self) -> dict[int, TableInfo]:
        with self._lock:
            stamp = self._ledger.stamp()
            if stamp != self._stamp:
                with self._ledger.reading() as connection:
                    live = read_tables(connection, documents.c.live == tables.c.generation)
                self._live = {table.number: table for table in live}
                self._stamp = stamp
            return self._live


def read_tables(connection: Connection, *conditions: object) -> list[TableInfo]:
    """Return the table versions that meet these conditions, live or not, by their number."""
    statement: Select[tuple[object, ...]] = (
        select(
            tables.c.number,
            tables.c.name,
            tables.c.physical,
            tables.c.columns,
            tables.c.row_count,
            versions.c.title,
            documents.c.id,
            documents.c.collection,
        )
        .join(versions, versions.c.generation == tables.c.generation)
        .join(documents, documents.c.id == versions.c.document_id)
        .order_by(tables.c.number)
    )
    rows = connection.execute(statement.where(*conditions)).all()  # type: ignore[arg-type]
    names = read_tags(connection, {row.id for row in rows})
    return [
        TableInfo(
            number=row.number,
            id=row_id(row.number, 0),
            document_id=row.id,
            collection=row.collection,
            tags=names.get(row.id, ()),
            title=row.title,
            name=row.name,
            physical=row.physical,
            columns=tuple(ColumnInfo(**column) for column in row.columns),
            row_count=row.row_count,
        )
        for row in rows
    ]


_TAGS = select(tags.c.document_id, tags.c.tag).where(
    tags.c.document_id.in_(bindparam("some", expanding=True))
)


def read_tags(connection: Connection, ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the tags of these documents, sorted; documents without tags are left out."""
    found: dict[str, list[str]] = {}
    for part in batched(sorted(ids)):
        for document, tag in connection.execute(_TAGS, {"some": part}).all():
            found.setdefault(document, []).append(tag)
    return {document: tuple(sorted(names)) for document, names in found.items()}
