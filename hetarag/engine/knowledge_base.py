"""`HetaRAG`: a knowledge base, opened; the one place where the parts meet."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from hetarag.answering.answerer import last_answer, readable
from hetarag.config import EMBEDDED, Settings, is_embedded, redact, settings_of
from hetarag.engine.ingestion import Pipeline
from hetarag.engine.inputs import is_name, missing_stores, tags_of
from hetarag.engine.plane_cache import Planes
from hetarag.engine.progress import Watcher, shown_progress
from hetarag.engine.store_set import Shelf
from hetarag.errors import ConfigError, FingerprintError, InputError, NotFoundError, SearchError
from hetarag.ingest.entities.extractors import make_extractor
from hetarag.ledger.delivery.embedding_cache import EmbeddingCache
from hetarag.ledger.delivery.outbox import Outbox
from hetarag.ledger.delivery.record_builder import RecordReader
from hetarag.ledger.delivery.verification import Checker
from hetarag.ledger.lock import FolderLock
from hetarag.ledger.reading.documents import counts, find_document, list_documents
from hetarag.ledger.reading.entity_linking import AliasLinker
from hetarag.ledger.reading.metadata_filter import Where, documents_where
from hetarag.ledger.reading.table_catalogue import Catalogue
from hetarag.ledger.session import Ledger
from hetarag.ledger.writing import reindexing as reindex
from hetarag.ledger.writing.copying import copy_ledger, unstage_tables
from hetarag.ledger.writing.versions import VersionWriter
from hetarag.models.embedders.factory import make_embedder
from hetarag.protocols import Embedder, Extractor, Reader
from hetarag.retrievers.fan_out import FanOut
from hetarag.retrievers.plane import RetrievalPlane
from hetarag.types import (
    Answer,
    Difference,
    Document,
    DocumentInfo,
    Filter,
    Health,
    IngestReport,
    MetadataValue,
    Query,
    RankedEvidence,
    SearchResult,
    StreamEvent,
)

if TYPE_CHECKING:
    from hetarag.answering.answerer import Asker

Access = Literal["all"]
OnError = Literal["raise", "skip"]

Differences = list[Difference]
DocumentInfos = list[DocumentInfo]

DEFAULT_COLLECTION = "default"
_SPARE = 5  # pieces of evidence found beside those that are read, in the place of tables


class HetaRAG:
    """A knowledge base: documents in, ranked evidence and cited answers out.

    Open one with `HetaRAG.open(folder)` and close it, or use it as a context manager. Its methods
    may be called from several threads.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        embedder: Embedder | None = None,
        reader: Reader | None = None,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self._given_embedder = embedder
        self._given_reader = reader
        self._lock = RLock()
        self._reads = FanOut()
        self._folder_lock = FolderLock(folder) if is_embedded(settings) else None
        try:
            self._ledger = Ledger(settings.ledger.url, folder)
        except BaseException:
            self._release()
            raise
        self._catalogue = Catalogue(self._ledger)
        self._shelf = Shelf(
            settings,
            folder / "stores",
            self._catalogue,
            lambda: self.embedder,
            self._ledger.get("id") or "",
        )
        self._planes = Planes(
            settings,
            self._ledger,
            self._catalogue,
            self._shelf,
            embedder=lambda: self.embedder,
            reader=lambda: self._asker.reader,
            given=embedder is not None,
        )
        self._records = RecordReader(
            self._ledger,
            lambda: self._embeddings,
            self._shelf.tables,
        )
        self._writer = VersionWriter(
            self._ledger,
            self._shelf.shelves,
            batch=settings.ingest.batch,
            embed_rows=settings.ingest.embed_rows,
        )
        self._outbox = Outbox(
            self._ledger,
            self._writer,
            self._records,
            self._shelf.openers,
            batch=settings.ingest.batch,
        )
        if self._folder_lock is not None and settings.ledger.url == EMBEDDED:
            self._outbox.release()

    @classmethod
    def open(
        cls,
        folder: str | Path,
        config: str | Path | Mapping[str, Any] | Settings | None = None,
        *,
        create: bool = True,
        embedder: Embedder | None = None,
        reader: Reader | None = None,
    ) -> Self:
        """Open the knowledge base in `folder`, making a new one unless `create` is False.

        `config` is a TOML file, nested dictionaries or settings; without it `hetarag.toml` in the
        folder is read if it is there. Environment variables win over a file. An `embedder` or
        `reader` of the caller's own takes the place of the one that the settings name.

        Raises:
            NotFoundError: there is none and `create` is False.
            LockedError: another process has it open.
            ConfigError: a setting is unknown or wrong.
        """
        path = Path(folder).expanduser()
        if not create and not path.is_dir():
            raise NotFoundError(
                f"{folder}: there is no knowledge base; `hetarag ingest PATH --kb {folder}` makes one"
            )
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"{folder}: cannot be used as the folder of a knowledge base: {error.strerror}"
            ) from error
        return cls(path, settings_of(config, path), embedder=embedder, reader=reader)

    # ------------------------------------------------------------ documents

    def ingest(
        self,
        paths: Sequence[str | Path] | str | Path,
        *,
        collection: str = DEFAULT_COLLECTION,
        tags: Sequence[str] | None = None,
        metadata: Mapping[str, MetadataValue] | None = None,
        progress: Watcher | None = None,
    ) -> IngestReport:
        """Ingest files and folders: new and changed documents are taken in, unchanged ones skipped.

        Documents with tags are seen only by searches with a principal that has one of them; `tags`
        None keeps those of documents that are already there. What cannot be read is named in the
        report, and the rest carried on. Safe to kill at any point and to run again. `progress` is
        told how far it is; without it a terminal shows a line.
        """
        given = [paths] if isinstance(paths, str | Path) else list(paths)
        if not given:
            raise InputError("nothing to ingest: give at least one file or folder")
        return self._ingest(self._pipeline.paths(given), collection, tags, metadata, progress)

    def add(
        self,
        documents: Iterable[Document],
        *,
        collection: str = DEFAULT_COLLECTION,
        tags: Sequence[str] | None = None,
        metadata: Mapping[str, MetadataValue] | None = None,
        progress: Watcher | None = None,
    ) -> IngestReport:
        """Ingest documents that the caller has already as text and tables; else as `ingest`."""
        return self._ingest(iter(documents), collection, tags, metadata, progress)

    def tag(
        self, document: str, tags: Sequence[str], *, collection: str | None = None
    ) -> DocumentInfo:
        """Replace the tags of a document; restrictions hold from the next search on."""
        identifier = find_document(self._ledger, document, collection)
        self._writer.retag({identifier: tags_of(tags) or ()})
        self._outbox.drain()
        return next(info for info in self.list() if info.id == identifier)

    def delete(self, document: str, *, collection: str | None = None) -> None:
        """Remove a document, given by name, address or id; searches miss it at once.

        Raises:
            NotFoundError: there is no such document.
            InputError: several documents have this name.
        """
        with self._lock:
            self._writer.delete([find_document(self._ledger, document, collection)])
            self._outbox.drain()

    def list(self, *, collection: str | None = None) -> DocumentInfos:
        """Return all documents, by collection and name."""
        return list(list_documents(self._ledger, collection))

    # ------------------------------------------------------------ questions

    def search(
        self,
        question: str,
        k: int | None = None,
        *,
        where: Where | None = None,
        principal: Sequence[str] = (),
        access: Access | None = None,
        collections: Sequence[str] = (),
        documents: Sequence[str] | None = None,
        stores: Sequence[str] | None = None,
        on_error: OnError = "raise",
        deadline: float | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> SearchResult[RankedEvidence]:
        """Return at most k pieces of evidence for a question, best first.

        `where` are conditions on metadata (see `hetarag.ledger.reading.metadata_filter`), `principal` the tags that
        the asker has, `access="all"` sees everything; `collections` and `documents` (names) narrow
        the search, `stores` are the kinds of store to ask (None: all), `deadline` is in seconds. With `on_error="skip"` a store that fails is left out,
        the result is not `complete` and its trace says why. `settings` are those of [search] that
        differ for this question, such as {"rerank": "none"}.

        Raises:
            ConfigError: `settings` has an unknown name or a value outside its range.
            InputError: an empty or far too long question, or an argument of a wrong form.
            SearchError: a store failed or was late and `on_error` is "raise".
            LedgerError: the ledger failed or was late: nothing can be shown without it.
            FingerprintError: the knowledge base was made with another embedder.
        """
        text = self._question(question)
        if on_error not in ("raise", "skip"):
            raise InputError(f"on_error is 'raise' or 'skip', not {on_error!r}")
        count = self.settings.search.k if k is None else k
        if count < 1:
            raise InputError(f"k must be at least 1, not {k}")
        if self._has("vector"):
            _ = self.embedder  # loaded once, and not in the ledger's time
        limit = self.settings.search.deadline if deadline is None else deadline
        started = time.monotonic()

        def read() -> Query:
            self._require_embedder()
            return Query(
                text=text,
                filter=self._restriction(where, principal, access, collections, documents),
                stores=self._kinds(stores),
                entities=self._linker.link(text),
            )

        query = self._reads.read_ledger(read, started + limit)
        left = max(0.0, limit - (time.monotonic() - started))
        return self._retrieve(query, count, on_error, left, self._planes.plane(settings or {}))

    def ask(self, question: str, **options: Any) -> Answer:
        """Return a cited answer; takes the options of `stream`."""
        return last_answer(self.stream(question, **options))

    def stream(
        self,
        question: str,
        *,
        decoder: str | None = None,
        evidence: int | None = None,
        max_new_tokens: int | None = None,
        **search: Any,
    ) -> Iterator[StreamEvent]:
        """Yield the evidence, then the answer's text piece by piece, then the checked answer.

        `decoder` is "lfd", "lfd-paper", "greedy" or another that the reader has; `evidence` how many
        pieces are read; all further options are those of `search`.
        """
        count = evidence or self.settings.reader.evidence
        found = readable(self.search(question, count + _SPARE, **search), count)
        return self._asker.stream(self._question(question), found, decoder, max_new_tokens)

    def read(
        self,
        question: str,
        evidence: Sequence[RankedEvidence],
        *,
        decoder: str | None = None,
        max_new_tokens: int | None = None,
    ) -> Answer:
        """Return the reader's cited answer from evidence that the caller has chosen."""
        found: SearchResult[RankedEvidence] = SearchResult(tuple(evidence))
        return last_answer(
            self._asker.stream(self._question(question), found, decoder, max_new_tokens)
        )

    def read_batch(
        self,
        asked: Sequence[tuple[str, Sequence[RankedEvidence]]],
        *,
        decoder: str | None = None,
        max_new_tokens: int | None = None,
    ) -> tuple[Answer, ...]:
        """Return what `read` returns for each question and its evidence.

        A local reader decodes all of them as one batch, which a GPU does in little more time than
        one; memory grows with the number of questions times the longest prompt.
        """
        found = [(self._question(q), SearchResult(tuple(evidence))) for q, evidence in asked]
        return self._asker.read_batch(found, decoder, max_new_tokens)

    # ------------------------------------------------------------ upkeep

    def status(self) -> dict[str, Any]:
        """Return counts, what stores are owed and each store's health, as plain data."""
        owed = self._outbox.owed()
        stores: dict[str, Any] = {}
        for kind, open_store in self._shelf.openers.items():
            started = time.perf_counter()
            try:
                store = open_store()
                started = time.perf_counter()
                health = store.health()
            except Exception as error:
                health = Health(False, "", 0, str(error))
            stores[kind] = {
                "ok": health.ok,
                "engine": health.engine,
                "address": redact(getattr(self.settings.stores, kind)),
                "latency_ms": round((time.perf_counter() - started) * 1000, 1),
                "records": health.count,
                "owed": owed.get(kind, 0),
                "detail": health.detail,
            }
        return {
            "folder": str(self.folder),
            "ledger": redact(self.settings.ledger.url),
            **counts(self._ledger),
            "embedder": self._ledger.get("embedder"),
            "splitter": self._ledger.get("splitter"),
            "stores": stores,
        }

    def verify(self) -> Differences:
        """Compare every store with the ledger, by ids and digests."""
        return self._checker.verify()

    def repair(self) -> Differences:
        """Deliver what is owed, mend what `verify` finds, and return what is left."""
        with self._lock:
            self._outbox.release()
            self._outbox.drain()
            return self._checker.repair()

    def adopt(self, other: HetaRAG) -> Differences:
        """Take over all that `other` holds, into this one, which must be empty; then verify.

        Nothing is parsed or embedded again. Run again after a failure it goes on with `repair`.

        Raises:
            InputError: this one holds documents, or `other` still owes its stores something.
            FingerprintError: the two have different embedders.
        """
        with self._lock, other._lock:
            made_with = other._ledger.get("embedder")
            if made_with is not None and made_with != self.embedder.fingerprint:
                raise FingerprintError(
                    "the settings to move to name another embedder: move with the same one first, "
                    "then change it and run `hetarag reindex`"
                )
            copy_ledger(other._ledger, self._ledger, other._catalogue, other._shelf.tables())
            left = self._checker.repair()
            if all(difference.ok for difference in left):
                unstage_tables(self._ledger)
            return left

    def reindex(self, progress: Watcher | None = None) -> IngestReport:
        """Bring everything to the embedder, splitter and extractor of the settings.

        Nothing is parsed again; old versions stay visible until the new ones are complete, and a
        reindex that was interrupted goes on where it was.
        """
        with self._lock:
            if self._ledger.get("embedder") != self.embedder.fingerprint:
                reindex.owe_vectors(self._ledger, self._writer, self.embedder.fingerprint)
            splitter = self._pipeline.splitter_fingerprint
            old = reindex.outdated(self._ledger, splitter, self._extractor.fingerprint)
            with self._ledger.writing() as connection:
                self._ledger.put(connection, "splitter", splitter)
            stored = reindex.stored_documents(
                self._ledger, self._catalogue, self._shelf.tables(), [g for _, g in old]
            )
            with nullcontext(progress) if progress else shown_progress() as watch:
                return self._pipeline.rebuild(stored, watch)

    def close(self) -> None:
        """Close stores and ledger and let go of the folder; a second call does nothing."""
        with self._lock:
            self._planes.close()
            self._reads.close()
            self._shelf.close()
            self._ledger.close()
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # ------------------------------------------------------------ parts, made when first needed

    @cached_property
    def embedder(self) -> Embedder:
        """The embedder in use."""
        return self._given_embedder or make_embedder(self.settings.models)

    def load_models(self) -> None:
        """Load what searches need of models, so that none of them waits for it.

        Raises:
            ModelError: a model is not here, cannot be had, or is not what it should be.
        """
        if self._has("vector"):
            _ = self.embedder
        self._planes.load_models()

    @cached_property
    def _embeddings(self) -> EmbeddingCache:
        return EmbeddingCache(self._ledger, self.embedder)

    @cached_property
    def _extractor(self) -> Extractor:
        return make_extractor(self.settings.ingest.entities)

    @cached_property
    def _pipeline(self) -> Pipeline:
        return Pipeline(
            self.settings.ingest,
            self._ledger,
            self._writer,
            self._outbox,
            lambda: self._extractor,
        )

    @cached_property
    def _linker(self) -> AliasLinker:
        return AliasLinker(self._ledger)

    @cached_property
    def _asker(self) -> Asker:
        from hetarag.answering.answerer import Asker  # a search needs nothing of the readers
        from hetarag.models.readers.factory import make_reader

        given = self._given_reader
        return Asker(self.settings.reader, lambda: given or make_reader(self.settings.models))

    @cached_property
    def _checker(self) -> Checker:
        return Checker(
            self._ledger,
            self._records,
            self._shelf.openers,
            self._shelf.shelves,
            batch=self.settings.ingest.batch,
        )

    # ------------------------------------------------------------ inner workings

    def _ingest(
        self,
        items: Iterator[Any],
        collection: str,
        tags: Sequence[str] | None,
        metadata: Mapping[str, MetadataValue] | None,
        progress: Watcher | None,
    ) -> IngestReport:
        if not is_name(collection):
            raise InputError(
                f"a collection needs a name of up to 400 characters, not {collection!r}"
            )
        with self._lock:
            self._require_embedder()
            self._ledger.require(
                "splitter", self._pipeline.splitter_fingerprint, "splitter settings"
            )
            with nullcontext(progress) if progress else shown_progress() as watch:
                return self._pipeline.run(
                    items,
                    collection=collection,
                    tags=tags_of(tags),
                    metadata=dict(metadata or {}),
                    watch=watch,
                )

    def _retrieve(
        self,
        query: Query,
        k: int,
        on_error: OnError,
        deadline: float,
        plane: RetrievalPlane,
    ) -> SearchResult[RankedEvidence]:
        needs_vector = self._has("vector") and (query.stores is None or "vector" in query.stores)
        if needs_vector:
            query = replace(query, vector=self.embedder.embed_query(query.text))
        found = plane.search(query, k, deadline)
        if on_error == "raise" and not found.complete and found.trace is not None:
            raise SearchError(missing_stores(found))
        return found

    def _restriction(
        self,
        where: Where | None,
        principal: Sequence[str],
        access: Access | None,
        collections: Sequence[str],
        documents: Sequence[str] | None,
    ) -> Filter:
        if access not in (None, "all"):
            raise InputError(f"access is None or 'all', not {access!r}")
        allowed: frozenset[str] | None = None
        if documents is not None:
            allowed = frozenset(find_document(self._ledger, name) for name in documents)
        if where:
            matching = documents_where(self._ledger, where)
            allowed = matching if allowed is None else allowed & matching
        return Filter(
            collections=frozenset([collections] if isinstance(collections, str) else collections),
            documents=allowed,
            tags=None if access == "all" else frozenset(tags_of(principal) or ()),
        )

    def _kinds(self, stores: Sequence[str] | None) -> frozenset[str] | None:
        if stores is None:
            return None
        unknown = set(stores) - set(self._shelf.shelves)
        if unknown or not stores:
            raise InputError(
                f"stores: {', '.join(sorted(unknown)) or 'none'} cannot be asked; this knowledge "
                f"base has {', '.join(self._shelf.shelves)}"
            )
        return frozenset(stores)

    def _question(self, question: str) -> str:
        text = question.encode("utf-8", "replace").decode().strip()  # no lone surrogates
        if not text:
            raise InputError("the question is empty: ask something")
        longest = self.settings.search.max_question
        if len(text) > longest:
            raise InputError(
                f"the question has {len(text):,} characters, the limit is {longest:,} "
                "(setting search.max_question): ask a shorter one, and ingest long texts instead"
            )
        return text

    def _require_embedder(self) -> None:
        if self._has("vector"):
            self._ledger.require("embedder", self.embedder.fingerprint, "embedder")

    def _has(self, kind: str) -> bool:
        return kind in self._shelf.shelves

    def _release(self) -> None:
        if self._folder_lock is not None:
            self._folder_lock.release()
