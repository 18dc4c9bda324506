"""The SQL store: users' tables as real tables, through SQLAlchemy; questions become statements.

Works on SQLite (embedded), PostgreSQL and MariaDB. Each table of the catalogue is one physical
table under a generated name; see `schema` for the store's own three tables beside them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from hetarag.errors import StoreError
from hetarag.protocols import TableCatalogue, TableStore
from hetarag.store_settings import EMBEDDED
from hetarag.stores.registry import StoreOptions
from hetarag.stores.sql import loading, schema
from hetarag.stores.sql.cells import unpack
from hetarag.stores.sql.database import Database, TableGoneError
from hetarag.stores.sql.text_to_sql.answers import Found
from hetarag.stores.sql.text_to_sql.search import TableSearch
from hetarag.types import (
    Cell,
    EvidenceKind,
    Health,
    Hit,
    Query,
    Record,
    RecordPart,
    SearchResult,
    StoreKind,
    TableInfo,
)

_BATCH = 500
_ROWS_TOGETHER = 10_000
_TABLES_TOGETHER = 200
_READS = 5  # of a database whose tables are replaced while they are read

Read = TypeVar("Read")


class SqlAlchemyStore(TableStore):
    """Users' tables in a database of their own, apart from the ledger."""

    kind: StoreKind = "sql"
    accepts: frozenset[EvidenceKind] = frozenset({"table"})
    takes: frozenset[RecordPart] = frozenset({"table"})

    def __init__(
        self, url: sa.URL | str, catalogue: TableCatalogue | None = None, owner: str = ""
    ) -> None:
        self._owner = owner
        self._database = Database(url)
        self._catalogue = catalogue
        self._search = TableSearch()
        self._writing = threading.Lock()
        try:
            self._create()
        except StoreError:
            self._create()  # two processes at once: one was first, and now the tables are there

    @classmethod
    def open(cls, address: str, folder: Path, options: StoreOptions) -> SqlAlchemyStore:
        """Open the database at a URL, or the embedded one in `folder`."""
        if address != EMBEDDED:
            return cls(address, options.catalogue, options.prefix)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"cannot make the folder {folder}: {error.strerror}; choose another place"
            raise StoreError("sql", reason) from error
        url = sa.URL.create("sqlite", database=str(folder / "tables.sqlite"))
        return cls(url, options.catalogue)

    def _create(self) -> None:
        with self._database.write() as connection:
            self._database.check_version(connection)
            schema.create_all(connection)
            if self._owner:
                self._claim(connection)

    def _claim(self, connection: sa.Connection) -> None:
        """Take a database that nobody has; tables of two ledgers would have the same numbers."""
        known = schema.owner
        first = connection.scalar(sa.select(known.c.prefix))
        if first is None:
            connection.execute(sa.insert(known), {"only": 1, "prefix": self._owner})
        elif first != self._owner:
            raise StoreError(
                "sql",
                f"the database has the tables of another knowledge base, {first}: give this one a "
                "database of its own",
            )

    def apply(self, records: Sequence[Record]) -> None:
        """Write tables over earlier ones of the same ids, small ones together in a transaction.

        Records without rows of their own keep those that are here; `StoreError` when they are not.
        """
        for group in _groups(records):
            new = [(record, table) for record, table in group if record.rows is not None]
            with self._writing, self._database.write() as connection:
                for record, table in group:
                    if record.rows is None:
                        loading.keep(connection, record, table)
                if new:
                    loading.remove(connection, [record.id for record, _ in new])
                    # Where DDL commits by itself a load that was cut off may have left some.
                    loading.forget(connection, [table.number for _, table in new])
                    loading.load_tables(connection, new)

    def delete(self, ids: Collection[str]) -> None:
        """Drop the tables of these records."""
        for batch in _batches(ids):
            with self._writing, self._database.write() as connection:
                loading.remove(connection, batch)

    def digests(self, ids: Collection[str]) -> dict[str, str]:
        """Return the digests of these tables; empty for one whose writing was cut off."""
        known = schema.tables.c
        found: dict[str, str] = {}
        with self._database.read() as connection:
            for batch in _batches(ids):
                wanted = sa.select(known.record_id, known.digest).where(known.record_id.in_(batch))
                found.update((row.record_id, row.digest) for row in connection.execute(wanted))
        return found

    def scan(self) -> Iterator[tuple[str, str]]:
        """Yield (id, digest) of every table in the order of their ids."""
        known = schema.tables.c
        last = ""
        while True:
            page = (
                sa.select(known.record_id, known.digest)
                .where(known.record_id > last)
                .order_by(known.record_id)
                .limit(_BATCH)
            )
            with self._database.read() as connection:
                rows = connection.execute(page).all()
            if not rows:
                return
            yield from ((row.record_id, row.digest) for row in rows)
            last = rows[-1].record_id

    def rows(self, table: TableInfo, first: int, last: int) -> list[tuple[Cell, ...]]:
        """Return rows first…last (1-based, inclusive) as written; none of a table that is gone."""
        physical = schema.readable_table(table)
        number = physical.c[schema.ROW]
        wanted = sa.select(physical).where(number.between(first, last)).order_by(number)
        kept = schema.misfits.c
        odd = sa.select(kept.row_no, kept.ordinal, kept.value).where(
            kept.table_number == table.number, kept.row_no.between(first, last)
        )
        known = schema.tables.c
        present = sa.select(known.record_id).where(
            known.record_id == table.id, known.physical == table.physical, known.digest != ""
        )

        def read(connection: sa.Connection) -> list[tuple[Cell, ...]]:
            if connection.execute(present).first() is None:
                return []
            found = {row[0]: list(row[1:]) for row in connection.execute(wanted)}
            for row_no, ordinal, value in connection.execute(odd):
                if row_no in found:
                    found[row_no][ordinal] = unpack(value)
            return [tuple(cells) for cells in found.values()]

        return self._read(read)

    def search(self, query: Query, k: int) -> SearchResult[Hit]:
        """Answer by linking the question's words to names and cells; see `sql_planning`."""
        if k < 1 or self._catalogue is None or not query.text.strip():
            return SearchResult()
        catalogue = self._catalogue

        def find(connection: sa.Connection) -> list[Found]:
            return self._search.find(connection, query.text, catalogue.visible(query.filter))

        found = self._read(find, query.deadline)
        best = sorted(found, key=lambda hit: (-hit.score, hit.id))[:k]
        return SearchResult(
            tuple(
                Hit(self.kind, hit.id, rank, hit.score, hit.payload)
                for rank, hit in enumerate(best, start=1)
            )
        )

    def _read(self, work: Callable[[sa.Connection], Read], deadline: float | None = None) -> Read:
        """Do `work` in a transaction that reads, again when a table went while it was read.

        On a server the tables that a transaction sees are not those of its snapshot: one that an
        ingest drops is gone at once.
        """
        for _ in range(_READS - 1):
            try:
                with self._database.read(deadline) as connection:
                    return work(connection)
            except TableGoneError:
                continue
        with self._database.read(deadline) as connection:
            return work(connection)

    def health(self) -> Health:
        """Tell whether the database answers and how many tables it holds."""
        try:
            with self._database.read() as connection:
                count = connection.execute(
                    sa.select(sa.func.count()).select_from(schema.tables)
                ).scalar_one()
            return Health(True, self._database.version(), int(count), self._database.shown)
        except StoreError as error:
            return Health(False, self._database.dialect, 0, error.reason)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()


def _groups(records: Sequence[Record]) -> Iterator[list[tuple[Record, TableInfo]]]:
    """Yield the records with their tables, the last of those with one id, some rows at a time."""
    group: list[tuple[Record, TableInfo]] = []
    for record in {record.id: record for record in records}.values():
        if record.table is None:
            raise StoreError("sql", f"takes only tables; record {record.id} is a {record.kind}")
        rows = sum(table.row_count for _, table in group) + record.table.row_count
        if group and (rows > _ROWS_TOGETHER or len(group) == _TABLES_TOGETHER):
            yield group
            group = []
        group.append((record, record.table))
    if group:
        yield group


def _batches(ids: Collection[str]) -> Iterator[list[str]]:
    remaining = iter(ids)
    while batch := list(islice(remaining, _BATCH)):
        yield batch
