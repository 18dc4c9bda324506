"""What each adapter is measured against: its driver alone, doing the same work with the same content.

No id is looked up before a write, nothing is sent again, no error explained, no deadline kept: what an
application would write that trusts its server and knows it to be empty.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from hetarag.protocols import Store
from hetarag.types import Query, Record


class Bare(Protocol):
    """A driver alone."""

    def write(self, records: Sequence[Record]) -> None:
        """Write records that are not there; searches find them on return."""

    def search(self, query: Query, k: int) -> Any:
        """Ask for the first k."""

    def drop(self) -> None:
        """Delete what was made on the server, the adapter's too, and close the connections."""


class BareElasticsearch(Bare):
    """Bulk of the same documents into an index of the same shape; the same query."""

    def __init__(self, address: str, prefix: str, store: Store, folder: Path) -> None:  # noqa: ARG002
        from hetarag.stores.addresses import parse
        from hetarag.stores.fulltext.elasticsearch import SETTINGS
        from hetarag.stores.fulltext.elasticsearch_connection import client_of
        from hetarag.stores.fulltext.elasticsearch_index import template

        where = parse("fulltext", address, 9200, SETTINGS)
        self._client = client_of(where)
        self._made = (address, prefix)
        self._index = f"{where.prefixed(prefix)}-bare"
        shape = template(where.number("shards", 1, 64), where.number("replicas", 0, 8))
        self._client.indices.create(index=self._index, **shape)

    def write(self, records: Sequence[Record]) -> None:
        """Write records in bulk and refresh."""
        from elasticsearch import helpers

        from hetarag.stores.fulltext.elasticsearch_index import source

        work = ({"_index": self._index, "_id": r.id, "_source": source(r)} for r in records)
        helpers.bulk(self._client, work, chunk_size=1_000)
        self._client.indices.refresh(index=self._index)

    def search(self, query: Query, k: int) -> Any:
        """Ask for the first k."""
        from hetarag.stores.fulltext.elasticsearch_index import question

        return self._client.search(
            index=self._index,
            query=question(query),
            size=k,
            sort=[{"_score": "desc"}, {"id": "asc"}],
            source=False,
            track_total_hits=False,
            search_type="dfs_query_then_fetch",
        )["hits"]["hits"]

    def drop(self) -> None:
        """Delete both indices and the adapter's template."""
        self._client.options(ignore_status=404).indices.delete(index=self._index)
        self._client.close()
        forget_index(*self._made)


def forget_index(address: str, prefix: str) -> None:
    """Delete the index and the template that an adapter to `address` has made with this prefix."""
    from hetarag.stores.addresses import parse
    from hetarag.stores.fulltext.elasticsearch import SETTINGS
    from hetarag.stores.fulltext.elasticsearch_connection import client_of

    where = parse("fulltext", address, 9200, SETTINGS)
    name = f"{where.prefixed(prefix)}-fulltext"
    with client_of(where) as client:
        client.options(ignore_status=404).indices.delete(index=f"{name}-000001")
        client.options(ignore_status=404).indices.delete_index_template(name=name)


class BareQdrant(Bare):
    """Upsert of the same points, waited for; the same nearest neighbours."""

    def __init__(self, address: str, prefix: str, store: Store, folder: Path) -> None:  # noqa: ARG002
        from qdrant_client import models

        from hetarag.stores.addresses import parse
        from hetarag.stores.vector.qdrant import SETTINGS
        from hetarag.stores.vector.qdrant_connection import client_of

        where = parse("vector", address, 6333, SETTINGS)
        self._client = client_of(where, folder, 60)
        self._models = models
        self._adapter = where.prefixed(prefix)
        self._name = f"{self._adapter}-bare"

    def write(self, records: Sequence[Record]) -> None:
        """Upsert the records' vectors."""
        from hetarag.stores.vector.qdrant_points import payload

        models = self._models
        vectors = [r.vector for r in records if r.vector is not None]
        if not self._client.collection_exists(self._name):
            shape = models.VectorParams(size=vectors[0].size, distance=models.Distance.COSINE)
            self._client.create_collection(self._name, shape)
        points = [
            models.PointStruct(id=r.id, vector=v.tolist(), payload=payload(r))
            for r, v in zip(records, vectors, strict=True)
        ]
        for first in range(0, len(points), 256):
            self._client.upsert(self._name, points[first : first + 256], wait=True)

    def search(self, query: Query, k: int) -> Any:
        """Ask for the k nearest."""
        vector = [] if query.vector is None else query.vector.tolist()
        return self._client.query_points(self._name, query=vector, limit=k).points

    def drop(self) -> None:
        """Delete both collections."""
        for name in (self._name, f"{self._adapter}-vector"):
            if self._client.collection_exists(name):
                self._client.delete_collection(name)
        self._client.close()


class BareNeo4j(Bare):
    """The same nodes and edges in managed transactions; one round trip, and the same walk, a search."""

    def __init__(self, address: str, prefix: str, store: Store, folder: Path) -> None:  # noqa: ARG002
        from neo4j import GraphDatabase

        from hetarag.stores.graph.neo4j_connection import Address
        from hetarag.stores.graph.neo4j_statements import Statements

        where = Address.of(address)
        auth = (where.user, where.password) if where.user else None
        self._driver = GraphDatabase.driver(where.uri, auth=auth)
        self._session: Callable[[], Any] = lambda: self._driver.session(database=where.database)
        self._prefixes = (prefix, f"{prefix}-bare")
        self._does = Statements(self._prefixes[1])
        self._store = store
        for statement in self._does.schema:
            self._write(statement)

    def write(self, records: Sequence[Record]) -> None:
        """Write passages, entities and relations."""
        from hetarag.stores.graph.records import Batch, chunk_rows, entity_row, relation_rows

        def put(tx: Any, part: Sequence[Record]) -> None:
            change = tx.run(self._does.change).single()[0]
            batch = Batch.of(part)
            entities = [entity_row(entity) for entity in batch.entities.values()]
            tx.run(self._does.put_entities, rows=entities).consume()
            tx.run(self._does.put_chunks, rows=chunk_rows(batch), change=change).consume()
            tx.run(self._does.put_relations, rows=relation_rows(batch)).consume()

        with self._session() as session:
            for first in range(0, len(records), 500):
                session.execute_write(put, records[first : first + 500])

    def search(self, query: Query, k: int) -> Any:
        """Ask whether anything has changed, and walk over the adapter's copy of the graph."""
        with self._session() as session:
            session.execute_read(lambda tx: tx.run(self._does.state).single())
        snapshot = self._store._current(None)  # type: ignore[attr-defined]
        return snapshot.search(query, k, lambda: None)

    def drop(self) -> None:
        """Delete the nodes, constraints and indexes of both."""
        for prefix in self._prefixes:
            for label in ("State", "Chunk", "Entity"):
                self._write(f"MATCH (n:`{prefix}_{label}`) DETACH DELETE n")
                self._write(f"DROP CONSTRAINT `{prefix}_{label.lower()}_id` IF EXISTS")
            for index in ("chunk_changed", "related_chunk"):
                self._write(f"DROP INDEX `{prefix}_{index}` IF EXISTS")
        self._driver.close()

    def _write(self, statement: str) -> None:
        with self._session() as session:
            session.execute_write(lambda tx: tx.run(statement).consume())


class BareSql(Bare):
    """The statements that the adapter has sent, sent again through the driver's own cursor.

    What is Python's part of the work is done here too, by the adapter's own code with no database
    behind it: cells are typed, packed and named, a question's words are linked to them.
    """

    def __init__(self, address: str, prefix: str, store: Store, folder: Path) -> None:  # noqa: ARG002
        self._engine = sa.create_engine(address)
        self._raw = self._engine.raw_connection()
        self._store: Any = store
        self.sent: list[tuple[str, Any, bool]] = []
        self._found: list[sa.Result[Any]] = []

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Keep the statements that this thread sends meanwhile."""
        self.sent, thread = [], threading.get_ident()
        server = self._engine.url

        def keep(conn: Any, _cursor: Any, text: str, values: Any, _ctx: Any, many: bool) -> None:
            if threading.get_ident() == thread and conn.engine.url == server:  # not the ledger's
                self.sent.append((text, values, many))

        sa.event.listen(sa.Engine, "after_cursor_execute", keep)
        try:
            yield
        finally:
            sa.event.remove(sa.Engine, "after_cursor_execute", keep)

    def write(self, records: Sequence[Record]) -> None:
        """Pack the rows, and send again what the last `apply` has sent."""
        from hetarag.stores.sql.loading import CellLines, fill

        nobody: Any = _Nobody(dialect=self._engine.dialect)
        with CellLines(nobody) as lines:
            for record in records:
                if record.table is not None and record.rows is not None:
                    fill(nobody, record.table, record.rows, lines)
        self._send()
        self._raw.commit()

    def rehearse(self, query: Query) -> None:
        """Keep what the statements of this question find, for the search that follows."""
        with self._store._database.read() as connection:
            recorder = _Recorder(connection)
            self._link(recorder, query)
        self._found = [result() for result in recorder.kept]

    def search(self, query: Query, k: int) -> Any:
        """Send again what the last `search` has sent, and link the question to what was found."""
        self._send()
        self._raw.rollback()
        found = self._link(_Nobody(self._found, self._engine.dialect), query)
        return sorted(found, key=lambda hit: (-hit.score, hit.id))[:k]

    def _link(self, connection: Any, query: Query) -> Any:
        visible = self._store._catalogue.visible(query.filter)
        return self._store._search.find(connection, query.text, visible)

    def drop(self) -> None:
        """Delete the tables and close the connection."""
        self._store.delete([identifier for identifier, _ in self._store.scan()])
        self._raw.close()
        self._engine.dispose()

    def _send(self) -> None:
        cursor = self._raw.cursor()
        for text, values, many in self.sent:
            if many and any(values):
                cursor.executemany(text, values)
            else:  # DDL comes with one empty set of values
                cursor.execute(text, None if many else values or None)
            if cursor.description:
                cursor.fetchall()
        cursor.close()


class _Recorder:
    """A connection that keeps what it finds."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection, self.dialect = connection, connection.dialect
        self.kept: list[Callable[[], sa.Result[Any]]] = []

    def execute(self, statement: Any) -> sa.Result[Any]:
        return self._keep(self._connection.execute(statement))

    def exec_driver_sql(self, statement: str, values: Any) -> sa.Result[Any]:
        return self._keep(self._connection.exec_driver_sql(statement, values))

    def _keep(self, found: sa.Result[Any]) -> sa.Result[Any]:
        self.kept.append(found.freeze())
        return self.kept[-1]()


class _Nobody:
    """A connection to nothing: it takes what is written, and finds what was found before."""

    def __init__(
        self, found: Sequence[sa.Result[Any]] = (), dialect: sa.Dialect | None = None
    ) -> None:
        self._found, self.dialect = iter(found), dialect

    def execute(self, *_: Any) -> sa.Result[Any] | None:
        return next(self._found, None)

    exec_driver_sql = execute


BARE: dict[str, Callable[[str, str, Store, Path], Bare]] = {
    "fulltext": BareElasticsearch,
    "vector": BareQdrant,
    "graph": BareNeo4j,
    "sql": BareSql,
}
