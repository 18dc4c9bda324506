"""Sample records for a store of any kind, the queries that find them, and the store under test itself.

What a record holds follows from what the store `accepts` and `takes`, as the ledger would send it.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from hetarag.ids import chunk_id, document_id, entity_id, row_id
from hetarag.protocols import Store
from hetarag.store_settings import EMBEDDED
from hetarag.stores.registry import StoreOptions, open_store, store_class
from hetarag.testing.doubles import LiveTables
from hetarag.text import name_key
from hetarag.types import (
    ColumnInfo,
    Entity,
    EvidenceKind,
    Filter,
    LinkedEntity,
    Mention,
    Query,
    Record,
    RecordPart,
    Relation,
    TableInfo,
    Vector,
)

DIMENSION = 8
"""Of the sample records' vectors."""
EVERYTHING = Filter(tags=None)
"""A filter that admits every record."""
SENT_KINDS: tuple[EvidenceKind, ...] = ("chunk", "row", "table")
"""The kinds of evidence that the ledger sends to stores."""


def entity(name: str) -> Entity:
    """Return the entity with this name."""
    key = name_key(name) or name
    return Entity(entity_id(key), key, name)


COMMON = entity("Common Ground")
"""Every sample record mentions it, so that a query for it reaches all of them."""


def unit_vector(seed: int) -> Vector:
    """Return a unit vector that depends on `seed` alone, shape (DIMENSION,)."""
    values = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
    unit: Vector = values / np.linalg.norm(values)
    return unit


def chunk(
    number: int,
    *,
    collection: str = "c",
    document: str | None = None,
    tags: Iterable[str] = (),
    title: str | None = None,
    text: str | None = None,
    alike: bool = False,
) -> Record:
    """Return a chunk with all its parts; with `alike` it differs from others such in its id alone."""
    own = "same" if alike else f"thing{number}"
    title = f"Title {own}" if title is None else title
    text = f"Common ground is where {own} stands." if text is None else text
    named = [COMMON, entity(own)]
    owner = document_id(collection, document or f"doc-{number // 3}")
    return Record(
        id=chunk_id(document_id("samples", "ids"), 1, number),
        kind="chunk",
        document_id=owner,
        collection=collection,
        tags=tuple(tags),
        title=title,
        text=text,
        digest=_digest(owner, tuple(tags), title, text),
        vector=unit_vector(0 if alike else number),
        mentions=tuple(Mention(e, "THING", -1 if i else 0, 0, 6) for i, e in enumerate(named)),
        relations=(Relation(named[0], named[1], "near", 0),),
    )


def row(number: int) -> Record:
    """Return a row of a table, as the stores that search rows are given it."""
    return replace(chunk(number), id=row_id(number + 1, 1), kind="row", relations=())


def table(number: int, *, tags: Iterable[str] = (), name: str | None = None) -> Record:
    """Return a table of two rows with all its parts."""
    name = f"table {number}" if name is None else name
    info = TableInfo(
        number=number + 1,
        id=row_id(number + 1, 0),
        document_id=document_id("c", f"doc-{number}"),
        collection="c",
        tags=tuple(tags),
        title="Sheet",
        name=name,
        physical=f"t_{number + 1}_1",
        columns=(ColumnInfo("select", "c001", "integer"), ColumnInfo("née", "c002", "text")),
        row_count=2,
    )
    rows = [(number, "a"), (None, f"b{number}")]
    return Record(
        id=info.id,
        kind="table",
        document_id=info.document_id,
        collection=info.collection,
        tags=info.tags,
        title=info.title,
        text=name,
        digest=_digest(info, rows),
        vector=unit_vector(number),
        table=info,
        rows=rows,
    )


def with_parts(record: Record, takes: Collection[RecordPart]) -> Record:
    """Return `record` with the parts that a store takes alone."""
    return replace(
        record,
        vector=record.vector if "vector" in takes else None,
        mentions=record.mentions if "names" in takes else (),
        relations=record.relations if "names" in takes else (),
        table=record.table if "table" in takes else None,
        rows=record.rows if "table" in takes else (),
    )


def changed(record: Record) -> Record:
    """Return `record` with another content under the same id."""
    if record.table is not None:
        return replace(record, rows=[(7, "changed"), (8, "changed")], digest=_digest("changed"))
    fresh = chunk(int(record.digest[:6], 16) + 1_000_000, tags=record.tags)
    own = replace(fresh, id=record.id, kind=record.kind)
    if record.vector is None:
        own = replace(own, vector=None)
    return own if record.mentions else replace(own, mentions=(), relations=())


def digests_of(records: Iterable[Record]) -> dict[str, str]:
    """Return what `dict(store.scan())` is for a store that holds these records."""
    return {record.id: record.digest for record in records}


def query_for_all(restriction: Filter = EVERYTHING) -> Query:
    """Return a query that finds every sample record: by its words, by a vector, by a name."""
    named = (LinkedEntity(COMMON, "common ground", 1.0),)
    return Query("common ground", vector=unit_vector(10_000), entities=named, filter=restriction)


def query_for(record: Record, restriction: Filter = EVERYTHING) -> Query:
    """Return a query that finds `record` before the others."""
    named = tuple(LinkedEntity(m.entity, m.entity.name, 1.0) for m in record.mentions[1:])
    text = f"{record.title} {record.text}"
    return Query(text, vector=record.vector, entities=named, filter=restriction)


@dataclass
class StoreUnderTest:
    """A store as the settings name it, by `kind` and `address`, that can be opened again and again.

    `at(folder)` is one place for it; what is written in one is not seen in another. A store that the words,
    vector and names of a query do not reach, such as one that needs a place on the map, is given a subclass
    that overrides `chunk`, `query_for_all` and `query_for`.
    """

    kind: str
    address: str = EMBEDDED
    settings: Mapping[str, Any] = field(default_factory=dict)
    counts_deleted: bool = False
    """Whether deleted records have a share in scores for a while."""
    shows_unfinished: bool = False
    """Whether a write that was killed may leave records behind, which then have no digest."""
    score_error: float = 0.0
    """How far the scores of the same content may lie apart, beyond a millionth of their size."""
    folder: Path = Path()
    _opened: list[Store] = field(default_factory=list, repr=False)

    def at(self, folder: Path) -> Self:
        """Return this store in a place of its own."""
        return replace(self, folder=folder, _opened=[])

    @property
    def prefix(self) -> str:
        """What the names on a server begin with: the same for the same folder."""
        return "t" + hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]

    def open(self) -> Store:
        """Open the store as the engine does."""
        options = StoreOptions(DIMENSION, self.prefix, LiveTables(), self.settings)
        store = open_store(self.kind, self.address, self.folder, options)
        self._opened.append(store)
        return store

    def close(self) -> None:
        """Close whatever has been opened."""
        while self._opened:
            self._opened.pop().close()

    @cached_property
    def accepts(self) -> frozenset[EvidenceKind]:
        """The kinds of evidence that the store is given."""
        return store_class(self.kind, self.address).accepts

    @cached_property
    def takes(self) -> frozenset[RecordPart]:
        """What it is given of a record beside title and text."""
        return store_class(self.kind, self.address).takes

    def sample(self, number: int, kind: EvidenceKind | None = None) -> Record:
        """Return a record of `kind`, by default the first of `SENT_KINDS` that the store accepts."""
        if kind is None:
            return self.sample(number, next(k for k in SENT_KINDS if k in self.accepts))
        if kind == "chunk":
            return self.chunk(number)
        if kind == "table" and "table" in self.takes:
            return with_parts(table(number), self.takes)
        made = replace(row(number), id=row_id(number + 1, int(kind == "row")), kind=kind)
        return with_parts(made, self.takes)

    def samples(self, count: int) -> list[Record]:
        """Return `count` different records."""
        return [self.sample(number) for number in range(count)]

    def chunk(self, number: int, **details: Any) -> Record:
        """Return what `chunk` of this module does, with the parts that the store takes."""
        return with_parts(chunk(number, **details), self.takes)

    def query_for_all(self, restriction: Filter = EVERYTHING) -> Query:
        """Return a query that finds every sample record."""
        return query_for_all(restriction)

    def query_for(self, record: Record, restriction: Filter = EVERYTHING) -> Query:
        """Return a query that finds `record` before the others."""
        return query_for(record, restriction)


def run_together(*works: Callable[[], None]) -> list[BaseException]:
    """Run each work in a thread of its own; return what they raised."""
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if any(thread.is_alive() for thread in threads):
        failures.append(TimeoutError("a thread is at work after 60 seconds"))
    return failures


def _digest(*content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()
