"""`HetaRAG`: a knowledge base, opened; the public face of everything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from hetarag.answering.answerer import last_answer, readable
from hetarag.config import DEFAULT_COLLECTION, Settings, settings_of
from hetarag.engine import maintenance
from hetarag.engine.components import Components
from hetarag.engine.inputs import is_name, tags_of
from hetarag.engine.progress import Watcher, shown_progress
from hetarag.engine.search_request import (
    AnswerOptions,
    Searcher,
    SearchOptions,
    SearchRequest,
    checked_question,
    split_options,
)
from hetarag.errors import ConfigError, InputError, NotFoundError
from hetarag.ledger.reading.documents import describe_document, find_document, list_documents
from hetarag.protocols import Embedder, Reader
from hetarag.types import (
    Answer,
    Difference,
    Document,
    DocumentInfo,
    IngestReport,
    KnowledgeBaseInfo,
    MetadataValue,
    RankedEvidence,
    SearchResult,
    StreamEvent,
)

_SPARE = 5  # pieces of evidence found beside those that are read, in the place of tables
_RENAMED = {"list": "documents", "load_models": "warm_up"}  # to be dropped with 0.3.0


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
        ranker: str | Path | None = None,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self._lock = RLock()
        self._parts = Components(folder, settings, embedder, reader, ranker)

    @classmethod
    def open(
        cls,
        folder: str | Path,
        config: str | Path | Mapping[str, Any] | Settings | None = None,
        *,
        create: bool = True,
        embedder: Embedder | None = None,
        reader: Reader | None = None,
        ranker: str | Path | None = None,
    ) -> Self:
        """Open the knowledge base in `folder`, making a new one unless `create` is False.

        `config` is a TOML file, nested dictionaries or settings; without it `hetarag.toml` in the
        folder is read if it is there. Environment variables win over a file. An `embedder` or
        `reader` of the caller's own takes the place of the one that the settings name; a `ranker` is a file
        of trees, written by `python -m training.link_ranker`, that the link ranker ranks by in place of
        the package's.

        Raises:
            NotFoundError: there is none and `create` is False.
            LockedError: another process has it open.
            ConfigError: a setting is unknown or wrong, or `ranker` no file of trees for this version.
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
        return cls(path, settings_of(config, path), embedder=embedder, reader=reader, ranker=ranker)

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
        return self._ingest(self._parts.pipeline.paths(given), collection, tags, metadata, progress)

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
        """Replace the tags of a document; restrictions hold from the next search on.

        Raises as `delete` does.
        """
        with self._lock:
            identifier = find_document(self._parts.ledger, document, collection)
            self._parts.writer.retag({identifier: tags_of(tags) or ()})
            self._parts.outbox.drain()
            return describe_document(self._parts.ledger, identifier)

    def delete(self, document: str, *, collection: str | None = None) -> None:
        """Remove a document, given by name, address or id; searches miss it at once.

        Raises:
            NotFoundError: there is no such document.
            InputError: several documents have this name.
        """
        with self._lock:
            self._parts.writer.delete([find_document(self._parts.ledger, document, collection)])
            self._parts.outbox.drain()

    def documents(self, *, collection: str | None = None) -> list[DocumentInfo]:
        """Return all documents, by collection and name."""
        return list(list_documents(self._parts.ledger, collection))

    # ------------------------------------------------------------ questions

    def search(
        self, question: str, k: int | None = None, **options: Unpack[SearchOptions]
    ) -> SearchResult[RankedEvidence]:
        """Return at most k pieces of evidence for a question, best first.

        `options` are those of `SearchOptions`. With `on_error="skip"` a store that fails is left out, the
        result is not `complete` and its trace says why.

        Raises:
            ConfigError: `settings` has an unknown name or a value outside its range.
            InputError: an empty or far too long question, or an argument of a wrong form.
            SearchError: a store failed or was late and `on_error` is "raise".
            LedgerError: the ledger failed or was late: nothing can be shown without it.
            FingerprintError: the knowledge base was made with another embedder.
        """
        return self._searcher.run(SearchRequest.of(question, k, options, self.settings.search))

    def ask(self, question: str, **options: Unpack[AnswerOptions]) -> Answer:
        """Return a cited answer; takes the options of `stream`."""
        return last_answer(self.stream(question, **options))

    def stream(self, question: str, **options: Unpack[AnswerOptions]) -> Iterator[StreamEvent]:
        """Yield the evidence, then the answer's text piece by piece, then the checked answer.

        `options` are those of `AnswerOptions`. The search is done when this returns; the reader is loaded
        and read from as the events are taken. Raises as `search` and `read` do.
        """
        search, reading = split_options(options)
        decoder, count = reading.get("decoder"), reading.get("evidence_k")
        if count is None:
            count = self.settings.reader.evidence_k
        if count < 1:
            raise InputError(f"evidence_k must be at least 1, not {count}")
        answerer = self._parts.answerer
        answerer.check_decoder(decoder)
        request = SearchRequest.of(question, count + _SPARE, search, self.settings.search)
        found = readable(self._searcher.run(request), count)
        return answerer.stream(request.text, found, decoder, reading.get("max_new_tokens"))

    def read(
        self,
        question: str,
        evidence: Sequence[RankedEvidence],
        *,
        decoder: str | None = None,
        max_new_tokens: int | None = None,
    ) -> Answer:
        """Return the reader's cited answer from evidence that the caller has chosen.

        Raises:
            InputError: the reader has no such decoder, or the question is empty or too long.
            ModelError: the reader cannot be loaded or does not answer.
        """
        found: SearchResult[RankedEvidence] = SearchResult(tuple(evidence))
        answerer = self._parts.answerer
        answerer.check_decoder(decoder)
        return last_answer(
            answerer.stream(self._question(question), found, decoder, max_new_tokens)
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
        return self._parts.answerer.read_batch(found, decoder, max_new_tokens)

    # ------------------------------------------------------------ maintenance

    def status(self) -> KnowledgeBaseInfo:
        """Return counts, what each store is owed, and each store's health; never raises for a store."""
        return maintenance.status(self.folder, self._parts)

    def verify(self) -> list[Difference]:
        """Compare every store with the ledger, by ids and digests."""
        return self._parts.checker.verify()

    def repair(self) -> list[Difference]:
        """Deliver what is owed, mend what `verify` finds, and return what is left."""
        with self._lock:
            return maintenance.repair(self._parts)

    def reindex(self, progress: Watcher | None = None) -> IngestReport:
        """Bring everything to the embedder, splitter and extractor of the settings.

        Nothing is parsed again; old versions stay visible until the new ones are complete, and a
        reindex that was interrupted goes on where it was.
        """
        with self._lock, nullcontext(progress) if progress else shown_progress() as watch:
            return maintenance.reindex(self._parts, watch)

    def warm_up(self) -> None:
        """Load what searches need of models, so that none of them waits for it.

        Raises:
            ModelError: a model is not here, cannot be had, or is not what it should be.
        """
        if self._parts.has_vectors:
            _ = self.embedder
        self._parts.planes.warm_up()

    @property
    def embedder(self) -> Embedder:
        """The embedder in use, loaded when first needed."""
        return self._parts.embedder

    def close(self) -> None:
        """Close stores and ledger and let go of the folder; a second call does nothing."""
        with self._lock:
            self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in _RENAMED:
                raise AttributeError(f"HetaRAG.{name}() is called {_RENAMED[name]}() now")
            raise AttributeError(f"HetaRAG has no attribute {name!r}")

    # ------------------------------------------------------------ inner workings

    @cached_property
    def _searcher(self) -> Searcher:
        return Searcher(self._parts)

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
        parts = self._parts
        with self._lock:
            parts.require_embedder()
            splitter = parts.pipeline.splitter_fingerprint
            parts.ledger.require("splitter", splitter, "splitter settings")
            with nullcontext(progress) if progress else shown_progress() as watch:
                return parts.pipeline.run(
                    items,
                    collection=collection,
                    tags=tags_of(tags),
                    metadata=dict(metadata or {}),
                    watch=watch,
                )

    def _question(self, question: str) -> str:
        return checked_question(question, self.settings.search.max_question)
