"""The nouns: plain frozen data that travels between the packages.

Offsets are Unicode code points, `start` inclusive and `end` exclusive, into the extracted text of
the document's version. Vectors are float32 and of unit length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

StoreKind = Literal["vector", "fulltext", "graph", "sql"]
STORE_KINDS: tuple[StoreKind, ...] = ("vector", "fulltext", "graph", "sql")

EvidenceKind = Literal["chunk", "row", "table", "relation", "query"]
ACCEPTS: dict[StoreKind, frozenset[EvidenceKind]] = {
    "vector": frozenset({"chunk", "row", "table"}),
    "fulltext": frozenset({"chunk", "row", "table"}),
    "graph": frozenset({"chunk", "row"}),
    "sql": frozenset({"table"}),
}
"""The kinds of evidence that each kind of store takes, known without opening one."""
ColumnType = Literal["integer", "real", "boolean", "date", "datetime", "text"]
Cell = int | float | bool | str | date | datetime | None
MetadataValue = str | int | float | bool
Vector = npt.NDArray[np.float32]


# ---------------------------------------------------------------- what is read from files


@dataclass(frozen=True, slots=True)
class Page:
    """One page, slide or sheet of a source and where its text lies in the extracted text."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading and where it stands in the extracted text; 1 is the highest `level`."""

    level: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a user's table: its own name and the type its cells were found to have."""

    name: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a source; each row has as many cells as there are columns."""

    name: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]


@dataclass(frozen=True, slots=True)
class Document:
    """One source, parsed: its text, pages, headings and tables.

    `uri` is the address that identifies it within a collection, `name` what its user calls it (the
    path as given, or the id of a JSONL line); `sha256` is the digest of the bytes it was read from.
    """

    uri: str
    name: str
    title: str
    text: str
    media_type: str
    sha256: str
    pages: tuple[Page, ...] = ()
    tables: tuple[Table, ...] = ()
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    headings: tuple[Heading, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document's text; `sentences` are (start, end) in the same offsets.

    `section` names the headings that all of it stands under: "Leave › Notice".
    """

    ordinal: int
    start: int
    end: int
    page: int | None = None
    sentences: tuple[tuple[int, int], ...] = ()
    section: str = ""


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing with a name; `key` is the normalised name, `id` is made from it."""

    id: str
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Mention:
    """An entity named in a chunk; `sentence` counts the chunk's sentences, -1 is the title or a topic."""

    entity: Entity
    label: str
    sentence: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Relation:
    """Two entities held together by one sentence of one chunk."""

    source: Entity
    target: Entity
    predicate: str
    sentence: int


# ---------------------------------------------------------------- what is written to stores


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A column of a table in the SQL store: the user's name beside the generated one."""

    name: str
    physical: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table version in the catalogue; `physical` is its generated name in the SQL store."""

    number: int
    id: str
    document_id: str
    collection: str
    tags: tuple[str, ...]
    title: str
    name: str
    physical: str
    columns: tuple[ColumnInfo, ...]
    row_count: int


@dataclass(frozen=True, slots=True)
class Record:
    """One piece of evidence as a store gets it, everything that any store may index included.

    `digest` covers all that is written, so that equal digests mean that nothing is to be done.
    `vector` is set for stores of kind "vector"; `table` and `rows` for a table in the SQL store. That
    store alone keeps rows once it has them: `rows` None are those that it has, under another digest.
    """

    id: str
    kind: EvidenceKind
    document_id: str
    collection: str
    tags: tuple[str, ...]
    title: str
    text: str
    digest: str
    vector: Vector | None = None
    mentions: tuple[Mention, ...] = ()
    relations: tuple[Relation, ...] = ()
    table: TableInfo | None = None
    rows: Iterable[tuple[Cell, ...]] | None = ()


# ---------------------------------------------------------------- questions


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

    `stores` are the kinds that the plane may ask, None all of them; `parts` are questions that a
    language model would have answered on the way to this one.
    """

    text: str
    vector: Vector | None = None
    entities: tuple[LinkedEntity, ...] = ()
    seeds: tuple[Seed, ...] = ()
    filter: Filter = Filter()
    deadline: float | None = None
    stores: frozenset[str] | None = None
    parts: tuple[str, ...] = ()


# ---------------------------------------------------------------- answers of stores and plane


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


class Reranking(NamedTuple):
    """What a reranker makes of the candidates: their probabilities, and which lead to which.

    `ranked` has the best first; `hits` are those of lists of its own.
    """

    ranked: list[tuple[str, float]]
    hits: Sequence[Hit] = ()
    sources: Sources = MappingProxyType({})


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

    `ranks` holds, for each store, the ids in the order that it gave them; `seconds` the stages.
    """

    plan: Mapping[str, StorePlan] = field(default_factory=dict)
    stores: Mapping[str, StoreStatus] = field(default_factory=dict)
    ranks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entities: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TokenStep:
    """One generated token: what layer fusion did for it (None for readers without fusion)."""

    text: str
    layer: int | None = None
    iks: tuple[float, ...] | None = None
    changed: bool | None = None
    top_final: tuple[tuple[str, float], ...] = ()
    top_layer: tuple[tuple[str, float], ...] = ()
    top_fused: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class ReadTrace:
    """How an answer was read: model, decoder, sizes in tokens, times in seconds, each token."""

    reader: str
    decoder: str
    prompt_tokens: int = 0
    answer_tokens: int = 0
    first_token_seconds: float = 0.0
    seconds: float = 0.0
    candidates: tuple[int, ...] = ()
    """Layers that a layer was chosen from, ascending, as in each token's `iks`."""
    layers: tuple[int, ...] = ()
    """The layer of each token that one was fused for."""
    tokens: tuple[TokenStep, ...] = ()
    note: str | None = None

    @property
    def tokens_per_second(self) -> float:
        """Decoding speed after the first token; 0.0 for answers of one token."""
        rest = self.seconds - self.first_token_seconds
        return (self.answer_tokens - 1) / rest if self.answer_tokens > 1 and rest > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Citation:
    """A piece of evidence that the answer rests on; `number` is the one the answer shows.

    `quote` is the supporting text, and for chunks lies at `start`…`end` of the document's text.
    """

    number: int
    evidence: str
    document: str
    title: str
    quote: str
    start: int | None = None
    end: int | None = None
    page: int | None = None
    table: str | None = None
    row: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerTrace:
    """The search and the reading behind an answer."""

    search: SearchTrace
    read: ReadTrace | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A cited answer. `supported` is False when the sources do not hold it; `text` then says so."""

    question: str
    text: str
    citations: tuple[Citation, ...]
    evidence: tuple[RankedEvidence, ...]
    supported: bool
    trace: AnswerTrace


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One step of a streamed answer: the evidence first, then pieces of text, then the answer."""

    type: Literal["evidence", "text", "answer"]
    text: str = ""
    evidence: tuple[RankedEvidence, ...] = ()
    answer: Answer | None = None


# ---------------------------------------------------------------- the knowledge base itself


@dataclass(frozen=True, slots=True)
class Health:
    """The state of one store: `count` is how many records it holds."""

    ok: bool
    engine: str
    count: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """A document as `list` shows it; `state` is "live", "pending" or "updating"."""

    id: str
    name: str
    uri: str
    title: str
    collection: str
    tags: tuple[str, ...]
    metadata: Mapping[str, MetadataValue]
    media_type: str
    generation: int
    chunks: int
    tables: int
    state: str


@dataclass(frozen=True, slots=True)
class SourceFailure:
    """A source of an ingest that could not be taken in, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did, counted in documents; `failures` names what could not be read."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    retagged: int = 0
    pending: int = 0
    failures: tuple[SourceFailure, ...] = ()
    warnings: tuple[SourceFailure, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """What `verify` found in one store: ids it lacks, has too many, or holds in an old form.

    `error` says why it could not be checked or, after `repair`, why it could not be mended.
    """

    store: str
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Tell whether store and ledger agree."""
        return not (self.missing or self.extra or self.stale or self.error)


def plain(value: Any) -> Any:
    """Return a noun as dictionaries, lists and scalars that JSON can hold."""
    from dataclasses import fields, is_dataclass

    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    return value
