"""Records: what a store gets, made from what the ledger holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import select

from hetarag.ids import digest_of, row_id
from hetarag.ledger.delivery.embedding_cache import EmbeddingCache
from hetarag.ledger.delivery.record_rows import (
    Owner,
    cell_mentions,
    chunk_mentions,
    chunk_relations,
    chunk_rows,
    ids_of,
    owners_of,
    table_digest,
    table_of,
)
from hetarag.ledger.reading.stored_text import slices
from hetarag.ledger.schema import (
    staged_rows,
)
from hetarag.ledger.session import Ledger
from hetarag.ledger.staged_rows import unpack_rows
from hetarag.ledger.writing.segments import Segment
from hetarag.protocols import TableStore
from hetarag.rendering import render_row, render_table
from hetarag.text import SECTION, name_key
from hetarag.types import Cell, Record, RecordPart, TableInfo

_SAMPLE_ROWS = 5


Parts = frozenset[RecordPart]


class Destination(NamedTuple):
    """The store that records are made for: its name, and what it takes beside title and text."""

    name: str
    takes: Parts


class RecordReader:
    """Makes the records of segments for a store.

    `rows_in` is the name of the store that holds the rows of tables, and `tables` opens it.
    """

    def __init__(
        self,
        ledger: Ledger,
        embeddings: Callable[[], EmbeddingCache],
        tables: Callable[[], TableStore | None],
        rows_in: str | None,
    ) -> None:
        # Called when first needed: an embedder is slow to load, and no store is needed to start.
        self._ledger = ledger
        self._embeddings = embeddings
        self._tables = tables
        self._rows_in = rows_in

    def ids(self, segments: Iterable[Segment]) -> list[str]:
        """Return the ids in these segments."""
        with self._ledger.reading() as connection:
            return [
                identifier for segment in segments for identifier in ids_of(connection, segment)
            ]

    def digests(self, segments: Iterable[Segment], takes: Parts) -> dict[str, str]:
        """Return the digest of each record of these segments for a store that takes these parts."""
        segments = list(segments)
        found: dict[str, str] = {}
        with self._ledger.reading() as connection:
            owners = owners_of(connection, {segment.generation for segment in segments})
            for row in chunk_rows(connection, segments):
                context = self._context(takes, owners[row.generation])
                found[row.id] = digest_of(row.digest, *context)
            for segment in segments:
                if segment.table is None or segment.generation not in owners:
                    continue
                context = self._context(takes, owners[segment.generation])
                digest = table_digest(connection, segment.table)
                for identifier in ids_of(connection, segment):
                    found[identifier] = digest_of(digest, identifier, *context)
        return found

    def records(
        self, segments: Iterable[Segment], to: Destination, only: Collection[str]
    ) -> list[Record]:
        """Return the records of these segments whose ids are in `only`."""
        segments = list(segments)
        found = self._chunk_records(segments, to.takes, only)
        for segment in segments:
            if segment.part == "table":
                new = self._table_record(segment, to, only)
            elif segment.part == "rows":
                new = self._row_records(segment, to.takes, only)
            else:
                continue
            found += [(segment.generation, record) for record in new]
        if "vector" not in to.takes or not found:
            return [record for _, record in found]
        texts = [(generation, embedding_text(r.title, r.text)) for generation, r in found]
        vectors = self._embeddings().vectors(texts)
        return [replace(r, vector=v) for (_, r), v in zip(found, vectors, strict=True)]

    def _context(self, takes: Parts, owner: Owner) -> tuple[str, ...]:
        """What a record's digest covers beside its content."""
        own = (self._embeddings().fingerprint,) if "vector" in takes else ()
        return (owner.document, owner.collection, *owner.tags, *own)

    def _chunk_records(
        self, segments: Sequence[Segment], takes: Parts, only: Collection[str]
    ) -> list[tuple[int, Record]]:
        with self._ledger.reading() as connection:
            owners = owners_of(connection, {segment.generation for segment in segments})
            rows = [row for row in chunk_rows(connection, segments) if row.id in only]
            texts = slices(connection, [(row.generation, row.start, row.end) for row in rows])
            numbers = [row.number for row in rows] if "names" in takes else []
            named = chunk_mentions(connection, numbers)
            related = chunk_relations(connection, numbers)
        found = []
        for row, text in zip(rows, texts, strict=True):
            owner = owners[row.generation]
            record = Record(
                id=row.id,
                kind="chunk",
                document_id=owner.document,
                collection=owner.collection,
                tags=owner.tags,
                title=section_title(owner.title, row.section, text),
                text=text,
                digest=digest_of(row.digest, *self._context(takes, owner)),
                mentions=tuple(named.get(row.number, ())),
                relations=tuple(related.get(row.number, ())),
            )
            found.append((row.generation, record))
        return found

    def _table_record(
        self, segment: Segment, to: Destination, only: Collection[str]
    ) -> list[Record]:
        with self._ledger.reading() as connection:
            info = table_of(connection, segment.table)
            owners = owners_of(connection, {segment.generation})
            digest = table_digest(connection, segment.table)
        if info is None or info.id not in only:
            return []
        context = self._context(to.takes, owners[segment.generation])
        record = self._of_table(info, "table", info.id, "", digest, context)
        if "table" in to.takes:
            return [replace(record, table=info, rows=self._rows_for(info, to))]
        sample = self._rows(info, 1, min(_SAMPLE_ROWS, info.row_count))
        return [replace(record, text=render_table(info, sample))]

    def _row_records(self, segment: Segment, takes: Parts, only: Collection[str]) -> list[Record]:
        with self._ledger.reading() as connection:
            info = table_of(connection, segment.table)
            owners = owners_of(connection, {segment.generation})
            digest = table_digest(connection, segment.table)
        if info is None:
            return []
        context = self._context(takes, owners[segment.generation])
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
            found.append(replace(record, mentions=cell_mentions(cells)))
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
        """Rows from the store that holds them, or those on their way to it when there is none."""
        store = self._tables()
        if store is not None:
            return store.rows(info, first, last)
        staged = list(self._staged(info))
        return staged[first - 1 : last]

    def _rows_for(self, info: TableInfo, to: Destination) -> Iterable[tuple[Cell, ...]] | None:
        """All rows of a table; None for the store that has them and nobody else."""
        if self._is_staged(info):
            return self._staged(info)
        return None if to.name == self._rows_in else self._rows(info, 1, info.row_count)

    def _is_staged(self, info: TableInfo) -> bool:
        """Tell whether the ledger still has the table's rows: until the SQL store has taken them."""
        if info.row_count == 0:
            return True
        own = select(staged_rows.c.batch).where(staged_rows.c.table == info.number).limit(1)
        with self._ledger.reading() as connection:
            return connection.execute(own).first() is not None

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


def embedding_text(title: str, text: str) -> str:
    """Return the text that is embedded: the title first, unless the text begins with it."""
    if not title or name_key(text[: len(title) + 8]).startswith(name_key(title)):
        return text
    return f"{title}. {text}"


def section_title(title: str, section: str | None, text: str) -> str:
    """Return the title of a chunk for its stores: with the headings above it but those in its text.

    Words that a store has in both count twice.
    """
    if not section:
        return title
    names = [title, *section.split(SECTION)]
    for first in range(len(names)):
        opening = name_key(" ".join(names[first:]))
        if f"{name_key(text[: 2 * len(opening) + 8])} ".startswith(f"{opening} "):
            return SECTION.join(names[: max(1, first)])
    return SECTION.join(names)
