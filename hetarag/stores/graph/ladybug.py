"""The graph in Ladybug: passages, the entities they name, and relations that belong to a passage.

Ladybug keeps the graph; questions are answered by a walk over `GraphSnapshot`, its copy in memory.
Two traps shape the writing: a `COPY` of a key that is there ends the process, and a repeated `COPY`
of relationships doubles them. So each batch is one transaction under one lock: what it replaces is
deleted first, and only the entities that are missing are copied.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import ladybug
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from hetarag.errors import StoreError
from hetarag.protocols import Store
from hetarag.stores.adapter import (
    check_deadline,
    dedupe_by_id,
    lock_until,
    ranked,
    sees_nothing,
    translated,
)
from hetarag.stores.embedded import Embedded
from hetarag.stores.graph.pagerank import IntArray
from hetarag.stores.graph.records import Batch, passages_of
from hetarag.stores.graph.snapshot import Edges, GraphSnapshot, Passage
from hetarag.stores.registry import StoreOptions
from hetarag.text import encodable
from hetarag.types import (
    EvidenceKind,
    Health,
    Hit,
    Query,
    Record,
    RecordPart,
    SearchResult,
    StoreKind,
)

_FILE = "graph_1.lbug"  # the number is that of the tables below
_POOL = 256 << 20
_ADDRESSES = 1 << 38  # the engine's own default, 8 TB, is refused where address space is limited
_TABLES = (
    "CREATE NODE TABLE IF NOT EXISTS Chunk(id STRING PRIMARY KEY, document STRING, "
    "collection STRING, tags STRING[], digest STRING, title STRING)",
    "CREATE NODE TABLE IF NOT EXISTS Entity(id STRING PRIMARY KEY, key STRING, name STRING)",
    "CREATE REL TABLE IF NOT EXISTS MENTIONS(FROM Chunk TO Entity, count INT64, in_title BOOLEAN)",
    "CREATE REL TABLE IF NOT EXISTS RELATED(FROM Entity TO Entity, chunk STRING, "
    "predicate STRING, sentence INT64)",
)
_DIGESTS = "MATCH (c:Chunk) WHERE c.id IN $ids RETURN c.id, c.digest"
_ALL_DIGESTS = "MATCH (c:Chunk) RETURN c.id, c.digest"
_COUNT = "MATCH (c:Chunk) RETURN count(*)"
_NAMED = "MATCH (c:Chunk)-[:MENTIONS]->(e:Entity) WHERE c.id IN $ids RETURN DISTINCT e.id"
_KNOWN = "MATCH (e:Entity) WHERE e.id IN $ids RETURN e.id"
_CUT = (
    "MATCH (c:Chunk)-[:MENTIONS]->(:Entity)-[r:RELATED]->(:Entity) "
    "WHERE c.id IN $ids AND r.chunk = c.id DELETE r"
)
_DROP = "MATCH (c:Chunk) WHERE c.id IN $ids DETACH DELETE c"
_COLLECT = (
    "MATCH (e:Entity) WHERE e.id IN $ids AND NOT EXISTS { MATCH (e)<-[:MENTIONS]-(:Chunk) } "
    "DETACH DELETE e"
)
_CHUNKS = "MATCH (c:Chunk) RETURN offset(id(c)), c.id, c.document, c.collection, c.tags"
_ENTITIES = "MATCH (e:Entity) RETURN offset(id(e)), e.id"
_EDGES = (
    "MATCH (c:Chunk)-[m:MENTIONS]->(e:Entity) "
    "RETURN offset(id(c)), offset(id(e)), m.count, m.in_title"
)


class LadybugStore(Embedded, Store):
    """Passages by personalised PageRank from the question's entities and seeds."""

    kind: StoreKind = "graph"
    accepts: frozenset[EvidenceKind] = frozenset({"chunk", "row"})
    takes: frozenset[RecordPart] = frozenset({"names"})

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._lock = threading.Lock()
        self._snapshot: GraphSnapshot | None = None
        self._connection: ladybug.Connection | None = None
        self._database = self._run(
            "open",
            lambda: ladybug.Database(
                folder / _FILE, buffer_pool_size=_POOL, max_db_size=_ADDRESSES
            ),
        )
        self._connection = self._run("open", lambda: ladybug.Connection(self._database))
        for statement in _TABLES:
            self._run("open", lambda s=statement: self._rows(s))  # type: ignore[misc]

    @classmethod
    def open(cls, address: str, folder: Path, options: StoreOptions) -> Self:  # noqa: ARG003
        """Open the graph in `folder`, or make one."""
        return cls(folder)

    def apply(self, records: Sequence[Record]) -> None:
        """Write those of `records` that are not there with the same digest, in one transaction."""
        new = dedupe_by_id(self.kind, self.accepts, records)
        with self._lock:
            there = self._digests([*new])
            missing = [r for r in new.values() if there.get(r.id) != r.digest]
            if not missing:
                return
            batch = Batch.of(missing)
            with self._transaction("write"):
                orphans = self._remove([r.id for r in missing if r.id in there])
                self._insert(batch)
                self._rows(_COLLECT, ids=orphans)
            if self._snapshot is not None:
                self._snapshot.put(passages_of(batch))

    def delete(self, ids: Collection[str]) -> None:
        """Remove these passages, their relations, and the entities that no other one names."""
        with self._lock:
            there = [*self._digests(ids)]
            if not there:
                return
            with self._transaction("delete"):
                orphans = self._remove(there)
                self._rows(_COLLECT, ids=orphans)
            if self._snapshot is not None:
                self._snapshot.remove(there)

    def digests(self, ids: Collection[str]) -> dict[str, str]:
        """Return the digest of each of these ids that is there."""
        with self._lock:
            return self._digests(ids)

    def scan(self) -> Iterator[tuple[str, str]]:
        """Yield (id, digest) of every passage there is now."""
        with self._lock:
            found = self._run("read", lambda: self._rows(_ALL_DIGESTS))
        yield from ((identifier, digest) for identifier, digest in found)

    def search(self, query: Query, k: int) -> SearchResult[Hit]:
        """Return the k passages where the walk from the question's entities and seeds stays."""
        self._open()
        if k <= 0 or sees_nothing(query.filter) or not (query.entities or query.seeds):
            return SearchResult()
        snapshot = self._loaded(query.deadline)
        found = snapshot.search(query, k, lambda: check_deadline(self.kind, query.deadline))
        return ranked(self.kind, found, k)

    def health(self) -> Health:
        """Tell whether the database answers and how many passages it holds."""
        try:
            with self._lock:
                count = self._run("read", lambda: self._rows(_COUNT))[0][0]
        except StoreError as error:
            return Health(False, "ladybug", detail=error.reason)
        return Health(True, "ladybug", count, ladybug.Database.get_version())

    def close(self) -> None:
        """Write everything into the database file and release it."""
        with self._lock:
            connection, self._connection, self._snapshot = self._connection, None, None
            if connection is not None:
                self._run("close", connection.close)
                self._run("close", self._database.close)

    # ------------------------------------------------------------ inside

    def _open(self) -> ladybug.Connection:
        if self._connection is None:
            raise self._is_closed()
        return self._connection

    def _rows(self, statement: str, **parameters: Any) -> list[Any]:
        result = self._open().execute(statement, parameters or None)
        with result:  # type: ignore[union-attr]
            return result.get_all()  # type: ignore[union-attr]

    def _columns(self, statement: str) -> list[Any]:
        result = self._open().execute(statement)
        with result:  # type: ignore[union-attr]
            found: pa.Table = result.get_as_arrow()  # type: ignore[union-attr]
            return list(found.columns)

    @contextmanager
    def _transaction(self, action: str) -> Iterator[None]:
        with translated(self.kind, action, self._advice):
            self._rows("BEGIN TRANSACTION")
            try:
                yield
                self._rows("COMMIT")
            except BaseException:
                with suppress(RuntimeError):  # the engine may have rolled back by itself
                    self._rows("ROLLBACK")
                raise
            finally:
                self._renew()

    def _renew(self) -> None:
        """Take a new connection: one keeps what it has copied, 80 kB a passage, until it is closed."""
        old, self._connection = self._open(), ladybug.Connection(self._database)
        old.close()

    def _digests(self, ids: Collection[str]) -> dict[str, str]:
        wanted = [encodable(identifier) for identifier in ids]
        rows = self._run("read", lambda: self._rows(_DIGESTS, ids=wanted)) if wanted else []
        return {identifier: digest for identifier, digest in rows}

    def _remove(self, ids: list[str]) -> list[str]:
        """Delete passages and their edges; return the entities that they named."""
        if not ids:
            return []
        named = [row[0] for row in self._rows(_NAMED, ids=ids)]
        self._rows(_CUT, ids=ids)
        self._rows(_DROP, ids=ids)
        return named

    def _insert(self, batch: Batch) -> None:
        wanted = [*batch.entities]
        known = {row[0] for row in self._rows(_KNOWN, ids=wanted)} if wanted else set()
        missing = [entity for key, entity in batch.entities.items() if key not in known]
        self._copy("Chunk", batch.chunk_table())
        self._copy("Entity", batch.entity_table(missing))
        self._copy("MENTIONS", batch.mention_table())
        self._copy("RELATED", batch.relation_table())

    def _copy(self, table: str, rows: pa.Table) -> None:
        if rows.num_rows:
            self._rows(f"COPY {table} FROM $rows", rows=rows)

    def _loaded(self, deadline: float | None) -> GraphSnapshot:
        """Return the graph in memory, read from the database on first use.

        That is not cut off at the deadline: the next search would begin it anew, and never end it.
        """
        snapshot = self._snapshot
        if snapshot is not None:
            return snapshot
        with lock_until(self._lock, self.kind, deadline):
            check_deadline(self.kind, deadline)
            if self._snapshot is None:
                self._snapshot = self._load()
            return self._snapshot

    def _load(self) -> GraphSnapshot:
        numbers, *named = self._run("read", lambda: self._columns(_CHUNKS))
        entity_numbers, entities = self._run("read", lambda: self._columns(_ENTITIES))
        source, target, times, in_title = self._run("read", lambda: self._columns(_EDGES))
        passages = [
            Passage(identifier, document, collection, tuple(tags), ())
            for identifier, document, collection, tags in zip(
                *(column.to_pylist() for column in named), strict=True
            )
        ]
        edges = Edges(
            _places(numbers.to_numpy(), source.to_numpy()),
            _places(entity_numbers.to_numpy(), target.to_numpy()),
            times.to_numpy(),
            in_title.to_numpy(),
        )
        return GraphSnapshot.of(passages, entities.to_pylist(), edges)


def _places(numbers: IntArray, wanted: IntArray) -> IntArray:
    """Return where in `numbers`, which are distinct, each of `wanted` stands."""
    order = np.argsort(numbers)
    return order[np.searchsorted(numbers, wanted, sorter=order)]
