"""Questions as the stores get them, and what stores and plane answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, Literal, NamedTuple, TypeVar

from hetarag.types.common import Cell, EvidenceKind, MetadataValue, Vector
from hetarag.types.documents import Entity


@dataclass(frozen=True, slots=True)
class Filter:
    """What a search may see. Stores push it down; hydration enforces it again.

    `collections` empty and `documents` None mean all. A record is visible when it has no tags or
    shares one with `tags`; `tags=None` means that access to everything was asked for.
    """

    collections: frozenset[str] = frozenset()
    documents: frozenset[str] | None = None
    tags: frozenset[str] | None = frozenset()

    def admits(self, collection: str, document_id: str, tags: Iterable[str]) -> bool:
        """Tell whether a record with these properties may be seen."""
        if self.collections and collection not in self.collections:
            return False
        if self.documents is not None and document_id not in self.documents:
            return False
        own = frozenset(tags)
        return self.tags is None or not own or bool(own & self.tags)


@dataclass(frozen=True, slots=True)
class LinkedEntity:
    """An entity that the question names: the words that name it and how sure that is (0…1)."""

    entity: Entity
    surface: str
    weight: float


@dataclass(frozen=True, slots=True)
class Link:
    """A name that a chunk shares with others.

    `source` is the chunk, `sentence` where the name stands in it (-1: its title or a topic), `targets` the ids
    of the chunks that have the name, the source among them, and whether it is their title or a topic.
    """

    source: str
    key: str
    name: str
    sentence: int
    targets: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Seed:
    """A piece of evidence found so far, from which a graph search may start."""

    id: str
    weight: float


@dataclass(frozen=True, slots=True)
class Query:
    """A question as the stores get it; `deadline` is a `time.monotonic()` value or None.

    `stores` are the names of the stores that the plane may ask, None for all of them.
    """

    text: str
    vector: Vector | None = None
    entities: tuple[LinkedEntity, ...] = ()
    seeds: tuple[Seed, ...] = ()
    filter: Filter = Filter()
    deadline: float | None = None
    stores: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The result of an SQL statement that the SQL store wrote from catalogue names and parameters.

    `statement` is shown with the user's table and column names; `tables` are the evidence ids of
    the tables it reads and decide who may see it.
    """

    statement: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer of one store: rank from 1, and the raw score in that store's own unit."""

    store: str
    id: str
    rank: int
    score: float
    payload: QueryResult | None = None


Sources = Mapping[str, Mapping[str, float]]
"""Of a candidate's id, the ids of the candidates that lead to it and the share of each."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A step from passage to passage: what `source` names leads to `target`; both are ids of evidence."""

    source: str
    target: str
    name: str


class Reranking(NamedTuple):
    """What a reranker makes of the candidates: their probabilities, and which lead to which.

    `ranked` has the best first; `hits` are those of lists of its own, `hops` the best way to each candidate
    that a name leads to.
    """

    ranked: list[tuple[str, float]]
    hits: Sequence[Hit] = ()
    sources: Sources = MappingProxyType({})
    hops: Sequence[Hop] = ()


@dataclass(frozen=True, slots=True)
class RankedEvidence:
    """A hydrated, permitted piece of evidence with the rank and score each store gave it.

    `title` names the headings above a chunk too, "Handbook › Leave › Notice" (`text.SECTION` between them);
    `document` is the name its user knows, `start` and `end` the offsets in the document's text
    (chunks), `row` the 1-based row (rows), `page` the page where there are pages.
    """

    id: str
    kind: EvidenceKind
    document: str
    document_id: str
    collection: str
    title: str
    text: str
    score: float
    hits: tuple[Hit, ...] = ()
    start: int | None = None
    end: int | None = None
    page: int | None = None
    table: str | None = None
    row: int | None = None
    sentences: tuple[tuple[int, int], ...] = ()
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)


Status = Literal["ok", "failed", "late", "skipped"]


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """How one store fared in one search; `seconds` is its own time, `reason` why it is not ok."""

    status: Status
    seconds: float = 0.0
    hits: int = 0
    reason: str | None = None


HitT = TypeVar("HitT", Hit, RankedEvidence)


@dataclass(frozen=True, slots=True)
class SearchResult(Generic[HitT]):
    """What a search found, best first; iterates, counts and indexes as its hits.

    `complete` is False when a store that was asked failed or was late.
    """

    hits: tuple[HitT, ...] = ()
    trace: SearchTrace | None = None

    @property
    def complete(self) -> bool:
        """Tell whether every store that was asked has answered."""
        stores = self.trace.stores if self.trace else {}
        return all(status.status in ("ok", "skipped") for status in stores.values())

    def __iter__(self) -> Iterator[HitT]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)

    def __getitem__(self, index: int) -> HitT:
        return self.hits[index]


@dataclass(frozen=True, slots=True)
class StorePlan:
    """What the router wants of one store: its weight in the fusion (0: not asked) and how many."""

    weight: float
    k: int
    reason: str


@dataclass(frozen=True, slots=True)
class SearchTrace:
    """How a search went: plan, each store's status and time, lists before fusion, and stages.

    `ranks` holds, for each store, the ids in the order that it gave them; `seconds` the stages; `hops`
    which passage led to which piece of evidence that is shown, and by which name.
    """

    plan: Mapping[str, StorePlan] = field(default_factory=dict)
    stores: Mapping[str, StoreStatus] = field(default_factory=dict)
    ranks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entities: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    hops: tuple[Hop, ...] = ()
