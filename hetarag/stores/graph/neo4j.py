"""The graph on a Neo4j server: the same passages, entities and relations as in the embedded engine.

Questions are answered by the same walk over the same `GraphSnapshot`, so both rank alike. The copy
in memory is read once, follows this process's own writes, and a counter on the server tells each
search in one round trip whether another process has written; then only what changed is read. A
graph with more than `snapshot_edges` edges is not copied: one query fetches a bounded neighbourhood
of the question and the walk runs over that.

The question's entities come as ids from the ledger's linker, so entities are looked up by their
unique id; no full-text index of names is needed, and none is kept.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Self, TypeVar

from neo4j import AsyncManagedTransaction

from hetarag.errors import StoreError
from hetarag.protocols import Store
from hetarag.stores.adapter import (
    check_deadline,
    dedupe_by_id,
    encodable_filter,
    lock_until,
    ranked,
    sees_nothing,
)
from hetarag.stores.graph.neo4j_connection import Address, Neo4jConnection, Rows, rows
from hetarag.stores.graph.neo4j_statements import FORMAT, Statements
from hetarag.stores.graph.records import Batch, chunk_rows, entity_row, passages_of, relation_rows
from hetarag.stores.graph.snapshot import Edge, GraphSnapshot, Passage
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

T = TypeVar("T")

# The driver reads some 80,000 edges a second: the first search must end within its deadline.
SNAPSHOT_EDGES = 400_000
_AT_ONCE = 500  # records of one transaction
_PAGE = 10_000
# Passages of each of the two hops of a neighbourhood. On 3,250 passages of MuSiQue 94% of the first
# ten are those of the whole graph (300: 93%, in half the time).
_NEAR = 1_000
_HEALTH_SECONDS = 5.0
_SETTLED = 1.0  # a commit becomes visible piece by piece: a new change is read once more after this
_SIZE_AGAIN = 60.0


class Neo4jStore(Store):
    """Passages by personalised PageRank from the question's entities and seeds."""

    kind: StoreKind = "graph"
    accepts: frozenset[EvidenceKind] = frozenset({"chunk", "row"})
    takes: frozenset[RecordPart] = frozenset({"names"})

    def __init__(
        self, address: str, prefix: str = "hetarag", *, snapshot_edges: int = SNAPSHOT_EDGES
    ) -> None:
        self._statements = Statements(prefix)
        self._prefix = prefix
        self._server = Neo4jConnection(Address.of(address))
        self._most_edges = snapshot_edges
        self._ready = False
        self._lock = threading.Lock()  # of what follows
        self._snapshot: GraphSnapshot | None = None
        self._change = 0  # the last change that the snapshot holds
        self._read_again: float | None = None
        self._too_large_until = 0.0

    @classmethod
    def open(cls, address: str, folder: Path, options: StoreOptions) -> Self:  # noqa: ARG003
        """Take the graph at `address`; the server is asked for nothing before it is needed."""
        return cls(address, options.prefix)

    def apply(self, records: Sequence[Record]) -> None:
        """Write those of `records` that are not there with the same digest, in transactions."""
        new = dedupe_by_id(self.kind, self.accepts, records)
        for part in _parts(new.values()):
            there = self.digests([record.id for record in part])
            missing = [r for r in part if there.get(encodable(r.id)) != r.digest]
            if missing:
                self._prepare()
                change, batch = self._server.write(lambda tx, m=missing: self._put(tx, m), "write")  # type: ignore[misc]
                self._wrote(change, put=passages_of(batch))

    def delete(self, ids: Collection[str]) -> None:
        """Remove these passages, their relations, and the entities that no other one names."""
        for part in _parts(ids):
            there = [*self.digests(part)]
            if there:
                self._prepare()
                change = self._server.write(lambda tx, t=there: self._drop(tx, t), "delete")  # type: ignore[misc]
                self._wrote(change, gone=there)

    def digests(self, ids: Collection[str]) -> dict[str, str]:
        """Return the digest of each of these ids that is there."""
        self._server.check_open()
        found: dict[str, str] = {}
        for part in _parts(ids, _PAGE):
            wanted = [encodable(identifier) for identifier in part]
            found.update(self._pairs(self._statements.digests, ids=wanted))
        return found

    def scan(self) -> Iterator[tuple[str, str]]:
        """Yield (id, digest) of every passage, in the order of their ids."""
        last = ""
        while page := self._pairs(self._statements.page, after=last, most=_PAGE):
            yield from page
            last = page[-1][0]

    def search(self, query: Query, k: int) -> SearchResult[Hit]:
        """Return the k passages where the walk from the question's entities and seeds stays."""
        self._server.check_open()
        if k <= 0 or sees_nothing(query.filter) or not (query.entities or query.seeds):
            return SearchResult()
        snapshot = self._current(query.deadline)
        if snapshot is None:
            snapshot = self._neighbourhood(query)
        found = snapshot.search(query, k, lambda: check_deadline(self.kind, query.deadline))
        return ranked(self.kind, found, k)

    def health(self) -> Health:
        """Tell whether the server answers and how many passages it holds."""
        deadline = time.monotonic() + _HEALTH_SECONDS
        try:
            version = self._server.version(deadline)
            count = self._server.rows(self._statements.count, "count passages", deadline)[0][0]
        except StoreError as error:
            return Health(False, "neo4j", detail=error.reason)
        return Health(True, f"neo4j {version}", int(count), self._server.shown)

    def close(self) -> None:
        """Give back the connections and the memory; a second call does nothing."""
        self._server.close()
        with self._lock:
            self._snapshot = None

    # ------------------------------------------------------------ writing

    def _prepare(self) -> None:
        """Make constraints and indexes, once, where this knowledge base has none yet."""
        if self._ready:
            return
        self._server.version()
        if self._state(None) is None:
            if self._server.rows(self._statements.taken, "look at the database"):
                raise StoreError(
                    self.kind,
                    f"{self._server.shown} has nodes labelled {self._prefix}_Chunk that hetarag "
                    "did not make: choose another prefix or database, or remove them",
                )
            for statement in self._statements.schema:
                self._server.write(lambda tx, s=statement: rows(tx, s), "make an index")  # type: ignore[misc]
            self._server.rows(self._statements.await_schema, "make the indexes")
        self._ready = True

    async def _put(
        self, tx: AsyncManagedTransaction, records: Sequence[Record]
    ) -> tuple[int, Batch]:
        does = self._statements
        change = (await rows(tx, does.change))[0][0]
        # Asked again behind the lock: another process may have written the same meanwhile.
        ids = [encodable(record.id) for record in records]
        there = dict(await rows(tx, does.digests, ids=ids))
        missing = [r for r in records if there.get(encodable(r.id)) != r.digest]
        batch = Batch.of(missing)
        orphans = await self._remove(tx, [r.id for r in missing if encodable(r.id) in there])
        await rows(tx, does.put_entities, rows=[entity_row(e) for e in batch.entities.values()])
        await rows(tx, does.put_chunks, change=change, rows=chunk_rows(batch))
        relations = relation_rows(batch)
        if relations:
            await rows(tx, does.put_relations, rows=relations)
        if orphans:
            await rows(tx, does.collect, ids=orphans)
        return change, batch

    async def _drop(self, tx: AsyncManagedTransaction, ids: list[str]) -> int:
        change: int = (await rows(tx, self._statements.change))[0][0]
        orphans = await self._remove(tx, ids)
        await rows(tx, self._statements.collect, ids=orphans)
        return change

    async def _remove(self, tx: AsyncManagedTransaction, ids: list[str]) -> list[str]:
        """Delete passages and their edges; return the entities that they named."""
        if not ids:
            return []
        named = [row[0] for row in await rows(tx, self._statements.named, ids=ids)]
        await rows(tx, self._statements.cut, ids=ids)
        await rows(tx, self._statements.drop, ids=ids)
        return named

    def _wrote(self, change: int, put: Iterable[Passage] = (), gone: Collection[str] = ()) -> None:
        """Follow a write of our own, unless another one came between: then all is read again."""
        with self._lock:
            if self._snapshot is not None and change == self._change + 1:
                self._snapshot.put(put)
                self._snapshot.remove(gone)
                self._change = change

    # ------------------------------------------------------------ reading

    def _pairs(self, statement: str, **parameters: Any) -> list[tuple[str, str]]:
        found = self._server.rows(statement, "read", **parameters)
        return [(identifier, digest) for identifier, digest in found]

    def _state(self, deadline: float | None) -> int | None:
        """Return the number of the last change, None where nothing was ever written."""
        found = self._server.rows(self._statements.state, "read the state", deadline)
        if not found:
            return None
        change, form = found[0]
        if form != FORMAT:
            raise StoreError(
                self.kind,
                f"the graph at {self._server.shown} has form {form}, this version of hetarag knows "
                f"{FORMAT}: use the version that wrote it, or another prefix and `hetarag repair`",
            )
        return int(change)

    def _current(self, deadline: float | None) -> GraphSnapshot | None:
        """Return the graph as it is on the server; None when it is too large to be copied."""
        if time.monotonic() < self._too_large_until:
            return None
        change = self._state(deadline)
        if change is None:
            return GraphSnapshot()
        with lock_until(self._lock, self.kind, deadline):
            due = self._read_again is not None and time.monotonic() >= self._read_again
            if self._snapshot is None or change > self._change or due:
                self._refresh(change, deadline)
            return self._snapshot

    def _refresh(self, change: int, deadline: float | None) -> None:
        """Read what has changed since the last time; the lock is held."""
        does = self._statements
        if self._server.rows(does.edges, "count edges", deadline)[0][0] > self._most_edges:
            self._snapshot, self._change = None, 0
            self._too_large_until = time.monotonic() + _SIZE_AGAIN
            return
        self._read_again = time.monotonic() + _SETTLED if change > self._change else None
        since = 0 if self._snapshot is None else self._change
        found = _passages(self._server.rows(does.changed, "read the graph", deadline, since=since))
        snapshot = self._snapshot or GraphSnapshot()
        snapshot.put(found)
        count = self._server.rows(does.count, "count passages", deadline)[0][0]
        if len(snapshot) != count:  # another process deleted some
            left = {row[0] for row in self._server.rows(does.ids, "read the ids", deadline)}
            snapshot.remove(snapshot.ids() - left)
        self._snapshot, self._change = snapshot, max(change, self._change)

    def _neighbourhood(self, query: Query) -> GraphSnapshot:
        restriction = encodable_filter(query.filter)
        found = self._server.rows(
            self._statements.neighbourhood,
            "read a neighbourhood",
            query.deadline,
            entities=[linked.entity.id for linked in query.entities],
            seeds=[seed.id for seed in query.seeds],
            collections=sorted(restriction.collections) or None,
            documents=None if restriction.documents is None else sorted(restriction.documents),
            tags=None if restriction.tags is None else sorted(restriction.tags),
            most=_NEAR,
        )
        return GraphSnapshot(_passages(found))


def _passages(found: Rows) -> Iterator[Passage]:
    for identifier, document, collection, tags, edges in found:
        named = tuple(Edge(entity, count, in_title) for entity, count, in_title in edges)
        yield Passage(identifier, document, collection, tuple(tags), named)


def _parts(values: Iterable[T], size: int = _AT_ONCE) -> Iterator[list[T]]:
    remaining = iter(values)
    while part := list(islice(remaining, size)):
        yield part
