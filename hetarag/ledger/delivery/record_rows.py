"""The ledger's rows behind records, read for many versions at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from hetarag.ids import chunk_id, entity_id, row_id
from hetarag.ledger.reading.table_catalogue import read_tables, read_tags
from hetarag.ledger.schema import chunks, documents, entities, mentions, relations, tables, versions
from hetarag.ledger.session import batched
from hetarag.ledger.writing.segments import Segment
from hetarag.text import name_key
from hetarag.types import Cell, Entity, Mention, Relation, TableInfo

_CELL_NAME = 80


class Owner(NamedTuple):
    """The document that a version belongs to, as records show it."""

    document: str
    collection: str
    title: str
    tags: tuple[str, ...]


def owners_of(connection: Connection, generations: Collection[int]) -> dict[int, Owner]:
    """Return the documents that these versions belong to."""
    found: dict[int, Owner] = {}
    for part in batched(sorted(generations)):
        rows = connection.execute(
            select(versions.c.generation, documents.c.id, documents.c.collection, versions.c.title)
            .join(documents, documents.c.id == versions.c.document_id)
            .where(versions.c.generation.in_(part))
        ).all()
        tags = read_tags(connection, {row.id for row in rows})
        for row in rows:
            found[row.generation] = Owner(row.id, row.collection, row.title, tags.get(row.id, ()))
    return found


def chunk_rows(connection: Connection, segments: Sequence[Segment]) -> list[Any]:
    """The ledger's rows of all chunks in these segments, by generation and ordinal."""
    ranges: dict[int, list[Segment]] = {}
    for segment in segments:
        if segment.part == "chunks":
            ranges.setdefault(segment.generation, []).append(segment)
    found: list[Any] = []
    for part in batched(sorted(ranges)):
        bounds = [s for generation in part for s in ranges[generation]]
        rows = connection.execute(
            select(chunks)
            .where(
                chunks.c.generation.in_(part),
                chunks.c.ordinal >= min(s.first for s in bounds),
                chunks.c.ordinal <= max(s.last for s in bounds),
            )
            .order_by(chunks.c.generation, chunks.c.ordinal)
        )
        found += [
            row
            for row in rows.all()
            if any(s.first <= row.ordinal <= s.last for s in ranges[row.generation])
        ]
    return found


def table_of(connection: Connection, number: int | None) -> TableInfo | None:
    """Return the catalogue entry of a table version."""
    found = read_tables(connection, tables.c.number == number)
    return found[0] if found else None


def table_digest(connection: Connection, number: int | None) -> str:
    """Return the digest of a table version's content."""
    return connection.scalar(select(tables.c.digest).where(tables.c.number == number)) or ""


def ids_of(connection: Connection, segment: Segment) -> list[str]:
    """Return the ids in a segment."""
    if segment.part == "chunks":
        document = connection.scalar(
            select(versions.c.document_id).where(versions.c.generation == segment.generation)
        )
        return [
            chunk_id(document, segment.generation, ordinal)
            for ordinal in range(segment.first, segment.last + 1)
            if document
        ]
    return [row_id(segment.table or 0, n) for n in range(segment.first, segment.last + 1)]


def chunk_mentions(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Mention]]:
    """Return the mentions of chunks (by number)."""
    found: dict[int, list[Mention]] = {}
    for part in batched(numbers):
        rows = connection.execute(
            select(mentions, entities.c.key, entities.c.name)
            .join(entities, entities.c.number == mentions.c.entity)
            .where(mentions.c.chunk.in_(part))
            .order_by(mentions.c.number)
        )
        for row in rows.all():
            entity = Entity(entity_id(row.key), row.key, row.name)
            found.setdefault(row.chunk, []).append(
                Mention(entity, row.label, row.sentence, row.start, row.end)
            )
    return found


def chunk_relations(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Relation]]:
    """Return the relations of chunks (by number)."""
    found: dict[int, list[Relation]] = {}
    source, target = entities.alias(), entities.alias()
    for part in batched(numbers):
        rows = connection.execute(
            select(
                relations.c.chunk,
                relations.c.predicate,
                relations.c.sentence,
                source.c.key,
                source.c.name,
                target.c.key,
                target.c.name,
            )
            .join(source, source.c.number == relations.c.source)
            .join(target, target.c.number == relations.c.target)
            .where(relations.c.chunk.in_(part))
            .order_by(relations.c.number)
        )
        for chunk, predicate, sentence, key, name, other_key, other_name in rows.all():
            one = Entity(entity_id(key), key, name)
            other = Entity(entity_id(other_key), other_key, other_name)
            found.setdefault(chunk, []).append(Relation(one, other, predicate, sentence))
    return found


def cell_mentions(cells: Sequence[Cell]) -> tuple[Mention, ...]:
    """Text cells name things: they link a row to the passages about them."""
    found: dict[str, Mention] = {}
    for cell in cells:
        key = name_key(cell) if isinstance(cell, str) and len(cell) <= _CELL_NAME else ""
        if len(key) > 1 and not key.replace(" ", "").isdigit():
            entity = Entity(entity_id(key), key, str(cell))
            found.setdefault(key, Mention(entity, "CELL", 0, 0, 0))
    return tuple(found.values())
