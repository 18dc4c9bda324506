"""Records: what a store gets, made from what the ledger holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from hetarag.ids import chunk_id, entity_id, row_id
from hetarag.ledger.catalogue import read_tables, read_tags
from hetarag.ledger.contents import digest_of, unpack_rows
from hetarag.ledger.embeddings import EmbeddingCache
from hetarag.ledger.ledger import Ledger, parts
from hetarag.ledger.schema import (
    chunks,
    documents,
    entities,
    mentions,
    relations,
    staged_rows,
    tables,
    versions,
)
from hetarag.ledger.segments import Segment
from hetarag.ledger.texts import slices
from hetarag.protocols import TableStore
from hetarag.rendering import render_row, render_table
from hetarag.text import name_key
from hetarag.types import Cell, Entity, Mention, Record, Relation, StoreKind, TableInfo

_SAMPLE_ROWS = 5
_CELL_NAME = 80


class RecordReader:
    """Makes the records of segments for a kind of store."""

    def __init__(
        self,
        ledger: Ledger,
        embeddings: Callable[[], EmbeddingCache],
        tables: Callable[[], TableStore | None],
    ) -> None:
        # Called when first needed: an embedder is slow to load, and no store is needed to start.
        self._ledger = ledger
        self._embeddings = embeddings
        self._tables = tables

    def ids(self, segments: Iterable[Segment]) -> list[str]:
        """Return the ids in these segments."""
        with self._ledger.reading() as connection:
            return [identifier for segment in segments for identifier in _ids(connection, segment)]

    def digests(self, segments: Iterable[Segment], kind: StoreKind) -> dict[str, str]:
        """Return the digest of each record of these segments as a store of this kind gets it."""
        segments = list(segments)
        found: dict[str, str] = {}
        with self._ledger.reading() as connection:
            owners = _owners(connection, {segment.generation for segment in segments})
            for row in _chunk_rows(connection, segments):
                context = self._context(kind, owners[row.generation])
                found[row.id] = digest_of(row.digest, *context)
            for segment in segments:
                if segment.table is None or segment.generation not in owners:
                    continue
                context = self._context(kind, owners[segment.generation])
                digest = _table_digest(connection, segment.table)
                for identifier in _ids(connection, segment):
                    found[identifier] = digest_of(digest, identifier, *context)
        return found

    def records(
        self, segments: Iterable[Segment], kind: StoreKind, only: Collection[str]
    ) -> list[Record]:
        """Return the records of these segments whose ids are in `only`."""
        segments = list(segments)
        found = self._chunk_records(segments, kind, only)
        for segment in segments:
            if segment.part == "table":
                new = self._table_record(segment, kind, only)
            elif segment.part == "rows":
                new = self._row_records(segment, kind, only)
            else:
                continue
            found += [(segment.generation, record) for record in new]
        if kind != "vector" or not found:
            return [record for _, record in found]
        texts = [(generation, passage(r.title, r.text)) for generation, r in found]
        vectors = self._embeddings().vectors(texts)
        return [replace(r, vector=v) for (_, r), v in zip(found, vectors, strict=True)]

    def _context(self, kind: StoreKind, owner: _Owner) -> tuple[str, ...]:
        """What a record's digest covers beside its content."""
        own = (self._embeddings().fingerprint,) if kind == "vector" else ()
        return (owner.document, owner.collection, *owner.tags, *own)

    def _chunk_records(
        self, segments: Sequence[Segment], kind: StoreKind, only: Collection[str]
    ) -> list[tuple[int, Record]]:
        with self._ledger.reading() as connection:
            owners = _owners(connection, {segment.generation for segment in segments})
            rows = [row for row in _chunk_rows(connection, segments) if row.id in only]
            texts = slices(connection, [(row.generation, row.start, row.end) for row in rows])
            numbers = [row.number for row in rows] if kind == "graph" else []
            named = _mentions(connection, numbers)
            related = _relations(connection, numbers)
        found = []
        for row, text in zip(rows, texts, strict=True):
            owner = owners[row.generation]
            record = Record(
                id=row.id,
                kind="chunk",
                document_id=owner.document,
                collection=owner.collection,
                tags=owner.tags,
                title=owner.title,
                text=text,
                digest=digest_of(row.digest, *self._context(kind, owner)),
                mentions=tuple(named.get(row.number, ())),
                relations=tuple(related.get(row.number, ())),
            )
            found.append((row.generation, record))
        return found

    def _table_record(
        self, segment: Segment, kind: StoreKind, only: Collection[str]
    ) -> list[Record]:
        with self._ledger.reading() as connection:
            info = _table(connection, segment.table)
            owners = _owners(connection, {segment.generation})
            digest = _table_digest(connection, segment.table)
        if info is None or info.id not in only:
            return []
        context = self._context(kind, owners[segment.generation])
        record = self._of_table(info, "table", info.id, "", digest, context)
        if kind == "sql":
            return [replace(record, table=info, rows=self._staged(info))]
        sample = self._rows(info, 1, min(_SAMPLE_ROWS, info.row_count))
        return [replace(record, text=render_table(info, sample))]

    def _row_records(
        self, segment: Segment, kind: StoreKind, only: Collection[str]
    ) -> list[Record]:
        with self._ledger.reading() as connection:
            info = _table(connection, segment.table)
            owners = _owners(connection, {segment.generation})
            digest = _table_digest(connection, segment.table)
        if info is None:
            return []
        context = self._context(kind, owners[segment.generation])
        found = []
        for number, cells in enumerate(
            self._rows(info, segment.first, segment.last), start=segment.first
        ):
            identifier = row_id(info.number, number)
            if identifier not in only:
                continue
            record = self._of_table(
                info, "row", identifier, render_row(info, cells), digest, context
            )
            found.append(replace(record, mentions=_cell_mentions(cells)))
        return found

    @staticmethod
    def _of_table(
        info: TableInfo,
        kind: Any,
        identifier: str,
        text: str,
        digest: str,
        context: tuple[str, ...],
    ) -> Record:
        return Record(
            id=identifier,
            kind=kind,
            document_id=info.document_id,
            collection=info.collection,
            tags=info.tags,
            title=info.title,
            text=text,
            digest=digest_of(digest, identifier, *context),
        )

    def _rows(self, info: TableInfo, first: int, last: int) -> Sequence[tuple[Cell, ...]]:
        """Rows from the SQL store, or those on their way to it when there is none."""
        store = self._tables()
        if store is not None:
            return store.rows(info, first, last)
        staged = list(self._staged(info))
        return staged[first - 1 : last]

    def _staged(self, info: TableInfo) -> Iterator[tuple[Cell, ...]]:
        with self._ledger.reading() as connection:
            count = len(
                connection.scalars(
                    select(staged_rows.c.batch).where(staged_rows.c.table == info.number)
                ).all()
            )
        for batch in range(count):
            with self._ledger.reading() as connection:
                data = connection.scalar(
                    select(staged_rows.c.rows).where(
                        staged_rows.c.table == info.number, staged_rows.c.batch == batch
                    )
                )
            yield from unpack_rows(data or b"")


def passage(title: str, text: str) -> str:
    """Return the text that is embedded: the title first, unless the text begins with it."""
    if not title or name_key(text[: len(title) + 8]).startswith(name_key(title)):
        return text
    return f"{title}. {text}"


class _Owner(NamedTuple):
    """The document that a version belongs to, as records show it."""

    document: str
    collection: str
    title: str
    tags: tuple[str, ...]


def _owners(connection: Connection, generations: Collection[int]) -> dict[int, _Owner]:
    found: dict[int, _Owner] = {}
    for part in parts(sorted(generations)):
        rows = connection.execute(
            select(versions.c.generation, documents.c.id, documents.c.collection, versions.c.title)
            .join(documents, documents.c.id == versions.c.document_id)
            .where(versions.c.generation.in_(part))
        ).all()
        tags = read_tags(connection, {row.id for row in rows})
        for row in rows:
            found[row.generation] = _Owner(row.id, row.collection, row.title, tags.get(row.id, ()))
    return found


def _chunk_rows(connection: Connection, segments: Sequence[Segment]) -> list[Any]:
    """The ledger's rows of all chunks in these segments, by generation and ordinal."""
    ranges: dict[int, list[Segment]] = {}
    for segment in segments:
        if segment.part == "chunks":
            ranges.setdefault(segment.generation, []).append(segment)
    found: list[Any] = []
    for part in parts(sorted(ranges)):
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


def _table(connection: Connection, number: int | None) -> TableInfo | None:
    found = read_tables(connection, tables.c.number == number)
    return found[0] if found else None


def _table_digest(connection: Connection, number: int | None) -> str:
    return connection.scalar(select(tables.c.digest).where(tables.c.number == number)) or ""


def _ids(connection: Connection, segment: Segment) -> list[str]:
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


def _mentions(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Mention]]:
    found: dict[int, list[Mention]] = {}
    for part in parts(numbers):
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


def _relations(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Relation]]:
    found: dict[int, list[Relation]] = {}
    source, target = entities.alias(), entities.alias()
    for part in parts(numbers):
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


def _cell_mentions(cells: Sequence[Cell]) -> tuple[Mention, ...]:
    """Text cells name things: they link a row to the passages about them."""
    found: dict[str, Mention] = {}
    for cell in cells:
        key = name_key(cell) if isinstance(cell, str) and len(cell) <= _CELL_NAME else ""
        if len(key) > 1 and not key.replace(" ", "").isdigit():
            entity = Entity(entity_id(key), key, str(cell))
            found.setdefault(key, Mention(entity, "CELL", 0, 0, 0))
    return tuple(found.values())
