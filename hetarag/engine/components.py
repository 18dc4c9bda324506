"""What a knowledge base is put together from; models are loaded when first needed."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hetarag.config import Settings, is_embedded
from hetarag.engine.ingestion import Pipeline
from hetarag.engine.plane_cache import PlaneCache, check_names
from hetarag.engine.store_set import StoreSet
from hetarag.ingest.entities.extractors import make_extractor
from hetarag.ledger.delivery.embedding_cache import EmbeddingCache
from hetarag.ledger.delivery.outbox import Outbox
from hetarag.ledger.delivery.record_builder import RecordReader
from hetarag.ledger.delivery.verification import Checker
from hetarag.ledger.lock import FolderLock
from hetarag.ledger.reading.entity_linking import AliasLinker
from hetarag.ledger.reading.table_catalogue import Catalogue
from hetarag.ledger.session import Ledger
from hetarag.ledger.writing.versions import VersionWriter
from hetarag.models.embedders.factory import make_embedder
from hetarag.protocols import Embedder, Extractor, Reader
from hetarag.retrievers.fan_out import FanOut
from hetarag.retrievers.reranking.profiles import own_trees
from hetarag.store_settings import EMBEDDED

if TYPE_CHECKING:
    from hetarag.answering.answerer import Answerer


class Components:
    """The parts of one open knowledge base, from the folder's lock to the answerer."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        embedder: Embedder | None,
        reader: Reader | None,
        ranker: str | Path | None,
    ) -> None:
        self.settings = settings
        self._given_embedder = embedder
        self._given_reader = reader
        check_names(settings.search)  # before anything is locked
        trees = own_trees(Path(ranker)) if ranker is not None else None
        self.fan_out = FanOut()
        self._folder_lock = FolderLock(folder) if is_embedded(settings) else None
        try:
            self.ledger = Ledger(settings.ledger.url, folder)
        except BaseException:
            self._release()
            raise
        self.catalogue = Catalogue(self.ledger)
        self.stores = StoreSet(
            settings,
            folder / "stores",
            self.catalogue,
            lambda: self.embedder,
            self.ledger.get("id") or "",
        )
        self.planes = PlaneCache(
            settings,
            self.ledger,
            self.catalogue,
            self.stores,
            self.fan_out,
            embedder=lambda: self.embedder,
            given=embedder is not None,
            trees=trees,
        )
        batch = settings.ingest.batch
        rows_in = self.stores.first_of("sql")
        self.records = RecordReader(
            self.ledger, lambda: self.embeddings, self.stores.tables, rows_in
        )
        self.writer = VersionWriter(
            self.ledger,
            tuple(self.stores.kinds),
            self.stores.accepts,
            batch=batch,
            embed_rows=settings.ingest.embed_rows,
        )
        self.outbox = Outbox(
            self.ledger,
            self.writer,
            self.records,
            self.stores.openers,
            order=self.stores.delivery_order,
            rows_in=rows_in,
            batch=batch,
        )
        if self._folder_lock is not None and settings.ledger.url == EMBEDDED:
            self.outbox.release()

    @cached_property
    def embedder(self) -> Embedder:
        """The embedder in use."""
        return self._given_embedder or make_embedder(self.settings.models)

    @cached_property
    def embeddings(self) -> EmbeddingCache:
        """The vectors that the ledger keeps."""
        return EmbeddingCache(self.ledger, self.embedder)

    @cached_property
    def extractor(self) -> Extractor:
        """What finds entities in chunks."""
        return make_extractor(self.settings.ingest.entities)

    @cached_property
    def pipeline(self) -> Pipeline:
        """The way of documents into the ledger and the stores."""
        return Pipeline(
            self.settings.ingest, self.ledger, self.writer, self.outbox, lambda: self.extractor
        )

    @cached_property
    def linker(self) -> AliasLinker:
        """What finds the entities that a question names."""
        return AliasLinker(self.ledger)

    @cached_property
    def answerer(self) -> Answerer:
        """What reads evidence and checks the answer."""
        from hetarag.answering.answerer import Answerer  # a search needs nothing of the readers

        return Answerer(self.settings.reader, self._load_reader, self._known_decoders)

    @cached_property
    def checker(self) -> Checker:
        """What compares the stores with the ledger."""
        return Checker(
            self.ledger,
            self.records,
            self.stores.openers,
            self.stores.accepts,
            order=self.stores.delivery_order,
            batch=self.settings.ingest.batch,
        )

    @property
    def has_vectors(self) -> bool:
        """Whether any store needs the question's vector."""
        return bool(self.stores.searched_by_vector())

    def require_embedder(self) -> None:
        """Raise `FingerprintError` where the vectors in the stores are another embedder's."""
        if self.has_vectors:
            self.ledger.require("embedder", self.embedder.fingerprint, "embedder")

    def close(self) -> None:
        """Close everything and let go of the folder; a second call does nothing."""
        self.fan_out.close()
        self.stores.close()
        self.ledger.close()
        self._release()

    def _load_reader(self) -> Reader:
        from hetarag.models.readers.factory import make_reader

        return self._given_reader or make_reader(self.settings.models)

    def _known_decoders(self) -> tuple[str, ...] | None:
        from hetarag.models.readers.factory import known_decoders

        given = self._given_reader
        return known_decoders(self.settings.models) if given is None else tuple(given.decoders())

    def _release(self) -> None:
        if self._folder_lock is not None:
            self._folder_lock.release()
