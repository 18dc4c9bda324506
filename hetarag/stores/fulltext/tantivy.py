"""Full text in Tantivy, in process; `fulltext_clauses` says what is matched and how it is weighed.

Tantivy counts deleted documents in its statistics until segments merge, so the same content could
rank differently after updates. Deleting therefore writes the index anew from its stored fields,
within the one commit: always up to `SMALL` documents (0.1 ms a document), and above that when more
than `DEAD` of them are deleted.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Self

import tantivy
from tantivy import Query as Clause

from hetarag.errors import StoreError
from hetarag.protocols import Store
from hetarag.stores.adapter import (
    check_deadline,
    dedupe_by_id,
    ranked,
    sees_nothing,
    top_k_is_stable,
)
from hetarag.stores.embedded import Embedded
from hetarag.stores.fulltext.tantivy_query import ANALYSER, Clauses, document_of
from hetarag.stores.registry import StoreOptions
from hetarag.types import (
    EvidenceKind,
    Health,
    Hit,
    Query,
    Record,
    SearchResult,
    StoreKind,
)

SMALL = 5_000
DEAD = 0.02
_SPARE = 16  # asked for beyond k, so that equal scores at the border are seen
_MEMORY = 32_000_000


class TantivyStore(Embedded, Store):
    """BM25 over titles and texts; the score of a hit is the sum over the question's terms."""

    kind: StoreKind = "fulltext"
    accepts: frozenset[EvidenceKind] = frozenset({"chunk", "row", "table"})

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._lock = threading.Lock()
        self._clauses = Clauses()
        self._index = self._run("open", self._open_index)
        self._writer = self._run("open", self._open_writer)

    @classmethod
    def open(cls, address: str, folder: Path, options: StoreOptions) -> Self:  # noqa: ARG003
        """Open the index in `folder`, or make one."""
        return cls(folder)

    def apply(self, records: Sequence[Record]) -> None:
        """Write those of `records` that are not there with the same digest, in one commit."""
        new = dedupe_by_id(self.kind, self.accepts, records)
        with self._lock:
            there = self.digests(new.keys())
            missing = [r for r in new.values() if there.get(r.id) != r.digest]
            if missing:
                documents = [document_of(record) for record in missing]
                self._write({r.id for r in missing if r.id in there}, documents)

    def delete(self, ids: Collection[str]) -> None:
        """Remove the documents with these ids, in one commit."""
        with self._lock:
            there = set(self.digests(ids))
            if there:
                self._write(there, [])

    def digests(self, ids: Collection[str]) -> dict[str, str]:
        """Return the digest of each of these ids that is there."""
        if not ids:
            return {}
        wanted = self._clauses.with_ids(ids)
        return dict(self._run("read", lambda: list(self._stored(wanted))))

    def scan(self) -> Iterator[tuple[str, str]]:
        """Yield (id, digest) of every document of the index as it is now."""
        yield from self._stored(Clause.all_query())

    def search(self, query: Query, k: int) -> SearchResult[Hit]:
        """Return the k best documents that pass the filter."""
        searcher = self._searcher()
        if k <= 0 or sees_nothing(query.filter):
            return SearchResult()
        clause = self._run("search", lambda: self._clauses.answering(searcher, query))
        asked = k + _SPARE
        while clause is not None:
            check_deadline(self.kind, query.deadline)
            hits = self._run(
                "search",
                lambda: searcher.search(clause, asked, count=False).hits,  # noqa: B023
            )
            scores = [_rounded(score) for score, _ in hits]
            if top_k_is_stable(scores, k, asked):
                ids = (_first(searcher.doc(address), "id") for _, address in hits)
                return ranked(self.kind, zip(ids, scores, strict=True), k)
            asked *= 4
        return SearchResult()

    def health(self) -> Health:
        """Tell whether the index is open and how many documents it holds."""
        try:
            searcher = self._searcher()
        except StoreError as error:
            return Health(False, "tantivy", detail=error.reason)
        return Health(True, "tantivy", searcher.num_docs, f"{searcher.num_segments} segments")

    def close(self) -> None:
        """Wait for merges and release the folder."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._run("close", self._writer.wait_merging_threads)

    # ------------------------------------------------------------ inside

    def _open_index(self) -> tantivy.Index:
        index = tantivy.Index(self._clauses.schema, path=str(self._folder))
        index.register_tokenizer(ANALYSER, self._clauses.analyser)
        index.config_reader(reload_policy="manual")
        index.reload()
        return index

    def _open_writer(self) -> tantivy.IndexWriter:
        # Several writer threads would spread documents over segments by chance.
        return self._index.writer(heap_size=_MEMORY, num_threads=1)

    def _searcher(self) -> tantivy.Searcher:
        if self._closed:
            raise self._is_closed()
        return self._index.searcher()

    def _stored(self, clause: Clause) -> Iterator[tuple[str, str]]:
        searcher = self._searcher()
        for _, address in searcher.search(clause, max(1, searcher.num_docs), count=False).hits:
            document = searcher.doc(address)
            yield _first(document, "id"), _first(document, "digest")

    # ------------------------------------------------------------ writing

    def _write(self, gone: set[str], new: list[tantivy.Document]) -> None:
        try:
            self._run("write", lambda: self._commit(gone, new))
        except StoreError:
            self._recover()
            raise
        finally:
            self._run("read", self._index.reload)

    def _commit(self, gone: set[str], new: list[tantivy.Document]) -> None:
        searcher = self._searcher()
        live = searcher.num_docs - len(gone)
        if self._dead() + len(gone) > (DEAD * live if live > SMALL else 0):
            # `delete_all_documents` would set the clock back, and later deletes pass by unheeded.
            self._writer.delete_documents_by_query(Clause.all_query())
            self._copy(searcher, gone)
        else:
            for identifier in sorted(gone):
                self._writer.delete_documents_by_term("id", identifier)
        for document in new:
            self._writer.add_document(document)
        self._writer.commit()

    def _copy(self, searcher: tantivy.Searcher, gone: set[str]) -> None:
        for _, address in searcher.search(Clause.all_query(), searcher.num_docs, count=False).hits:
            document = searcher.doc(address)
            if _first(document, "id") not in gone:
                self._writer.add_document(document)

    def _dead(self) -> int:
        """Return how many deleted documents the statistics still count."""
        meta = json.loads((self._folder / "meta.json").read_text("utf-8"))
        deletes = (segment.get("deletes") for segment in meta["segments"])
        return sum(entry["num_deleted_docs"] for entry in deletes if entry)

    def _recover(self) -> None:
        """Bring the writer back to the last commit; one whose thread has died is replaced."""
        try:
            self._run("roll back", self._writer.rollback)
        except StoreError:
            del self._writer
            self._writer = self._run("open", self._open_writer)


def _first(document: tantivy.Document, field: str) -> str:
    return str(document.get_first(field))


def _rounded(score: float) -> float:
    """Cut what the order of 32-bit additions leaves, so that equal texts have equal scores."""
    return float(f"{score:.5g}")
