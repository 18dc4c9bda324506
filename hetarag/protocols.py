"""The verbs: what each part promises to the others.

In-tree classes name the protocol they implement, so that mypy refuses a missing method. Everything
that searches has the same method: a store, the plane, and what wraps it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from hetarag.types import (
    Cell,
    Chunk,
    Document,
    EvidenceKind,
    Filter,
    Health,
    Hit,
    Link,
    LinkedEntity,
    Mention,
    Query,
    RankedEvidence,
    ReadTrace,
    Record,
    RecordPart,
    Relation,
    Reranking,
    SearchResult,
    StoreKind,
    TableInfo,
    TokenStep,
    Vector,
)

Conversation = Sequence[Mapping[str, str]]
"""Messages for a reader, each {"role": "system" | "user" | "assistant", "content": text}."""


class Store(Protocol):
    """One index over the records of the ledger.

    A store keeps nothing that the ledger could not give it again. All methods may be called from
    several threads. Failures leave as `StoreError`, an exceeded deadline as `StoreTimeoutError`.
    `kind`, `accepts` and `takes` are those of the class: they are asked before a store is opened.
    """

    kind: StoreKind
    accepts: frozenset[EvidenceKind]
    """The kinds of evidence that it is given."""
    takes: frozenset[RecordPart] = frozenset()
    """What it wants of a record beside title and text."""

    def apply(self, records: Sequence[Record]) -> None:
        """Write records, over those with the same id; they are durable on return.

        Safe to repeat. The caller leaves out records that the store holds with the same digest.
        """

    def delete(self, ids: Collection[str]) -> None:
        """Remove the records with these ids, durably; ids that are not there are no error."""

    def digests(self, ids: Collection[str]) -> dict[str, str]:
        """Return the digest of each of these ids that the store holds."""

    def scan(self) -> Iterator[tuple[str, str]]:
        """Yield (id, digest) of every record that the store holds, in any order."""

    def search(self, query: Query, k: int) -> SearchResult[Hit]:
        """Return at most k hits, best first; equal scores in the order of their ids.

        The query's filter is pushed down, its deadline handed to the engine. User text never
        becomes query syntax. A query without what the store needs (a vector, entities) has no hits.
        """

    def health(self) -> Health:
        """Tell whether the engine answers and how many records it holds; never raises."""

    def close(self) -> None:
        """Release files, locks and connections; a second call does nothing."""


class TableStore(Store, Protocol):
    """A store that holds users' tables as real tables and can read their rows again."""

    def rows(self, table: TableInfo, first: int, last: int) -> list[tuple[Cell, ...]]:
        """Return rows first…last (1-based, inclusive), cells in the catalogue's column order."""


class TableCatalogue(Protocol):
    """The live tables of the knowledge base, under the names their users gave them."""

    def visible(self, restriction: Filter) -> Sequence[TableInfo]:
        """Return the live tables that `restriction` admits."""

    def by_number(self, numbers: Collection[int]) -> Mapping[int, TableInfo]:
        """Return the live table versions with these numbers."""


class VectorStore(Store, Protocol):
    """A store that can give its vectors back."""

    def vectors(self, ids: Collection[str]) -> dict[str, Vector]:
        """Return the vector of each of these ids that the store holds."""


class LinkIndex(Protocol):
    """Knows which passages share a name."""

    def links(self, sources: Sequence[str], most: int) -> list[Link]:
        """Return the names in these chunks that stand in 2 to `most` live chunks, and in which."""


class EntityLinker(Protocol):
    """Finds the entities that a question names."""

    def link(self, question: str) -> tuple[LinkedEntity, ...]:
        """Return the entities named in `question`, the longest names first."""


class Hydrator(Protocol):
    """The ledger's side of a search: what may leave the plane, and in which form."""

    def hydrate(self, hits: Sequence[Hit], restriction: Filter) -> dict[str, RankedEvidence]:
        """Return the evidence behind each hit that is live and admitted, by id, with score 0.

        Rows of tables are read from the SQL store, and `StoreError` is raised when that fails.
        """


class Reranker(Protocol):
    """Orders the best candidates of a search anew, and may add some."""

    def rerank(
        self,
        query: Query,
        lists: Mapping[str, Sequence[Hit]],
        fused: Sequence[tuple[str, float]],
        hydrate: Callable[[Sequence[str]], dict[str, RankedEvidence]],
    ) -> Reranking:
        """Return the candidates, best first, the hits of lists of its own, and what leads to what.

        `lists` are the stores' lists, `fused` their fusion; `hydrate` returns the evidence behind
        ids that may be shown. Candidates that may not be shown are left out, and each is in a list:
        the stores' or one that is returned.
        """


class PassageScorer(Protocol):
    """Reads a question and a passage together, which is too slow for more than a few passages."""

    def scores(self, question: str, passages: Sequence[tuple[str, str]]) -> Vector:
        """Return a score for each (title, text), shape (n,): what it adds to the log-odds of relevance."""


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    fingerprint: str
    """Changes whenever the same text would get another vector."""
    dimension: int

    def embed_passages(self, texts: Sequence[str]) -> Vector:
        """Return one row per text, shape (n, dimension); each depends on its own text alone."""

    def embed_query(self, text: str) -> Vector:
        """Return the vector of a question, shape (dimension,)."""

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """Return one row per question, shape (n, dimension)."""


class Extractor(Protocol):
    """Finds entities and their relations in chunks."""

    fingerprint: str

    def extract(
        self, documents: Sequence[tuple[Document, Sequence[Chunk]]]
    ) -> list[list[tuple[tuple[Mention, ...], tuple[Relation, ...]]]]:
        """Return, for each document and each of its chunks, the mentions and relations."""


class Reader(Protocol):
    """A language model that continues a conversation."""

    name: str

    def decoders(self) -> Sequence[str]:
        """Return the names of the decoders this reader can use, its default first."""

    def read(
        self,
        messages: Conversation,
        *,
        decoder: str,
        max_new_tokens: int,
        messages_without_context: Conversation = (),
    ) -> Iterator[TokenStep | ReadTrace]:
        """Yield each token as it is generated and, last, how it went.

        `messages_without_context` are the messages less the evidence, given only to `cad` and `adacad`, which contrast
        the two. `ModelError` for a decoder that it does not have or a prompt that is longer than
        its window.
        """


@runtime_checkable
class BatchReader(Reader, Protocol):
    """A reader that answers many conversations together for less than one after the other."""

    def read_batch(
        self,
        conversations: Sequence[Conversation],
        *,
        decoder: str,
        max_new_tokens: int,
        conversations_without_context: Sequence[Conversation] = (),
    ) -> list[ReadTrace]:
        """Return for each of `conversations` how it was answered, `tokens` being the answer.

        `conversations_without_context`, one for each, are given and errors raised as in `read`.
        """


class Retriever(Protocol):
    """Whatever searches and returns hydrated evidence: the plane, and what wraps it."""

    def search(self, query: Query, k: int) -> SearchResult[RankedEvidence]:
        """Return at most k pieces of evidence, best first."""
