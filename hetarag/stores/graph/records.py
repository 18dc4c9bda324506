"""Records as a graph store writes them: passages, entities, and the edges between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pyarrow as pa  # type: ignore[import-untyped]

from hetarag.stores.graph.snapshot import Edge, Passage
from hetarag.text import encodable
from hetarag.types import Entity, Record


@dataclass(frozen=True, slots=True)
class Batch:
    """Records with different ids; `entities` by id, `edges` beside each record."""

    records: Sequence[Record]
    entities: dict[str, Entity]
    edges: Sequence[tuple[Edge, ...]]

    @classmethod
    def of(cls, records: Sequence[Record]) -> Self:
        """Gather the entities of `records`.

        The ends of a relation are edges too, of count 0 where no mention stands for them: so all
        that a passage brought is found again from the passage.
        """
        entities: dict[str, Entity] = {}
        edges = []
        for record in records:
            counts: dict[str, int] = {}
            titles: set[str] = set()
            for mention in record.mentions:
                entities.setdefault(mention.entity.id, mention.entity)
                counts[mention.entity.id] = counts.get(mention.entity.id, 0) + 1
                if mention.sentence < 0:
                    titles.add(mention.entity.id)
            for relation in record.relations:
                for entity in (relation.source, relation.target):
                    entities.setdefault(entity.id, entity)
                    counts.setdefault(entity.id, 0)
            edges.append(tuple(Edge(key, n, key in titles) for key, n in sorted(counts.items())))
        return cls(records, entities, edges)

    def chunk_table(self) -> pa.Table:
        """Return the passages: id, document, collection, tags, digest, title."""
        records = self.records
        tags = [[encodable(tag) for tag in record.tags] for record in records]
        return pa.table(
            {
                "id": _strings(record.id for record in records),
                "document": _strings(record.document_id for record in records),
                "collection": _strings(record.collection for record in records),
                "tags": pa.array(tags, pa.list_(pa.string())),
                "digest": _strings(record.digest for record in records),
                "title": _strings(record.title for record in records),
            }
        )

    def entity_table(self, entities: Sequence[Entity]) -> pa.Table:
        """Return these entities: id, key, name."""
        return pa.table(
            {
                "id": _strings(entity.id for entity in entities),
                "key": _strings(entity.key for entity in entities),
                "name": _strings(entity.name for entity in entities),
            }
        )

    def mention_table(self) -> pa.Table:
        """Return the edges from passages to entities: from, to, count, in_title."""
        found = [
            (record.id, edge)
            for record, edges in zip(self.records, self.edges, strict=True)
            for edge in edges
        ]
        return pa.table(
            {
                "from": _strings(identifier for identifier, _ in found),
                "to": _strings(edge.entity for _, edge in found),
                "count": pa.array([edge.times for _, edge in found], pa.int64()),
                "in_title": pa.array([edge.in_title for _, edge in found], pa.bool_()),
            }
        )

    def relation_table(self) -> pa.Table:
        """Return the edges between entities: from, to, chunk, predicate, sentence."""
        found = [(record.id, relation) for record in self.records for relation in record.relations]
        return pa.table(
            {
                "from": _strings(relation.source.id for _, relation in found),
                "to": _strings(relation.target.id for _, relation in found),
                "chunk": _strings(identifier for identifier, _ in found),
                "predicate": _strings(relation.predicate for _, relation in found),
                "sentence": pa.array([relation.sentence for _, relation in found], pa.int64()),
            }
        )


def passages_of(batch: Batch) -> Iterator[Passage]:
    """Yield the batch as the graph in memory takes it."""
    for record, edges in zip(batch.records, batch.edges, strict=True):
        tags = tuple(encodable(tag) for tag in record.tags)
        yield Passage(record.id, record.document_id, encodable(record.collection), tags, edges)


def chunk_rows(batch: Batch) -> list[dict[str, Any]]:
    """Return each passage's own properties, as `Batch.chunk_table` has them, and its edges."""
    return [
        {"own": _chunk_row(record), "edges": [list(edge) for edge in edges]}
        for record, edges in zip(batch.records, batch.edges, strict=True)
    ]


def _chunk_row(record: Record) -> dict[str, Any]:
    return {
        "id": encodable(record.id),
        "document": encodable(record.document_id),
        "collection": encodable(record.collection),
        "tags": [encodable(tag) for tag in record.tags],
        "digest": encodable(record.digest),
        "title": encodable(record.title),
    }


def entity_row(entity: Entity) -> dict[str, str]:
    """Return an entity's properties, as `Batch.entity_table` has them."""
    return {
        "id": encodable(entity.id),
        "key": encodable(entity.key),
        "name": encodable(entity.name),
    }


def relation_rows(batch: Batch) -> list[list[Any]]:
    """Return the edges between entities as rows of `Batch.relation_table`."""
    return [
        [
            encodable(relation.source.id),
            encodable(relation.target.id),
            encodable(record.id),
            encodable(relation.predicate),
            relation.sentence,
        ]
        for record in batch.records
        for relation in record.relations
    ]


def _strings(values: Iterator[str]) -> pa.Array:
    return pa.array([encodable(value) for value in values], pa.string())
