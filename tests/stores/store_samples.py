"""Records, questions and stores for the contract tests; also used by their child processes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hetarag.ids import chunk_id, document_id, entity_id, row_id
from hetarag.protocols import Store
from hetarag.stores.registry import STORES, StoreOptions, open_store
from hetarag.text import name_key
from hetarag.types import (
    ColumnInfo,
    Entity,
    Filter,
    LinkedEntity,
    Mention,
    Query,
    Record,
    Relation,
    StoreKind,
    TableInfo,
    Vector,
)

DIMENSION = 8
RANKED: tuple[StoreKind, ...] = ("vector", "fulltext", "graph")


class Target(NamedTuple):
    """An engine that the contract tests run on; `server` is the fixture with its address."""

    kind: StoreKind
    scheme: str = "embedded"
    server: str = ""


TARGETS = [
    *(
        Target(part.removesuffix(".embedded"))
        for part in STORES.names()
        if part.endswith(".embedded")
    ),
    Target("vector", "qdrant+local", "qdrant_local_address"),
    Target("vector", "http", "qdrant_http_address"),
    Target("fulltext", "elasticsearch+http", "elasticsearch_address"),
    Target("graph", "bolt", "neo4j_address"),
    Target("sql", "postgresql+psycopg", "postgresql_address"),
    Target("sql", "mariadb+pymysql", "mariadb_address"),
]
RANKED_TARGETS = [target for target in TARGETS if target.kind in RANKED]


def entity(name: str) -> Entity:
    """Return the entity with this name."""
    key = name_key(name) or name
    return Entity(entity_id(key), key, name)


EVERYTHING = Filter(tags=None)
COMMON = entity("Common Ground")
"""Every sample record mentions it, so that a question for it reaches all of them."""


def vector(seed: int) -> Vector:
    """Return a unit vector that depends on `seed` alone."""
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
    """Return a chunk; with `alike` it differs from others of its kind in nothing but its id."""
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
        digest=hashlib.sha256(repr((owner, tuple(tags), title, text)).encode()).hexdigest(),
        vector=vector(0 if alike else number),
        mentions=tuple(Mention(e, "THING", -1 if i else 0, 0, 6) for i, e in enumerate(named)),
        relations=(Relation(named[0], named[1], "near", 0),),
    )


def table(number: int, *, tags: Iterable[str] = (), name: str | None = None) -> Record:
    """Return a table of two rows, as the SQL store takes it."""
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
        digest=hashlib.sha256(repr((info, rows)).encode()).hexdigest(),
        table=info,
        rows=rows,
    )


def for_everything(restriction: Filter = EVERYTHING) -> Query:
    """Return a question that every sample chunk answers."""
    return Query(
        "common ground",
        vector=vector(10_000),
        entities=(LinkedEntity(COMMON, "common ground", 1.0),),
        filter=restriction,
    )


def for_record(record: Record, restriction: Filter = EVERYTHING) -> Query:
    """Return a question that `record` answers best."""
    linked = tuple(LinkedEntity(m.entity, m.entity.name, 1.0) for m in record.mentions[1:])
    return Query(
        record.title + " " + record.text, vector=record.vector, entities=linked, filter=restriction
    )


def changed(record: Record) -> Record:
    """Return `record` with another content, under the same id."""
    if record.table is not None:
        rows = [(7, "changed"), (8, "changed")]
        return replace(record, rows=rows, digest=hashlib.sha256(b"changed").hexdigest())
    fresh = chunk(int(record.digest[:6], 16) + 1_000_000, tags=record.tags)
    return replace(fresh, id=record.id)


class Tables:
    """The live tables as the SQL store sees them."""

    def __init__(self) -> None:
        self.live: dict[int, TableInfo] = {}

    def visible(self, restriction: Filter) -> list[TableInfo]:
        """Return the tables that `restriction` admits."""
        return [
            info
            for info in self.live.values()
            if restriction.admits(info.collection, info.document_id, info.tags)
        ]

    def by_number(self, numbers: Iterable[int]) -> dict[int, TableInfo]:
        """Return the tables with these numbers."""
        return {number: self.live[number] for number in numbers if number in self.live}


@dataclass(slots=True)
class Bench:
    """One store, that can be opened again and again.

    An embedded one lies in `folder`; on a server the names of another folder's store are others.
    """

    kind: StoreKind
    folder: Path
    address: str = "embedded"
    opened: list[Store] = field(default_factory=list)

    def open(self) -> Store:
        """Open the store, as the engine does."""
        options = StoreOptions(DIMENSION, self.prefix, Tables())
        store = open_store(self.kind, self.address, self.folder, options)
        self.opened.append(store)
        return store

    @property
    def prefix(self) -> str:
        """What the names on a server begin with: the same for the same folder."""
        return "t" + hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]

    @property
    def counts_deleted(self) -> bool:
        """Tell whether deleted records have a share in scores for a while."""
        return self.address.startswith("elasticsearch")

    def beside(self, folder: Path) -> Bench:
        """Return another store on the same engine."""
        return Bench(self.kind, folder, self.address)

    def sample(self, number: int) -> Record:
        """Return a record of a kind that the store takes."""
        return table(number) if self.kind == "sql" else chunk(number)

    def samples(self, count: int) -> list[Record]:
        """Return `count` different records."""
        return [self.sample(number) for number in range(count)]

    def close(self) -> None:
        """Close whatever has been opened."""
        for store in self.opened:
            store.close()


def content(records: Iterable[Record]) -> dict[str, str]:
    """Return what `dict(store.scan())` should be."""
    return {record.id: record.digest for record in records}


def together(*works: Callable[[], None]) -> list[BaseException]:
    """Run each work in a thread; return what went wrong."""
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return failures
