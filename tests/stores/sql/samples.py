"""Tables of their own for the SQL tests, a catalogue over them, and a store that holds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hetarag import ids
from hetarag.stores.registry import StoreOptions
from hetarag.stores.sql.sqlalchemy import SqlAlchemyStore
from hetarag.testing.doubles import LiveTables
from hetarag.types import (
    Cell,
    ColumnInfo,
    ColumnType,
    Filter,
    Hit,
    Query,
    QueryResult,
    Record,
    TableInfo,
)
from tests.servers.running import database_server


def table_info(
    number: int,
    name: str,
    columns: Sequence[tuple[str, ColumnType]],
    title: str = "",
    tags: tuple[str, ...] = (),
) -> TableInfo:
    return TableInfo(
        number=number,
        id=ids.row_id(number, 0),
        document_id=f"document-{number}",
        collection="default",
        tags=tags,
        title=title or name,
        name=name,
        physical=f"t_{number}_1",
        columns=tuple(
            ColumnInfo(column, f"c{place:03}", kind)
            for place, (column, kind) in enumerate(columns, start=1)
        ),
        row_count=0,
    )


def record(table: TableInfo, rows: Iterable[tuple[Cell, ...]], digest: str = "d1") -> Record:
    return Record(
        table.id, "table", table.document_id, table.collection, table.tags, table.title, "",
        digest, table=table, rows=rows,
    )  # fmt: skip


SERVER: list[str] = []
"""The name of the server that stores are opened on; empty for the embedded engine."""
_databases: dict[tuple[str, Path], str] = {}


def address_of(folder: Path) -> str:
    """Return where the store of this folder is: a database of its own, on a server."""
    if not SERVER:
        return "embedded"
    key = (SERVER[-1], folder)
    if key not in _databases:
        _databases[key] = database_server(SERVER[-1]).new_database()
    return _databases[key]


def open_store(folder: Path, catalogue: LiveTables | None = None) -> SqlAlchemyStore:
    return SqlAlchemyStore.open(address_of(folder), folder, StoreOptions(catalogue=catalogue))


class Asked:
    """A store with tables in it, asked in words."""

    def __init__(self, folder: Path) -> None:
        self.catalogue = LiveTables()
        self.store = open_store(folder, self.catalogue)

    def add(
        self,
        name: str,
        columns: Sequence[tuple[str, ColumnType]],
        rows: Sequence[tuple[Cell, ...]],
        title: str = "",
        tags: tuple[str, ...] = (),
    ) -> TableInfo:
        table = table_info(len(self.catalogue.tables) + 1, name, columns, title, tags)
        self.store.apply([record(table, rows)])
        self.catalogue.tables.append(table)
        return table

    def hits(self, question: str, k: int = 10, restriction: Filter | None = None) -> list[Hit]:
        query = Query(question, filter=restriction or Filter())
        return list(self.store.search(query, k))

    def result(self, question: str) -> QueryResult | None:
        payloads = [hit.payload for hit in self.hits(question) if hit.payload is not None]
        assert len(payloads) < 2
        return payloads[0] if payloads else None

    def answer(self, question: str) -> list[tuple[Cell, ...]] | None:
        result = self.result(question)
        return list(result.rows) if result is not None else None

    def rows(self, question: str) -> list[tuple[int, int]]:
        found = [ids.parse_row_id(hit.id) for hit in self.hits(question) if hit.payload is None]
        return [tuple(place) for place in found if place is not None and place.row]  # type: ignore[misc]
