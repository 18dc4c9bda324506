"""The rows of one version: text, chunks, mentions, tables; written together, forgotten together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy import Table as SqlTable

from hetarag.ids import chunk_id, digest_of, document_id
from hetarag.ledger import schema
from hetarag.ledger.session import batched
from hetarag.ledger.staged_rows import STAGED_ROWS, pack_rows
from hetarag.ledger.writing.entities import collect, resolve
from hetarag.text import headed
from hetarag.types import Chunk, Document, Mention, MetadataValue, Relation, Table

Extraction = tuple[tuple[Mention, ...], tuple[Relation, ...]]


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A document ready to be recorded; `tags` None keeps those that it has."""

    document: Document
    collection: str
    chunks: Sequence[Chunk]
    extractions: Sequence[Extraction]
    tags: tuple[str, ...] | None = None
    splitter: str = ""
    extractor: str = ""

    @property
    def id(self) -> str:
        """The document's id."""
        return document_id(self.collection, self.document.uri)


Batch = Sequence[tuple[int, NewVersion]]
"""Versions to be written, each with its generation."""


def write_versions(connection: Connection, batch: Batch, embed_rows: int) -> None:
    """Write the versions' own rows, their texts in pieces, their tables with staged rows."""
    connection.execute(
        insert(schema.versions),
        [
            {
                "generation": generation,
                "document_id": item.id,
                "state": "pending",
                "sha256": item.document.sha256,
                "splitter": item.splitter,
                "extractor": item.extractor,
                "media_type": item.document.media_type,
                "title": item.document.title,
                "length": len(item.document.text),
                "pages": [[page.number, page.start, page.end] for page in item.document.pages],
                "headings": [[h.level, h.start, h.end] for h in item.document.headings],
                "metadata": dict(item.document.metadata),
            }
            for generation, item in batch
        ],
    )
    size = schema.PIECE
    pieces = [
        {"generation": generation, "piece": at // size, "text": item.document.text[at : at + size]}
        for generation, item in batch
        for at in range(0, len(item.document.text), size)
    ]
    if pieces:
        connection.execute(insert(schema.texts), pieces)
    for generation, item in batch:
        for ordinal, table in enumerate(item.document.tables):
            _write_table(connection, generation, ordinal, table, embed_rows)


def write_chunks(connection: Connection, items: Batch) -> None:
    """Write chunks, entities, mentions and relations of a batch of versions."""
    rows = [row for generation, item in items for row in _chunk_rows(generation, item)]
    if not rows:
        return
    connection.execute(insert(schema.chunks), rows)
    numbers: dict[str, int] = {}
    for part in batched([row["id"] for row in rows]):
        found = select(schema.chunks.c.id, schema.chunks.c.number).where(
            schema.chunks.c.id.in_(part)
        )
        numbers.update({identifier: n for identifier, n in connection.execute(found).all()})
    extractions = [e for _, item in items for e in item.extractions]
    entities = resolve(connection, extractions)
    mention_rows: list[dict[str, Any]] = []
    relation_rows: list[dict[str, Any]] = []
    for row, (mentions, relations) in zip(rows, extractions, strict=True):
        chunk = numbers[row["id"]]
        mention_rows += [
            {
                "chunk": chunk,
                "entity": entities[m.entity.key],
                "label": m.label[:40],
                "sentence": m.sentence,
                "start": m.start,
                "end": m.end,
            }
            for m in mentions
        ]
        relation_rows += [
            {
                "chunk": chunk,
                "source": entities[r.source.key],
                "target": entities[r.target.key],
                "predicate": r.predicate[:200],
                "sentence": r.sentence,
            }
            for r in relations
        ]
    if mention_rows:
        connection.execute(insert(schema.mentions), mention_rows)
    if relation_rows:
        connection.execute(insert(schema.relations), relation_rows)


def write_tags(connection: Connection, tags: Mapping[str, Iterable[str]]) -> None:
    """Replace the tags of documents (by id)."""
    rows = [
        {"document_id": document, "tag": name}
        for document, names in tags.items()
        for name in sorted(set(names))
    ]
    _replace(connection, schema.tags, list(tags), rows)


def write_attributes(
    connection: Connection, metadata: Mapping[str, Mapping[str, MetadataValue]]
) -> None:
    """Replace the searchable metadata of documents (by id) by that of their live versions."""
    rows = [
        {
            "document_id": document,
            "key": key[:200],
            "text": str(value)[: schema.KEY_LENGTH],
            "number": float(value) if isinstance(value, int | float) else None,
        }
        for document, values in metadata.items()
        for key, value in values.items()
    ]
    _replace(connection, schema.attributes, list(metadata), rows)


def forget(connection: Connection, generations: Sequence[int]) -> None:
    """Remove everything that these versions had, and the entities that nothing mentions then."""
    own = select(schema.chunks.c.number).where(schema.chunks.c.generation.in_(generations))
    named = set(
        connection.scalars(
            select(schema.mentions.c.entity).where(schema.mentions.c.chunk.in_(own)).distinct()
        )
    )
    for table in (schema.mentions, schema.relations):
        connection.execute(delete(table).where(table.c.chunk.in_(own)))
    collect(connection, named)
    tables = select(schema.tables.c.number).where(schema.tables.c.generation.in_(generations))
    staged = schema.staged_rows
    connection.execute(delete(staged).where(staged.c.table.in_(tables)))
    for table in (schema.chunks, schema.tables, schema.texts, schema.embeddings, schema.versions):
        connection.execute(delete(table).where(table.c.generation.in_(generations)))


def _replace(
    connection: Connection, table: SqlTable, documents: Sequence[str], rows: list[dict[str, Any]]
) -> None:
    for part in batched(documents):
        connection.execute(delete(table).where(table.c.document_id.in_(part)))
    if rows:
        connection.execute(insert(table), rows)


def _write_table(
    connection: Connection, generation: int, ordinal: int, table: Table, embed_rows: int
) -> None:
    columns = [
        {"name": column.name, "physical": f"c{number:03d}", "type": column.type}
        for number, column in enumerate(table.columns, start=1)
    ]
    batches = [
        pack_rows(table.rows[at : at + STAGED_ROWS])
        for at in range(0, len(table.rows), STAGED_ROWS)
    ]
    count = len(table.rows)
    result = connection.execute(
        insert(schema.tables).values(
            generation=generation,
            ordinal=ordinal,
            name=table.name,
            physical=f"t_{generation}_{ordinal}",
            columns=columns,
            row_count=count,
            embedded_rows=count if count <= embed_rows else 0,
            digest=digest_of(json.dumps([table.name, columns], ensure_ascii=False), *batches),
        )
    )
    if batches and result.inserted_primary_key:
        number = result.inserted_primary_key[0]
        connection.execute(
            insert(schema.staged_rows),
            [{"table": number, "batch": n, "rows": data} for n, data in enumerate(batches)],
        )


def _chunk_rows(generation: int, item: NewVersion) -> list[dict[str, Any]]:
    document = item.document
    return [
        {
            "id": chunk_id(item.id, generation, chunk.ordinal),
            "generation": generation,
            "ordinal": chunk.ordinal,
            "start": chunk.start,
            "end": chunk.end,
            "page": chunk.page,
            "sentences": [list(span) for span in chunk.sentences],
            "section": chunk.section or None,
            "digest": digest_of(
                headed(document.title, chunk.section),
                document.text[chunk.start : chunk.end],
                *(f"{m.entity.key}/{m.sentence}" for m in mentions),
            ),
        }
        for chunk, (mentions, _) in zip(item.chunks, item.extractions, strict=True)
    ]
