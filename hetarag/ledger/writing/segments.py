"""Segments: what a version owes to a store, in pieces that make a batch.

A segment is a run of a version's chunks (by ordinal), one of its tables, or a run of a table's rows.
Puts and removes are written in the same terms, so that whatever was put can be removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from hetarag.ledger.schema import chunks, tables
from hetarag.ledger.session import batched
from hetarag.types import EvidenceKind
from hetarag.types.common import AcceptedKinds

CHARACTERS = 8_000_000
_ROW_CHARACTERS = 200


class Segment(NamedTuple):
    """One row of the outbox, before it has a store and an operation."""

    generation: int
    part: str  # chunks, table or rows
    table: int | None
    first: int
    last: int
    size: int

    @property
    def kind(self) -> EvidenceKind:
        """The kind of evidence in this segment."""
        kinds: dict[str, EvidenceKind] = {"chunks": "chunk", "table": "table", "rows": "row"}
        return kinds[self.part]


def segments_of(
    connection: Connection, generations: Iterable[int], batch: int
) -> Iterator[Segment]:
    """Yield the segments of these versions from what the ledger holds of them."""
    for part in batched(list(generations)):
        lengths: dict[int, list[tuple[int, int]]] = {}
        rows = connection.execute(
            select(chunks.c.generation, chunks.c.ordinal, chunks.c.end - chunks.c.start)
            .where(chunks.c.generation.in_(part))
            .order_by(chunks.c.generation, chunks.c.ordinal)
        )
        for generation, ordinal, length in rows.all():
            lengths.setdefault(generation, []).append((ordinal, length))
        for generation in part:
            yield from _chunk_segments(generation, lengths.get(generation, []), batch)
        found = connection.execute(
            select(tables.c.generation, tables.c.number, tables.c.embedded_rows)
            .where(tables.c.generation.in_(part))
            .order_by(tables.c.number)
        )
        for generation, number, embedded in found.all():
            yield Segment(generation, "table", number, 0, 0, 1_000)
            for first in range(1, embedded + 1, batch):
                last = min(first + batch - 1, embedded)
                size = (last - first + 1) * _ROW_CHARACTERS
                yield Segment(generation, "rows", number, first, last, size)


def outbox_rows(
    segments: Iterable[Segment], operation: str, accepted: AcceptedKinds
) -> list[dict[str, Any]]:
    """Return the outbox rows that owe these segments to every store that takes their kind."""
    return [
        {"store": store, "operation": operation, **segment._asdict()}
        for segment in segments
        for store, accepts in accepted.items()
        if segment.kind in accepts
    ]


def _chunk_segments(
    generation: int, lengths: list[tuple[int, int]], batch: int
) -> Iterator[Segment]:
    first, size = 0, 0
    for ordinal, length in lengths:
        if ordinal > first and (ordinal - first >= batch or size + length > CHARACTERS):
            yield Segment(generation, "chunks", None, first, ordinal - 1, size)
            first, size = ordinal, 0
        size += length
    if lengths:
        yield Segment(generation, "chunks", None, first, lengths[-1][0], size)
