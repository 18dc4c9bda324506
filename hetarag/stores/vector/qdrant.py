"""Vectors on a Qdrant server, or a cluster of it.

    http://host:6333?api_key=KEY&grpc=true&quantization=int8
    https://host:6333?api_key=KEY&shards=2&replicas=2
    qdrant+local://            Qdrant's client on its own, in the store's folder: for trying out

The collection is "<prefix>-vector". Opening sends nothing: it is looked for, and made, when the
store is first used, so that a server that is down now is one that returns later.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from qdrant_client import QdrantClient, models

from hetarag.errors import StoreError
from hetarag.protocols import VectorStore
from hetarag.stores.adapter import (
    check_deadline,
    dedupe_by_id,
    lock_until,
    ranked,
    sees_nothing,
    top_k_is_stable,
)
from hetarag.stores.addresses import ServerAddress, parse
from hetarag.stores.registry import StoreOptions
from hetarag.stores.vector.checks import validated_vector, validated_vectors
from hetarag.stores.vector.qdrant_connection import LOCAL, Connection
from hetarag.stores.vector.qdrant_points import INDEXED, payload, uuids
from hetarag.text import encodable
from hetarag.types import (
    EvidenceKind,
    Filter,
    Health,
    Hit,
    Query,
    Record,
    RecordPart,
    SearchResult,
    StoreKind,
    Vector,
)

SETTINGS = frozenset(
    ["api_key", "grpc", "grpc_port", "prefix", "quantization", "replicas", "shards", "timeout"]
)
EXACT = 50_000
"""Up to so many vectors a search compares them all, as in the embedded store."""
_HEALTH = 5.0
_SPARE = 16  # asked for beyond k, so that equal scores at the border are seen
_PAGE = 1000
_BATCH = 256


class QdrantStore(VectorStore):
    """Cosine similarity over unit vectors; the score of a hit is the cosine."""

    kind: StoreKind = "vector"
    accepts: frozenset[EvidenceKind] = frozenset({"chunk", "row", "table"})
    takes: frozenset[RecordPart] = frozenset({"vector"})

    def __init__(self, address: ServerAddress, folder: Path, options: StoreOptions) -> None:
        self._setting = address.setting
        self._name = f"{address.prefixed(options.prefix)}-{self.kind}"
        self._dimension = options.dimension
        self._there = False
        self._count: int | None = None  # None: to be asked again
        self._making = threading.Lock()
        self._parameters = _parameters(address)
        self._link = Connection(address, folder, self._name)

    @classmethod
    def open(cls, address: str, folder: Path, options: StoreOptions) -> Self:
        """Take the address apart; a server is asked when the store is first used."""
        scheme = address.partition("://")[0].lower()
        known = {"prefix"} if scheme == LOCAL else SETTINGS
        return cls(parse("vector", address, 6333, known), folder, options)

    def apply(self, records: Sequence[Record]) -> None:
        """Write the vectors of `records`, in batches that the server has applied on return."""
        self._look(None)
        vectors = validated_vectors(
            dedupe_by_id(self.kind, self.accepts, records).values(), self._dimension
        )
        if not vectors:
            return
        self._make(vectors[0][1].size)
        points = [
            models.PointStruct(id=r.id, vector=v.tolist(), payload=payload(r)) for r, v in vectors
        ]
        for first in range(0, len(points), _BATCH):
            part = points[first : first + _BATCH]
            self._link.run(
                "write",
                lambda client, part=part: client.upsert(self._name, part, wait=True),  # type: ignore[misc]
            )
        self._count = None

    def delete(self, ids: Collection[str]) -> None:
        """Remove the vectors with these ids."""
        known = uuids(ids)
        if self._look(None) and known:
            chosen = models.PointIdsList(points=list(known))
            self._link.run("delete", lambda client: client.delete(self._name, chosen, wait=True))
            self._count = None

    def digests(self, ids: Collection[str]) -> dict[str, str]:
        """Return the digest of each of these ids that is there."""
        return {
            str(p.id): (p.payload or {})["digest"] for p in self._points(ids, ["digest"], False)
        }

    def vectors(self, ids: Collection[str]) -> dict[str, Vector]:
        """Return the vector of each of these ids that is there."""
        return {
            str(point.id): np.asarray(point.vector, np.float32)
            for point in self._points(ids, False, True)
        }

    def scan(self) -> Iterator[tuple[str, str]]:
        """Yield (id, digest) of every vector."""
        offset: Any = None
        while self._look(None):
            points, offset = self._link.run(
                "scan",
                lambda client: client.scroll(
                    self._name,
                    limit=_PAGE,
                    offset=offset,  # noqa: B023
                    with_payload=["digest"],
                ),
            )
            for point in points:
                yield str(point.id), (point.payload or {})["digest"]
            if offset is None:
                return

    def search(self, query: Query, k: int) -> SearchResult[Hit]:
        """Return the k nearest vectors that pass the filter."""
        there = self._look(query.deadline)
        check_deadline(self.kind, query.deadline)
        if query.vector is None or not there or k <= 0 or sees_nothing(query.filter):
            return SearchResult()
        vector = validated_vector("the question", query.vector, self._dimension or 0).tolist()
        if self._count is None:
            self._count = self._link.run(
                "count", lambda client: self._counted(client, query.deadline), query.deadline
            )
        exact = self._count <= EXACT
        params = None if self._link.local else models.SearchParams(exact=exact)  # it always is
        asked = k + _SPARE
        while True:
            check_deadline(self.kind, query.deadline)
            points = self._link.run(
                "search",
                lambda client: (
                    client.query_points(
                        self._name,
                        query=vector,
                        query_filter=_condition(query.filter),
                        search_params=params,
                        limit=asked,  # noqa: B023
                        with_payload=False,
                        timeout=self._link.seconds(query.deadline),
                    ).points
                ),
                query.deadline,
            )
            scored = [(str(point.id), round(point.score, 6)) for point in points]
            if top_k_is_stable([score for _, score in scored], k, asked):
                return ranked(self.kind, scored, k)
            asked *= 4

    def health(self) -> Health:
        """Tell whether the server answers and how many vectors it holds."""
        until = time.monotonic() + _HEALTH
        try:
            count = 0
            if self._look(until):
                count = self._link.run("count", lambda client: self._counted(client, until), until)
            version = (
                "in process"
                if self._link.local
                else self._link.run("ask", lambda client: client.info().version)
            )
        except StoreError as error:
            return Health(False, "qdrant", detail=error.reason)
        return Health(
            True, f"qdrant {version}", count, f"{self._name}, {self._dimension or '?'} dimensions"
        )

    def close(self) -> None:
        """Close the connections."""
        self._link.close()

    # ------------------------------------------------------------ the collection

    def _look(self, deadline: float | None) -> bool:
        """Tell whether the collection is there; make it when its dimension is known."""
        if self._link.closed:
            raise self._link.is_closed()
        if self._link.gone:  # deleted behind our back: made again
            self._there = self._link.gone = False
        if not self._there:
            with lock_until(self._making, self.kind, deadline):
                self._there = self._there or self._is_ours(deadline)
            if not self._there and self._dimension is not None:
                self._make(self._dimension, deadline)
        return self._there

    def _is_ours(self, deadline: float | None) -> bool:
        """Tell whether the collection is there; raise when it is not one of this store."""
        if not self._link.run(
            "look for", lambda client: client.collection_exists(self._name), deadline
        ):
            return False
        found = self._link.run(
            "look at", lambda client: client.get_collection(self._name), deadline
        )
        vectors = found.config.params.vectors
        indexed = self._link.local or set(INDEXED) <= set(found.payload_schema)
        if (
            not isinstance(vectors, models.VectorParams)
            or vectors.distance != models.Distance.COSINE
            or (not indexed and found.points_count)
        ):
            raise self._link.failed(
                "use",
                "the collection was not made by hetarag",
                "give this knowledge base a prefix of its own: ?prefix=NAME",
            )
        if self._dimension not in (None, vectors.size):
            raise StoreError(
                self.kind,
                f"the collection {self._name} holds vectors of {vectors.size} dimensions, the "
                f"embedder makes {self._dimension}: set models.embedder back, or give this "
                f"knowledge base a prefix of its own with ?prefix=NAME in {self._setting}",
            )
        if not indexed:  # a process was killed between making it and its indexes
            self._index(deadline)
        self._dimension = vectors.size
        return True

    def _make(self, dimension: int, deadline: float | None = None) -> None:
        """Make the collection and the indexes of its payload; another process may be first."""
        with lock_until(self._making, self.kind, deadline):
            if self._there:
                return
            try:
                self._link.run(
                    "make",
                    lambda client: client.create_collection(
                        self._name,
                        models.VectorParams(size=dimension, distance=models.Distance.COSINE),
                        **self._parameters,
                    ),
                    deadline,
                )
                self._index(deadline)
            except StoreError:
                if not self._is_ours(deadline):
                    raise
            self._there, self._dimension = True, dimension

    def _index(self, deadline: float | None) -> None:
        keyword = models.PayloadSchemaType.KEYWORD
        for field in () if self._link.local else INDEXED:
            self._link.run(
                "index",
                lambda client, field=field: client.create_payload_index(  # type: ignore[misc]
                    self._name, field, keyword, wait=True
                ),
                deadline,
            )

    # ------------------------------------------------------------ asking

    def _points(
        self, ids: Collection[str], fields: list[str] | bool, vectors: bool
    ) -> Iterator[models.Record]:
        known = list(uuids(ids))
        for first in range(0, len(known) if self._look(None) else 0, _PAGE):
            part = known[first : first + _PAGE]
            yield from self._link.run(
                "read",
                lambda client, part=part: client.retrieve(  # type: ignore[misc]
                    self._name, part, with_payload=fields, with_vectors=vectors
                ),
            )

    def _counted(self, client: QdrantClient, deadline: float | None) -> int:
        return client.count(self._name, exact=True, timeout=self._link.seconds(deadline)).count


def _parameters(address: ServerAddress) -> dict[str, Any]:
    """Return how a new collection is spread over the cluster, and whether vectors are shortened."""
    found: dict[str, Any] = {
        "shard_number": address.number("shards", 1, 1024),
        "replication_factor": address.number("replicas", 1, 32),
    }
    quantization = address.text("quantization")
    if quantization not in (None, "none", "int8"):
        raise address.wrong("quantization in the address is none or int8")
    if quantization == "int8":
        found["quantization_config"] = models.ScalarQuantization(
            scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
        )
    return found


def _condition(restriction: Filter) -> models.Filter | None:
    """Return `restriction` as the engine takes it; None lets everything pass."""
    must: list[Any] = []
    if restriction.collections:
        must.append(_any("collection", restriction.collections))
    if restriction.documents is not None:
        must.append(_any("document", restriction.documents))
    if restriction.tags is not None:
        visible: list[Any] = [models.IsEmptyCondition(is_empty=models.PayloadField(key="tags"))]
        if restriction.tags:
            visible.append(_any("tags", restriction.tags))
        must.append(models.Filter(should=visible))
    return models.Filter(must=must) if must else None


def _any(key: str, values: Collection[str]) -> models.FieldCondition:
    chosen = models.MatchAny(any=sorted(encodable(value) for value in values))
    return models.FieldCondition(key=key, match=chosen)
