"""Vectors in Qdrant Edge, Qdrant's own engine in process.

Every search is exact: up to about 50,000 vectors that takes less than 10 ms. Open point: above
that an HNSW index pays, but `optimize()` holds the interpreter's lock for its whole run (17 s for
20,000 vectors), so it must be built by a child process on a copy of the folder and swapped in.

Every call into the engine holds the interpreter's lock too, so calls are serial without a lock of
ours; the lock here only keeps two writers from making the shard twice.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import qdrant_edge as edge

from hetarag.errors import StoreError
from hetarag.protocols import VectorStore
from hetarag.stores.adapter import (
    check_deadline,
    dedupe_by_id,
    ranked,
    sees_nothing,
    top_k_is_stable,
)
from hetarag.stores.embedded import Embedded, read_marker, write_marker
from hetarag.stores.registry import StoreOptions
from hetarag.stores.vector.checks import validated_vector, validated_vectors
from hetarag.stores.vector.qdrant_points import INDEXED, condition, payload, uuids
from hetarag.types import (
    EvidenceKind,
    Health,
    Hit,
    Query,
    Record,
    RecordPart,
    SearchResult,
    StoreKind,
    Vector,
)

_FORMAT = 1
_SPARE = 16  # asked for beyond k, so that equal scores at the border are seen
_PAGE = 1000
_EXACT = edge.SearchParams(exact=True)


class QdrantEdgeStore(Embedded, VectorStore):
    """Cosine similarity over unit vectors; the score of a hit is the cosine."""

    kind: StoreKind = "vector"
    accepts: frozenset[EvidenceKind] = frozenset({"chunk", "row", "table"})
    takes: frozenset[RecordPart] = frozenset({"vector"})

    def __init__(self, folder: Path, dimension: int | None) -> None:
        super().__init__(folder)
        self._lock = threading.Lock()
        self._shard: edge.EdgeShard | None = None
        self._dimension = dimension
        marker = self._run("read", lambda: read_marker(self._marker))
        if marker is not None:
            self._check_format(marker, dimension)
            self._dimension = int(marker["dimension"])
            self._shard = self._run("open", lambda: edge.EdgeShard.load(str(self._path)))
        elif dimension is not None:
            self._create(dimension)

    @classmethod
    def open(cls, address: str, folder: Path, options: StoreOptions) -> Self:  # noqa: ARG003
        """Open the shard in `folder`, or make one for vectors of `options.dimension`."""
        return cls(folder, options.dimension)

    def apply(self, records: Sequence[Record]) -> None:
        """Write the vectors of `records`; they are in the engine's log and flushed on return."""
        new = dedupe_by_id(self.kind, self.accepts, records).values()
        vectors = validated_vectors(new, self._dimension)
        if not vectors:
            return
        points = self._run(
            "write", lambda: [edge.Point(r.id, v.tolist(), payload(r)) for r, v in vectors]
        )
        with self._lock:
            shard = self._open_shard() or self._create(vectors[0][1].size)
            for first in range(0, len(points), _PAGE):
                part = edge.UpdateOperation.upsert_points(points[first : first + _PAGE])
                self._run("write", lambda part=part: shard.update(part))  # type: ignore[misc]
            self._run("write", shard.flush)

    def delete(self, ids: Collection[str]) -> None:
        """Remove the vectors with these ids."""
        known = uuids(ids)
        with self._lock:
            shard = self._open_shard()
            if shard is None or not known:
                return
            self._run("delete", lambda: shard.update(edge.UpdateOperation.delete_points([*known])))
            self._run("delete", shard.flush)

    def digests(self, ids: Collection[str]) -> dict[str, str]:
        """Return the digest of each of these ids that is there."""
        shard, known = self._open_shard(), uuids(ids)
        if shard is None or not known:
            return {}
        found = self._run("read", lambda: shard.retrieve([*known], ["digest"], False))
        return {str(point.id): (point.payload or {})["digest"] for point in found}

    def vectors(self, ids: Collection[str]) -> dict[str, Vector]:
        """Return the vector of each of these ids that is there."""
        shard, known = self._open_shard(), uuids(ids)
        if shard is None or not known:
            return {}
        found = self._run("read", lambda: shard.retrieve([*known], False, True))
        return {str(point.id): np.asarray(point.vector, np.float32) for point in found}

    def scan(self) -> Iterator[tuple[str, str]]:
        """Yield (id, digest) of every vector."""
        offset: edge.PointId | None = None
        while (shard := self._open_shard()) is not None:
            request = edge.ScrollRequest(offset, _PAGE, None, ["digest"], False)
            points, offset = self._run("read", lambda: shard.scroll(request))  # noqa: B023
            for point in points:
                yield str(point.id), (point.payload or {})["digest"]
            if offset is None:
                return

    def search(self, query: Query, k: int) -> SearchResult[Hit]:
        """Return the k nearest vectors that pass the filter."""
        shard = self._open_shard()
        if query.vector is None or shard is None or k <= 0 or sees_nothing(query.filter):
            return SearchResult()
        vector = validated_vector("the question", query.vector, self._dimension or 0)
        nearest = edge.Query.Nearest(vector.tolist())
        admitted = condition(query.filter)
        asked = k + _SPARE
        while True:
            check_deadline(self.kind, query.deadline)
            request = edge.QueryRequest(
                limit=asked, query=nearest, filter=admitted, params=_EXACT, with_payload=False
            )
            points = self._run("search", lambda: shard.query(request))  # noqa: B023
            if top_k_is_stable([point.score for point in points], k, asked):
                return ranked(self.kind, ((str(p.id), p.score) for p in points), k)
            asked *= 4

    def health(self) -> Health:
        """Tell whether the shard is open and how many vectors it holds."""
        try:
            shard, exact = self._open_shard(), edge.CountRequest(exact=True)
            count = self._run("count", lambda: shard.count(exact)) if shard is not None else 0
        except StoreError as error:
            return Health(False, "qdrant-edge", detail=error.reason)
        return Health(True, "qdrant-edge", count, f"{self._dimension or '?'} dimensions, exact")

    def close(self) -> None:
        """Flush and release the folder."""
        with self._lock:
            shard, self._shard, self._closed = self._shard, None, True
            if shard is not None:
                self._run("close", shard.flush)
                self._run("close", shard.close)

    # ------------------------------------------------------------ inside

    @property
    def _path(self) -> Path:
        return self._folder / "shard"

    @property
    def _marker(self) -> Path:
        return self._folder / "store.json"

    def _open_shard(self) -> edge.EdgeShard | None:
        if self._closed:
            raise self._is_closed()
        return self._shard

    def _create(self, dimension: int) -> edge.EdgeShard:
        """Make the shard; the marker comes last, so that a crash before it leaves no half one."""
        self._run("create", lambda: shutil.rmtree(self._path, ignore_errors=True))
        vectors = edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Cosine)
        config = edge.EdgeConfig(vectors=vectors)
        shard = self._run("create", lambda: edge.EdgeShard.create(str(self._path), config))
        for name in INDEXED:
            index = edge.UpdateOperation.create_field_index(name, edge.PayloadSchemaType.Keyword)
            self._run("create", lambda index=index: shard.update(index))  # type: ignore[misc]
        self._run("create", shard.flush)
        value = {"format": _FORMAT, "dimension": dimension}
        self._run("create", lambda: write_marker(self._marker, value))
        self._shard, self._dimension = shard, dimension
        return shard

    def _check_format(self, marker: dict[str, object], dimension: int | None) -> None:
        if marker.get("format") != _FORMAT or not isinstance(marker.get("dimension"), int):
            raise StoreError(
                self.kind,
                f"{self._marker} is of another version; {self._advice}",
            )
        if dimension is not None and dimension != marker["dimension"]:
            raise StoreError(
                self.kind,
                f"{self._folder} holds vectors of {marker['dimension']} dimensions, the embedder "
                f"makes {dimension}: set models.embedder back or run `hetarag reindex`",
            )
